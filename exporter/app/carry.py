"""Counters that outlive the process that counts.

In: what the receiver before this one published, and what the journal holds. Out: figures that go on from there.

Killed, a receiver has published no more than the second before: what it refused since then is not known. What it
accepted is, since it is in the journal; so accepted = stored + deduplicated + dropped whoever was killed, and whenever.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final, Self

from exporter.figures import Figures, Labels, Sample
from exporter.signals import Signal

_ACCEPTED: Final = "ax_accepted_items_total"
_DEDUPLICATED: Final = "ax_deduplicated_items_total"
_RECEIVED: Final = "ax_received_items_total"
_REFUSED: Final = "ax_refused_items_total"

_Key = tuple[str, frozenset[tuple[str, str]]]
"""A counter's name and labels."""


@dataclass(frozen=True, slots=True)
class Carried:
    """What a receiver begins to count from; `started` is when that was begun, None where it begins now."""

    counts: Counter[_Key]
    started: int | None

    @classmethod
    def over(cls, before: Figures | None, journalled: Mapping[Signal, int]) -> Self:
        """From the figures of the receiver `before`, and the items of each signal that the journal ever took."""
        samples = before.counters if before else ()
        counts = Counter({_key(sample.name, sample.labels): int(sample.value) for sample in samples})
        for signal in Signal:
            of = {"signal": signal.label}
            accepted = journalled.get(signal, 0) + counts[_key(_DEDUPLICATED, {**of, "stage": "request"})]
            refused = sum(n for (name, labels), n in counts.items() if name == _REFUSED and labels >= of.items())
            counts[_key(_ACCEPTED, of)] = accepted
            counts[_key(_RECEIVED, of)] = accepted + refused
        return cls(counts, before.started if before else None)

    def plus(self, own: Figures) -> Figures:
        """The figures of a process, as of all since the first."""
        totals = dict(self.counts)
        for sample in own.counters:
            key = _key(sample.name, sample.labels)
            totals[key] = totals.get(key, 0) + int(sample.value)
        counters = tuple(Sample(name, dict(labels), count) for (name, labels), count in totals.items())
        return replace(own, started=own.started if self.started is None else self.started, counters=counters)


def _key(name: str, labels: Labels) -> _Key:
    return name, frozenset(labels.items())
