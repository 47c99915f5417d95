"""Where measures go: against as much time before, and day by day.

In: a measure's value by bucket. Out: the change a day, robustly, and whether it is more than chance.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from math import sqrt
from typing import Final

import numpy as np

from exporter.query.figures import Figures, figures
from exporter.query.measures import Measure
from exporter.query.period import DAY, Period
from exporter.query.views import Views

WATCHED: Final = ("calls", "cost", "tokens", "error_rate", "avg_latency", "p95_latency")
"""Measures whose trends are told where none is named."""
_LEAST: Final = 5
"""Values, without which nothing goes anywhere."""
_SURE: Final = 1.96


@dataclass(frozen=True, slots=True)
class Trend:
    """How much a bucket, by the median of all pairs (Theil and Sen).

    `is_clear` where chance would give as clear a one in less than 5 % of cases (Mann and Kendall).
    """

    slope: float
    is_clear: bool


def trend(values: Sequence[float | None]) -> Trend | None:
    """The trend of values at equal distances; None where they are too few."""
    known = [(place, value) for place, value in enumerate(values) if value is not None]
    if len(known) < _LEAST:
        return None
    places, found = (np.array(column, dtype=np.float64) for column in zip(*known, strict=True))
    first, second = np.triu_indices(len(found), k=1)
    rises = found[second] - found[first]
    count = len(found)
    score = abs(float(np.sign(rises).sum()))
    deviation = sqrt(count * (count - 1) * (2 * count + 5) / 18)
    return Trend(float(np.median(rises / (places[second] - places[first]))), (score - 1) / deviation > _SURE)


@dataclass(frozen=True, slots=True)
class Going:
    """A measure of calls in a period, in as much time before, and by whole day (UTC); None where there is none."""

    measure: Measure
    value: float | None
    before: float | None
    by_day: tuple[float | None, ...]
    trend: Trend | None

    @property
    def change_ratio(self) -> float | None:
        """Against the time before, where there was any."""
        return (self.value - self.before) / self.before if self.value is not None and self.before else None


def going(views: Views, period: Period, measures: Sequence[Measure], *, where: str | None = None) -> list[Going]:
    """Where measures of calls go: one question for the period, one for the time before, one for its days.

    Nothing where there were no calls in either. Raises `AxError`.
    """
    asked = partial(figures, views, where=where, percentiles=any(measure.is_percentile for measure in measures))
    now = asked(period, is_quick=True)
    before = asked((now.period or period).before(), from_rollups=now.source.startswith("cells"))
    if not now.rows and not before.rows:
        return []
    whole = Period(-(-period.start_ns // DAY) * DAY, period.end_ns // DAY * DAY)
    days = asked(whole, step_ns=DAY, from_rollups=True).rows if whole.length_ns > 0 else ()
    found = {row.bucket_ns: row for row in days}
    in_order = [found.get(at) for at in range(whole.start_ns, whole.end_ns, DAY)]
    return [_going(measure, _only(now.rows), _only(before.rows), in_order) for measure in measures]


def _only(rows: Sequence[Figures]) -> Figures | None:
    return rows[0] if rows else None


def _going(measure: Measure, now: Figures | None, before: Figures | None, days: Sequence[Figures | None]) -> Going:
    value, earlier = (None if one is None else measure.read(one) for one in (now, before))
    by_day = tuple(None if one is None else measure.read(one) for one in days)
    return Going(measure, value, earlier, by_day, trend(by_day))
