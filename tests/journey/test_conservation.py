"""What the server says of itself adds up: received = accepted + refused, accepted = stored + deduplicated + dropped."""

from collections import Counter
from pathlib import Path
from typing import Final

import httpx
from prometheus_client.parser import text_string_to_metric_families

from tests.factories import logs_request, metrics_request, spans_request
from tests.running import Server, running, until

ALONE: Final = {"AX_RECEIVE_SELF_METRICS_INTERVAL": "0s"}
"""The server's own metrics would be counted too."""
SIGNALS: Final = {"traces": spans_request(300), "metrics": metrics_request(200), "logs": logs_request(100)}


def post(server: Server, signal: str, body: bytes) -> int:
    headers = {"Content-Type": "application/x-protobuf"}
    return httpx.post(f"{server.http}/v1/{signal}", content=body, headers=headers).status_code


def items(server: Server) -> dict[str, Counter[str]]:
    """Items by signal and by what became of them, as Prometheus would read them."""
    found: dict[str, Counter[str]] = {signal: Counter() for signal in SIGNALS}
    for family in text_string_to_metric_families(httpx.get(f"{server.ui}/metrics").text):
        for sample in family.samples:
            if sample.name.endswith("_items_total") and sample.labels.get("stage") != "compaction":
                found[sample.labels["signal"]][sample.name] += int(sample.value)
    return found


def adds_up(server: Server, received: dict[str, int]) -> bool:
    return all(
        count["ax_received_items_total"] == received[signal]
        and count["ax_received_items_total"] == count["ax_accepted_items_total"] + count["ax_refused_items_total"]
        and count["ax_accepted_items_total"]
        == count["ax_stored_items_total"] + count["ax_deduplicated_items_total"] + count["ax_dropped_items_total"]
        for signal, count in items(server).items()
    )


def test_every_item_is_accounted_for_also_those_sent_twice_and_those_refused(tmp_path: Path) -> None:
    with running(tmp_path / "data", environ=ALONE) as server:
        for signal, export in SIGNALS.items():
            body = export.SerializeToString()
            assert [post(server, signal, body) for _ in range(3)] == [200] * 3
            assert post(server, signal, body[:-1]) == 400
        received = {"traces": 3 * 300 + 1, "metrics": 3 * 200 + 1, "logs": 3 * 100 + 1}
        until(lambda: adds_up(server, received), "the counters add up")
        counted = items(server)
        stored = {signal: count["ax_stored_items_total"] for signal, count in counted.items()}
        assert stored == {"traces": 300, "metrics": 200, "logs": 100}
        assert {count["ax_deduplicated_items_total"] for count in counted.values()} == {600, 400, 200}
        assert {count["ax_refused_items_total"] for count in counted.values()} == {1}
        assert server.sql("SELECT (SELECT count(*) FROM spans), (SELECT count(*) FROM logs)") == [(300, 100)]
