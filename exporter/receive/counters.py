"""What the receiver counts about itself.

In: the fate of every request and item. Out: figures in which received = accepted + refused, by signal, at any moment.
"""

import os
from collections import Counter
from enum import StrEnum

import psutil

from exporter.errors import Reason
from exporter.figures import Figures, Sample
from exporter.signals import Signal


class Protocol(StrEnum):
    """How a request came; the value is the label `protocol` of `ax_requests_total`."""

    GRPC = "grpc"
    HTTP_PROTOBUF = "http/protobuf"
    HTTP_JSON = "http/json"


class Outcome(StrEnum):
    """How a request that was not refused ended; of a refused one, the label `outcome` is its `Reason`'s value."""

    ACCEPTED = "accepted"
    PARTIAL = "partial"
    DEDUPLICATED = "deduplicated"
    CANCELLED = "cancelled"


class Counters:
    """Plain numbers that start at 0 with the process; they belong to the receiver's event loop.

    `in_flight_bytes` is the part of `config.receive.in_flight_bytes` that is in use.
    """

    def __init__(self, started: int) -> None:
        """Counters of a process that `started` at this Unix time in nanoseconds."""
        self.in_flight_bytes = 0
        self._started = started
        self._accepted: Counter[Signal] = Counter()
        self._deduplicated: Counter[Signal] = Counter()
        self._refused: Counter[tuple[Signal, Reason]] = Counter()
        self._requests: Counter[tuple[Signal, Protocol, Outcome | Reason]] = Counter()
        self._process = psutil.Process()

    def accept(self, signal: Signal, items: int, *, is_retry: bool) -> None:
        """Counts items that are acknowledged; those of a retry that is stored already are deduplicated as well."""
        self._accepted[signal] += items
        if is_retry:
            self._deduplicated[signal] += items

    def refuse(self, signal: Signal, reason: Reason, items: int) -> None:
        """Counts items that are not stored; a request that could not be read counts as one item."""
        self._refused[signal, reason] += items

    def answer(self, signal: Signal, protocol: Protocol, outcome: Outcome | Reason) -> None:
        """Counts a request that is answered, or whose sender is gone."""
        self._requests[signal, protocol, outcome] += 1

    def figures(self, time: int, *, backlog_bytes: int) -> Figures:
        """All figures at the Unix time `time` in nanoseconds; `backlog_bytes` is the journal's."""
        refused: Counter[Signal] = Counter()
        for (signal, _), items in self._refused.items():
            refused[signal] += items
        counters: list[Sample] = []
        for signal in Signal:
            of = {"signal": signal.label}
            accepted = self._accepted[signal]
            counters.append(Sample("ax_received_items_total", of, accepted + refused[signal]))
            counters.append(Sample("ax_accepted_items_total", of, accepted))
            by_request = {**of, "stage": "request"}
            counters.append(Sample("ax_deduplicated_items_total", by_request, self._deduplicated[signal]))
        for (signal, reason), items in self._refused.items():
            labels = {"signal": signal.label, "reason": reason.value}
            counters.append(Sample("ax_refused_items_total", labels, items))
        for (signal, protocol, outcome), count in self._requests.items():
            labels = {"signal": signal.label, "protocol": protocol.value, "outcome": outcome.value}
            counters.append(Sample("ax_requests_total", labels, count))
        memory_bytes = self._process.memory_info().rss
        gauges = (
            Sample("ax_journal_backlog_bytes", {}, backlog_bytes),
            Sample("ax_in_flight_bytes", {}, self.in_flight_bytes),
            Sample("ax_process_resident_memory_bytes", {"process": "receive"}, memory_bytes),
        )
        return Figures(time, self._started, os.getpid(), tuple(counters), gauges)
