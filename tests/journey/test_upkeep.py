"""`ax erase`, `ax backup`, `ax restore` and replay, on real servers."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import duckdb
import httpx
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from exporter.clock import SystemClock
from tests.factories import logs_request, metrics_request, spans_request
from tests.otlp import Export, key_values
from tests.readback import rows
from tests.running import Server, ax, kill_group, running, sql, until

S = 10**9
PATHS = {"ExportTraceServiceRequest": "traces", "ExportLogsServiceRequest": "logs"}


def send(server: Server, export: Export) -> None:
    path = PATHS.get(type(export).__name__, "metrics")
    headers = {"Content-Type": "application/x-protobuf"}
    answer = httpx.post(f"{server.http}/v1/{path}", content=export.SerializeToString(), headers=headers)
    assert answer.status_code == 200, answer.text


def conversation(name: str, user: str, seed: int, *, service: str = "desk") -> ExportTraceServiceRequest:
    """A trace of eight spans, of which only the root names its user and conversation."""
    export = spans_request(8, seed, SystemClock().wall() - 60 * S, service=service)
    named = {"user.id", "session.id", "gen_ai.conversation.id"}
    for place, span in enumerate(export.resource_spans[0].scope_spans[0].spans):
        kept = [pair for pair in span.attributes if pair.key not in named]
        del span.attributes[:]
        span.attributes.extend(kept)
        if place == 0:
            span.attributes.extend(key_values({"user.id": user, "gen_ai.conversation.id": name}))
    return export


def logs_of(trace_id: bytes, count: int) -> Export:
    export = logs_request(count, 1, SystemClock().wall() - 30 * S, service="desk")
    for record in export.resource_logs[0].scope_logs[0].log_records:
        record.trace_id = trace_id
    return export


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with three conversations of two users, and logs of one of them."""
    with running(tmp_path_factory.mktemp("upkeep") / "data") as started:
        first = conversation("c-1", "ada", 1)
        for export in (first, conversation("c-2", "ada", 2), conversation("c-3", "bob", 3)):
            send(started, export)
        send(started, logs_of(first.resource_spans[0].scope_spans[0].spans[0].trace_id, 5))
        send(started, metrics_request(20, 1, SystemClock().wall() - 30 * S))
        until(lambda: started.sql("SELECT count(*) FROM spans WHERE service_name = 'desk'") == [(24,)], "spans")
        until(lambda: started.sql("SELECT count(*) FROM logs WHERE service_name = 'desk'") == [(5,)], "logs")
        yield started


def test_a_replay_gives_another_server_the_same_records(server: Server, tmp_path: Path) -> None:
    views = ("spans", "logs", "metrics_gauge", "metrics_sum", "metrics_histogram", "metrics_exp_histogram")
    own = "service_name <> 'otel-ax'"
    with running(tmp_path / "other", environ={"AX_RECEIVE_SELF_METRICS_INTERVAL": "0s"}) as other:
        for view in views:
            said = json.loads(ax("export", view, "--data", server.data, "--to", other.http, "--where", own, "--json"))
            assert said["rejected"] == 0
            count = server.sql(f"SELECT count(*) FROM {view} WHERE {own}")
            assert [(said["sent"],)] == count
            until(lambda view=view, count=count: other.sql(f"SELECT count(*) FROM {view}") == count, view)
        for view in views:
            query = f"SELECT * EXCLUDE (ingest_time) FROM {view} WHERE {own} ORDER BY ALL"
            assert rows(other.data, query) == rows(server.data, query)


@pytest.mark.slow
def test_a_replay_of_some_takes_a_filter(server: Server, tmp_path: Path) -> None:
    with running(tmp_path / "other") as other:
        ax("export", "spans", "--data", server.data, "--to", other.http, "--filter", "user = bob")
        until(lambda: other.sql("SELECT user_id FROM spans") == [("bob",)], "bob's span")
    said = ax("export", "spans", "--data", server.data, "--to", "http://127.0.0.1:9/", "--filter", "usr = x", code=1)
    assert "column 1: spans have no field 'usr'; did you mean user?" in said
    assert "usr = x\n  ^" in said
    said = ax("export", "traces", "--data", server.data, "--to", other.http, code=1)
    assert "traces cannot be sent as OTLP; what can is spans" in said
    said = ax("export", "spans", "--data", server.data, "--to", "http://127.0.0.1:9/", code=1)
    assert "http://127.0.0.1:9/v1/traces did not take a request: ConnectionError: Connection refused" in said


