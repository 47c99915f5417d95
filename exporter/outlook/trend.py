"""Where measures go: against as much time before, and day by day.

In: a measure's value by bucket. Out: the change a day, robustly, and whether it is more than chance.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Final

import numpy as np

from exporter.query.figures import Of, figures
from exporter.query.measures import Measure
from exporter.query.measures import of as measured_of
from exporter.query.period import DAY, Period
from exporter.query.views import Views

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


def over_days(views: Views, period: Period, measure: Measure, *, where: str | None = None) -> list[float | None]:
    """A measure's value for each whole day (UTC) of a period, None for what has none. Raises `AxError`."""
    whole = Period(-(-period.start_ns // DAY) * DAY, period.end_ns // DAY * DAY)
    of, only = measured_of(measure, Of.CALLS, where)
    rows = figures(views, whole, of=of, where=only, step_ns=DAY, from_rollups=True).rows if whole.length_ns > 0 else ()
    found = {row.bucket_ns: measure.read(row) for row in rows}
    return [found.get(at) for at in range(whole.start_ns, whole.end_ns, DAY)]
