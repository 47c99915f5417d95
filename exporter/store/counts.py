"""What became of the items: the writer's counters, which live in the catalog.

In: numbers of one append or one merge. Out: their totals since the data directory was made.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from operator import add
from typing import Final, TypeVar

from exporter.model import Signal

_Key = TypeVar("_Key")
_NONE: Final[Mapping[Signal, int]] = {}
_NONE_DROPPED: Final[Mapping[tuple[Signal, str], int]] = {}


@dataclass(frozen=True, slots=True)
class Counts:
    """Spans, points and log records by what became of them; none of the numbers goes down.

    `accepted` came from the journal. `stored` were written, those among them that a merge found to be doubles and
    left out count in `deduplicated` too. `dropped` is by signal and reason. `corrupt_files` were set aside.
    """

    accepted: Mapping[Signal, int] = field(default_factory=lambda: _NONE)
    stored: Mapping[Signal, int] = field(default_factory=lambda: _NONE)
    dropped: Mapping[tuple[Signal, str], int] = field(default_factory=lambda: _NONE_DROPPED)
    deduplicated: Mapping[Signal, int] = field(default_factory=lambda: _NONE)
    corrupt_files: int = 0

    def plus(self, other: "Counts") -> "Counts":
        """The sums of both."""
        return self._with(other, add)

    def highest(self, other: "Counts") -> "Counts":
        """The greater of each: the later state, where neither is known to be."""
        return self._with(other, max)

    def kept(self, signal: Signal) -> int:
        """Stored and not found to be a double: accepted = kept + deduplicated + dropped."""
        return self.stored.get(signal, 0) - self.deduplicated.get(signal, 0)

    def _with(self, other: "Counts", by: Callable[[int, int], int]) -> "Counts":
        return Counts(
            _joined(self.accepted, other.accepted, by),
            _joined(self.stored, other.stored, by),
            _joined(self.dropped, other.dropped, by),
            _joined(self.deduplicated, other.deduplicated, by),
            by(self.corrupt_files, other.corrupt_files),
        )

    def to_json(self) -> str:
        """Text that `from_json` reads back."""
        return json.dumps(
            {
                "accepted": _by_label(self.accepted),
                "stored": _by_label(self.stored),
                "dropped": [[signal.label, reason, count] for (signal, reason), count in self.dropped.items()],
                "deduplicated": _by_label(self.deduplicated),
                "corrupt_files": self.corrupt_files,
            }
        )

    @staticmethod
    def from_json(text: str) -> "Counts":
        """The counts that `to_json` wrote."""
        read = json.loads(text)
        return Counts(
            _by_signal(read["accepted"]),
            _by_signal(read["stored"]),
            {(Signal[label.upper()], reason): count for label, reason, count in read["dropped"]},
            _by_signal(read["deduplicated"]),
            read["corrupt_files"],
        )


def _joined(one: Mapping[_Key, int], other: Mapping[_Key, int], by: Callable[[int, int], int]) -> dict[_Key, int]:
    return {key: by(one.get(key, 0), other.get(key, 0)) for key in {**one, **other}}


def _by_label(counts: Mapping[Signal, int]) -> dict[str, int]:
    return {signal.label: count for signal, count in counts.items()}


def _by_signal(counts: Mapping[str, int]) -> dict[Signal, int]:
    return {Signal[label.upper()]: count for label, count in counts.items()}