def test_a_backup_beside_traffic_has_all_that_was_acknowledged_before(server: Server, tmp_path: Path) -> None:
    sent: list[int] = []

    def traffic() -> None:
        for seed in range(40):
            send(server, spans_request(20, 1000 + seed, SystemClock().wall() - 10 * S, service="busy"))
            sent.append(seed)

    with ThreadPoolExecutor(1) as pool:
        running_traffic = pool.submit(traffic)
        until(lambda: len(sent) >= 5, "traffic")
        before = len(sent)
        said = json.loads(ax("backup", "--data", server.data, tmp_path / "backup", "--json"))
        running_traffic.result()
    assert said["missing_bytes"] == 0
    ax("restore", tmp_path / "backup", "--data", tmp_path / "restored")
    (busy,) = sql(tmp_path / "restored", "SELECT count(*) FROM spans WHERE service_name = 'busy'")[0]
    assert busy >= before * 20
    assert busy % 20 == 0
    desk = "SELECT * FROM spans WHERE service_name = 'desk' ORDER BY ALL"
    assert rows(tmp_path / "restored", desk) == rows(server.data, desk)
    until(lambda: server.sql("SELECT count(*) FROM spans WHERE service_name = 'busy'") == [(800,)], "all")


@pytest.mark.slow
def test_a_restored_directory_is_served_on(server: Server, tmp_path: Path) -> None:
    ax("backup", "--data", server.data, tmp_path / "backup", "--copy")
    ax("restore", tmp_path / "backup", "--data", tmp_path / "data")
    (before,) = sql(tmp_path / "data", "SELECT count(*) FROM spans")[0]
    with running(tmp_path / "data") as restored:
        send(restored, spans_request(30, 77, SystemClock().wall() - 10 * S, service="later"))
        until(lambda: restored.sql("SELECT count(*) FROM spans") == [(before + 30,)], "both")
        metrics = httpx.get(f"{restored.ui}/metrics").text
        assert "ax_corrupt_files_total 0" in metrics
    again = ax("restore", tmp_path / "backup", "--data", tmp_path / "data", code=1)
    assert f"{tmp_path / 'data'} is not empty" in again


