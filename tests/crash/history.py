"""What happened to a queue, and whether it kept its word: Jepsen's "total queue".

In: events in the order in which they were seen; how many records of each batch are there in the end. Out: a verdict.
"""

import threading
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

Answer = Literal["ack", "refuse", "unknown"]
"""How an attempt to send ends: it is stored, nothing of it is stored, or nobody can say."""


class Event(NamedTuple):
    """At `at` (monotonic nanoseconds) a batch was sent or answered, or a process (`subject`) was killed."""

    at: int
    kind: Literal["send", "kill"] | Answer
    subject: int | str


@dataclass(slots=True)
class History:
    """Everything that clients and killers saw; they may write from any thread. `counts` is by kind."""

    events: list[Event] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, kind: Literal["send", "kill"] | Answer, subject: int | str) -> None:
        """Writes down what happens now."""
        with self._lock:
            self.events.append(Event(time.monotonic_ns(), kind, subject))
            self.counts[kind] += 1

    def batches(self, *kinds: Literal["send"] | Answer) -> set[int]:
        """The batches of which there is an event of one of these kinds."""
        return {event.subject for event in self.events if event.kind in kinds and isinstance(event.subject, int)}


@dataclass(frozen=True, slots=True)
class Verdict:
    """Batches of which the queue did not keep its word.

    They were acknowledged and are not there (`lost`); are there more than once; in part; were never sent; or were
    refused whenever they were sent, and are there all the same.
    """

    lost: frozenset[int] = frozenset()
    doubled: frozenset[int] = frozenset()
    torn: frozenset[int] = frozenset()
    made_up: frozenset[int] = frozenset()
    refused: frozenset[int] = frozenset()


def judge(history: History, stored: Mapping[int, int], records: int) -> Verdict:
    """`stored` has the number of records found of each batch, which has `records` of them."""
    there = {batch for batch, count in stored.items() if count}
    return Verdict(
        lost=frozenset(history.batches("ack") - there),
        doubled=frozenset(batch for batch in there if stored[batch] > records),
        torn=frozenset(batch for batch in there if stored[batch] < records),
        made_up=frozenset(there - history.batches("send")),
        refused=frozenset(there - history.batches("ack", "unknown") - _unanswered(history)) & history.batches("refuse"),
    )


def _unanswered(history: History) -> set[int]:
    """Batches that were sent once more than they were answered."""
    waiting: set[int] = set()
    for event in history.events:
        if event.kind == "send" and isinstance(event.subject, int):
            waiting.add(event.subject)
        elif event.kind != "kill" and isinstance(event.subject, int):
            waiting.discard(event.subject)
    return waiting
