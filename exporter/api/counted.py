"""Counters of a UTC day for Prometheus, which takes a counter that falls for one that began anew.

In: what the calls of the day come to now, and what was told before. Out: as many series as are allowed, none of which
falls while the day lasts: neither when doubles are removed or calls priced anew, nor when more combinations come than
there may be series. Those that came first have series of their own, of those that came together the most frequent; the
others are one series from then on.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import accumulate
from operator import add
from typing import Final

from exporter.notify.text import plain
from exporter.query.day import Total

LONGEST: Final = 200
"""Characters of a label; longer ones are cut, and equal ones then are one series."""
FIRST, LAST = 23, 37
"""Bounds of the histogram: 2^23 ns (8.4 ms) to 2^37 ns (137 s)."""
SUMS: Final = (
    "count",
    "failed",
    "unpriced",
    "latency_sum_ns",
    "cost_nanos",
    "tokens_input",
    "tokens_output",
    "tokens_cache_read",
    "tokens_cache_write",
    "tokens_reasoning",
)
"""Of `query.day.Total`, what adds up."""

Labels = tuple[str, ...]
"""Those of `query.day.LABELS`, empty where there is none."""
OTHERS: Final[Labels] = ()
"""All that have no series of their own."""


@dataclass(frozen=True, slots=True)
class Counts:
    """One series: `sums` are those of `SUMS`, `buckets` are cumulative, of bounds from `FIRST` to `LAST`."""

    sums: tuple[int, ...] = (0,) * len(SUMS)
    buckets: tuple[int, ...] = (0,) * (LAST - FIRST + 1)

    def __getitem__(self, name: str) -> int:
        """A sum by its name."""
        return self.sums[SUMS.index(name)]

    def plus(self, other: "Counts") -> "Counts":
        """Both together."""
        return Counts(_each(add, self.sums, other.sums), _each(add, self.buckets, other.buckets))

    def at_least(self, other: "Counts") -> "Counts":
        """The greater of each."""
        return Counts(_each(max, self.sums, other.sums), _each(max, self.buckets, other.buckets))


def _each(what: Callable[[int, int], int], one: Iterable[int], other: Iterable[int]) -> tuple[int, ...]:
    return tuple(map(what, one, other))


@dataclass(frozen=True, slots=True)
class Told:
    """What was told of a day, which `start_ns` begins."""

    start_ns: int = 0
    series: Mapping[Labels, Counts] = field(default_factory=dict)


def told(before: Told, start_ns: int, totals: Iterable[Total], most: int) -> Told:
    """What to tell now; at most `most` series, and `OTHERS`."""
    known = before.series if before.start_ns == start_ns else {}
    found: dict[Labels, Counts] = {}
    for total in totals:
        labels = tuple(plain(label or "", LONGEST) for label in total.labels)
        found[labels] = found.get(labels, Counts()).plus(_counts(total))
    # Once some are among the others, nobody leaves them: their sum would fall.
    room = 0 if OTHERS in known else most - len(known)
    series = dict(known)
    for labels, counts in found.items():
        if labels in known or room > 0:
            room -= labels not in known
            series[labels] = counts.at_least(known.get(labels, Counts()))
    others = [counts for labels, counts in found.items() if labels not in series]
    if others:
        together = Counts()
        for counts in others:
            together = together.plus(counts)
        series[OTHERS] = together.at_least(known.get(OTHERS, Counts()))
    return Told(start_ns, series)


def _counts(total: Total) -> Counts:
    buckets = [0] * (LAST - FIRST + 1)
    for doubling, count in total.doublings:
        if doubling <= LAST:
            buckets[max(doubling - FIRST, 0)] += count
    return Counts(tuple(getattr(total, name) for name in SUMS), tuple(accumulate(buckets)))