def test_what_is_damaged_is_not_restored(server: Server, tmp_path: Path) -> None:
    ax("backup", "--data", server.data, tmp_path / "backup", "--copy")
    segment = next((tmp_path / "backup" / "segments" / "spans").rglob("*.parquet"))
    content = bytearray(segment.read_bytes())
    content[len(content) // 2] ^= 1
    segment.write_bytes(content)
    said = ax("restore", tmp_path / "backup", "--data", tmp_path / "data", code=1)
    assert f"{segment} is damaged" in said
    assert not (tmp_path / "data").exists(), "what is half there would be in the way of the next try"
    assert "is no backup" in ax("restore", tmp_path, "--data", tmp_path / "none", code=1)
    assert "is there already" in ax("backup", "--data", server.data, tmp_path / "backup", code=1)


def test_erasing_a_user_takes_whole_traces_and_their_logs_and_nothing_else(tmp_path: Path) -> None:
    with running(tmp_path / "data") as own:
        first = conversation("c-1", "ada", 1)
        trace_id = first.resource_spans[0].scope_spans[0].spans[0].trace_id
        for export in (first, conversation("c-2", "ada", 2), conversation("c-3", "bob", 3)):
            send(own, export)
        send(own, logs_of(trace_id, 5))
        send(own, logs_request(7, 9, SystemClock().wall() - 30 * S, service="others"))
        until(lambda: own.sql("SELECT count(*) FROM spans") == [(24,)], "spans")
        until(lambda: own.sql("SELECT count(*) FROM logs") == [(12,)], "logs")
        kept = "SELECT * FROM spans WHERE trace_id IN (SELECT trace_id FROM spans WHERE user_id = 'bob') ORDER BY ALL"
        bobs = rows(own.data, kept)

        dry = json.loads(ax("erase", "--data", own.data, "--user", "ada", "--dry-run", "--json"))
        assert dry == {"rows": {"spans": 16, "logs": 5}, "erased": False}
        assert "add --yes" in ax("erase", "--data", own.data, "--user", "ada", code=1)
        assert own.sql("SELECT count(*) FROM spans") == [(24,)]

        done = json.loads(ax("erase", "--data", own.data, "--user", "ada", "--yes", "--json"))
        assert done == {"rows": {"spans": 16, "logs": 5}, "erased": True}
        assert rows(own.data, "SELECT * FROM spans ORDER BY ALL") == bobs
        assert own.sql("SELECT DISTINCT service_name FROM logs") == [("others",)]
        held = [path for path in own.data.joinpath("segments").rglob("*.parquet") if _holds(path, trace_id.hex())]
        assert held == []

        ax("erase", "--data", own.data, "--conversation", "c-3", "--yes")
        assert own.sql("SELECT count(*) FROM spans") == [(0,)]
        assert "erased nothing" in ax("erase", "--data", own.data, "--conversation", "c-3", "--yes")
        send(own, conversation("c-4", "eve", 4))
        until(lambda: own.sql("SELECT count(*) FROM spans") == [(8,)], "what came later stays")
    with running(tmp_path / "data") as again:
        assert again.sql("SELECT count(*) FROM spans") == [(8,)]
        assert "ax_corrupt_files_total 0" in httpx.get(f"{again.ui}/metrics").text


def _holds(path: Path, trace_id: str) -> bool:
    with duckdb.connect() as connection:
        names = [name for (name, *_) in connection.execute(f"DESCRIBE FROM read_parquet('{path}')").fetchall()]
        if "trace_id" not in names:
            return False
        query = f"SELECT count(*) FROM read_parquet('{path}') WHERE trace_id = ?"
        return connection.execute(query, [trace_id]).fetchall() != [(0,)]


def test_without_a_server_erasing_drains_the_journal_first(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with running(data, environ={"AX_STORE_FLUSH_INTERVAL": "1h"}) as own:  # nothing is stored until it stops
        send(own, conversation("c-1", "ada", 1))
        send(own, conversation("c-2", "bob", 2))
        kill_group(own.process)
    assert sql(data, "SELECT count(*) FROM spans") == [(0,)]
    said = json.loads(ax("erase", "--data", data, "--user", "ada", "--yes", "--json"))
    assert said == {"rows": {"spans": 8}, "erased": True}
    assert sql(data, "SELECT DISTINCT user_id FROM spans WHERE user_id IS NOT NULL") == [("bob",)]
    assert sql(data, "SELECT count(*) FROM spans") == [(8,)]


PRICE = """
version = "{version}"
[[price]]
provider = "openai"
model = "house-model"
input_mtok = {input}
output_mtok = 0
"""
COSTS = "SELECT sum(cost_nanos) FILTER (cost_nanos IS NOT NULL), count(unpriced) FROM llm_calls"
ROLLED = "SELECT sum(cost_nanos), sum(unpriced) FROM {rollup} WHERE source = 'call'"


def test_calls_are_priced_anew_and_rollups_follow(tmp_path: Path) -> None:
    prices = tmp_path / "prices.toml"
    prices.write_text('version = "none"')
    with running(tmp_path / "data", environ={"AX_PRICES": str(prices)}) as own:
        now = SystemClock().wall()
        export = spans_request(40, 5, now - 60 * S)
        calls = 0
        for span in export.resource_spans[0].scope_spans[0].spans:
            if any(pair.value.string_value == "chat" for pair in span.attributes):
                del span.attributes[:]
                asked = {"gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai"}
                span.attributes.extend(key_values(asked | {"gen_ai.request.model": "house-model"}))
                span.attributes.extend(key_values({"gen_ai.usage.input_tokens": 1000}))
                calls += 1
        send(own, export)
        until(lambda: own.sql("SELECT count(*) FROM spans") == [(40,)], "spans")
        (before, unpriced) = own.sql(COSTS)[0]
        assert unpriced >= calls > 0
        for version, per_million in (("one", 2), ("two", 3)):
            prices.write_text(PRICE.format(version=version, input=per_million))
            said = json.loads(ax("cost", "reprice", "--data", own.data, "--since", "1h", "--json"))
            assert said["rows"] == {"spans": calls}
            costs = ((before or 0) + calls * 1000 * per_million * 1000, unpriced - calls)
            assert own.sql(COSTS) == [costs]
            for rollup in ("rollup_1min", "rollup_1hour", "rollup_1day"):
                assert own.sql(ROLLED.format(rollup=rollup)) == [costs]
            versions = own.sql("SELECT DISTINCT price_version FROM llm_calls WHERE model = 'house-model'")
            assert versions == [(f"user {version}",)]
        again = json.loads(ax("cost", "reprice", "--data", own.data, "--since", "1h", "--json"))
        assert again == {"rows": {"spans": 0}, "segments": 0}
        assert "cannot read 'soon' as a day" in ax("cost", "reprice", "--data", own.data, "--since", "soon", code=1)


def test_one_must_be_named(tmp_path: Path) -> None:
    said = ax("erase", "--data", tmp_path, "--user", "a", "--tenant", "b", code=2)
    assert "name one: --tenant, --user or --conversation" in said
