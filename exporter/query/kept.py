"""Answers to questions that have been asked before, of the same segments: those do not change.

In: a statement that names its segments, the values of its parameters. Out: the rows it gave, or none.
"""

import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import pyarrow as pa

from exporter.clock import Clock, SystemClock
from exporter.query.period import Period

MOST_BYTES: Final = 32 * 2**20
"""Of all answers together."""
_LARGE_BYTES: Final = MOST_BYTES // 16
"""A larger answer is not kept."""

_PLACES: Final = 4_096
"""Of traces."""

_GLANCES: Final = 256
"""An answer at a glance is given to all who ask within so large a part of its period."""
_LENGTHS: Final = 256
"""Of periods that were asked about at a glance."""

_Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class _Glance:
    """Which period is asked about, since when (by the monotonic clock)."""

    period: Period
    at: int
    mark: str


@dataclass(frozen=True, slots=True)
class Place:
    """Where in time the rows of a trace are in some segments: the first, the last, Unix microseconds, if there are."""

    looked_at: frozenset[str] = frozenset()
    ends: tuple[int, ...] = ()


class Kept:
    """For several threads; what was asked least lately goes first."""

    def __init__(self, most_bytes: int = MOST_BYTES, clock: Clock | None = None) -> None:
        """None yet."""
        self._most_bytes = most_bytes
        self._lock = threading.Lock()
        self._answers: OrderedDict[_Key, pa.Table] = OrderedDict()
        self._bytes = 0
        self._clock = clock or SystemClock()
        self._number = 0
        self._glances: OrderedDict[tuple[str | None, int], _Glance] = OrderedDict()
        self._places: OrderedDict[_Key, Place] = OrderedDict()

    def of(self, statement: str, parameters: Mapping[str, object]) -> pa.Table | None:
        """What the statement gave."""
        key = _key(statement, parameters)
        with self._lock:
            found = self._answers.get(key)
            if found is not None:
                self._answers.move_to_end(key)
            return found

    def place(self, table: str, trace_id: str) -> Place:
        """What is known of a trace; of segments of all tenants."""
        with self._lock:
            return self._places.get((table, trace_id), Place())

    def put(self, table: str, trace_id: str, place: Place) -> None:
        """Remembers it."""
        with self._lock:
            self._places[table, trace_id] = place
            self._places.move_to_end((table, trace_id))
            if len(self._places) > _PLACES:
                self._places.popitem(last=False)

    def glance(self, tenant: str | None, period: Period) -> tuple[Period, str]:
        """A period of the same length that was asked about a moment ago, or from now on this; and its mark."""
        now, moment = self._clock.monotonic(), period.length_ns // _GLANCES
        key = tenant, period.length_ns
        with self._lock:
            seen = self._glances.get(key)
            if seen is None or now - seen.at >= moment or abs(period.end_ns - seen.period.end_ns) >= moment:
                self._number += 1
                seen = self._glances[key] = _Glance(period, now, f"{self._number}")
                if len(self._glances) > _LENGTHS:
                    self._glances.popitem(last=False)
            return seen.period, seen.mark

    def is_recent(self, period: Period) -> bool:
        """Whether it ends now, or did a moment ago."""
        return self._clock.wall() - period.end_ns < period.length_ns // _GLANCES

    def keep(self, statement: str, parameters: Mapping[str, object], answer: pa.Table) -> None:
        """Remembers it, unless it is large."""
        if answer.nbytes > _LARGE_BYTES:
            return
        key = _key(statement, parameters)
        with self._lock:
            self._bytes += _size(key, answer) - _size(key, self._answers.pop(key, None))
            self._answers[key] = answer
            while self._bytes > self._most_bytes:
                oldest, table = self._answers.popitem(last=False)
                self._bytes -= _size(oldest, table)


def _key(statement: str, parameters: Mapping[str, object]) -> _Key:
    return statement, repr(sorted(parameters.items()))


def _size(key: _Key, answer: pa.Table | None) -> int:
    return 0 if answer is None else answer.nbytes + len(key[0]) + len(key[1])
