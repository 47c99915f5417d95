"""What a server counts of the items it is sent, as Prometheus reads it.

In: a server. Out: items by signal and by what became of them; whether they add up.
"""

from collections import Counter
from typing import Final

import httpx
from prometheus_client.parser import text_string_to_metric_families

from exporter.model import Signal
from tests.running import Server

ALONE: Final = {"AX_RECEIVE_SELF_METRICS_INTERVAL": "0s"}
"""The server's own metrics would be counted too."""

Items = dict[str, Counter[str]]
"""By label of the signal, then by the middle of the counter's name: received, accepted, refused, stored, …"""


def items_of(server: Server) -> Items:
    """All items that were sent to a server, and to those before it on the same data."""
    found: Items = {signal.label: Counter() for signal in Signal}
    for family in text_string_to_metric_families(httpx.get(f"{server.ui}/metrics", timeout=10).text):
        for sample in family.samples:
            if sample.name.endswith("_items_total") and sample.labels.get("stage") != "compaction":
                name = sample.name.removeprefix("ax_").removesuffix("_items_total")
                found[sample.labels["signal"]][name] += int(sample.value)
    return found


def adds_up(items: Items) -> bool:
    """Whether received = accepted + refused and accepted = stored + deduplicated + dropped, for each signal."""
    return all(
        count["received"] == count["accepted"] + count["refused"]
        and count["accepted"] == count["stored"] + count["deduplicated"] + count["dropped"]
        for count in items.values()
    )
