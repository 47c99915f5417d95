"""When our own receiver took nothing in, or what it took was not yet to be found: then silence says nothing.

In: the figures that the processes publish, the time. Out: stretches of time, which evaluations hold their judgement in.
"""

from dataclasses import dataclass
from typing import Final

from exporter.figures import STALE_NS, Figures
from exporter.query.period import Period
from exporter.units import NS_PER_S

_REASONS: Final = {"overloaded", "disk_full", "shutting_down"}
_MOST: Final = 1_000
_LATE_S: Final = 10.0


@dataclass(frozen=True, slots=True)
class Seen:
    """Gaps so far, oldest first, and what was seen last: when, how much was refused, since when the receiver runs."""

    gaps: tuple[Period, ...] = ()
    at: int | None = None
    refused: float = 0
    pid: int | None = None


def observe(seen: Seen, receive: Figures | None, write: Figures | None, now: int) -> Seen:
    """What is seen at `now`."""
    since = now if seen.at is None else min(seen.at, now)
    gaps = list[Period]()
    refused, pid = seen.refused, seen.pid
    if receive is None or now - receive.time >= STALE_NS:
        gaps.append(Period(since if receive is None else min(receive.time, now), now + 1))
    else:
        refused, pid = _refused(receive), receive.pid
        if seen.at is not None and (refused > seen.refused or pid != seen.pid):
            gaps.append(Period(since - NS_PER_S, now + 1))
    if write is None or now - write.time >= STALE_NS:
        gaps.append(Period(since if write is None else min(write.time, now), now + 1))
    elif (late_s := _gauge(write, "ax_freshness_seconds")) > _LATE_S:
        gaps.append(Period(now - int(late_s * NS_PER_S), now + 1))
    joined = seen.gaps
    for gap in gaps:
        joined = _joined(joined, gap)
    return Seen(joined[-_MOST:], now, refused, pid)


def touches(seen: Seen, period: Period) -> bool:
    """Whether a gap is within the period."""
    return any(gap.start_ns < period.end_ns and period.start_ns < gap.end_ns for gap in reversed(seen.gaps))


def _joined(gaps: tuple[Period, ...], gap: Period) -> tuple[Period, ...]:
    """One more; it is one with the last where nothing is between them."""
    if gaps and gap.start_ns <= gaps[-1].end_ns + NS_PER_S:
        last = gaps[-1]
        return (*gaps[:-1], Period(min(last.start_ns, gap.start_ns), max(last.end_ns, gap.end_ns)))
    return (*gaps, gap)


def _refused(figures: Figures) -> float:
    """Items that were refused for a reason of ours."""
    return sum(
        sample.value
        for sample in figures.counters
        if sample.name == "ax_refused_items_total" and sample.labels.get("reason") in _REASONS
    )


def _gauge(figures: Figures, name: str) -> float:
    return max((sample.value for sample in figures.gauges if sample.name == name), default=0)
