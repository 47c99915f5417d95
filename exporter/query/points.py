"""Stored metrics: which there are, and what their points come to.

In: a metric's name, a period, dimensions, a filter. Out: one row per bucket and group.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import gcd
from typing import Final, Literal

from exporter.query.answer import BUCKETS, EXACT, Answer, Precision, bounded
from exporter.query.fields import CELLS
from exporter.query.figures import cells_for
from exporter.query.filter import parse
from exporter.query.period import Period
from exporter.query.views import Views, grouping
from exporter.units import NS_PER_S

Aggregation = Literal["avg", "sum", "rate", "count", "min", "max", "last", "p50", "p95", "p99"]
"""One number of points; `rate` is by how much their sum is a second."""
_PERCENTILES: Final = {"p50": 0, "p95": 1, "p99": 2}
USUAL: Final[dict[str, Aggregation]] = {"gauge": "last", "sum": "sum", "histogram": "avg", "summary": "avg"}
"""What the points of each kind of metric usually come to."""


def precision_of(aggregation: str) -> Precision:
    """Whether it is one that the sender's buckets bound."""
    return BUCKETS if aggregation in _PERCENTILES else EXACT


@dataclass(frozen=True, slots=True)
class Points:
    """What the points of one bucket and group come to.

    Of a gauge `sum` is that of its values and `count` how many there are, of a sum `sum` is by how much it rose, of a
    histogram both are of what it counted; `percentiles` (50, 95, 99) are upper bounds of its buckets.
    """

    bucket_ns: int
    labels: tuple[str | None, ...]
    unit: str | None
    count: int
    sum: float | None
    min: float | None
    max: float | None
    last: float | None
    percentiles: tuple[float | None, float | None, float | None]

    def __post_init__(self) -> None:
        """Lists become tuples."""
        object.__setattr__(self, "labels", tuple(self.labels or ()))
        found = [None if edge is None or self.max is None else min(edge, self.max) for edge in self.percentiles or ()]
        object.__setattr__(self, "percentiles", tuple(found) or (None, None, None))

    @property
    def mean(self) -> float | None:
        """Of a gauge's values, or of what a histogram counted."""
        return self.sum / self.count if self.count and self.sum is not None else None

    def read(self, aggregation: str, length_ns: int) -> float | None:
        """One of `AGGREGATIONS`, of a bucket that is so long."""
        if aggregation in _PERCENTILES:
            return self.percentiles[_PERCENTILES[aggregation]]
        if aggregation == "rate":
            return None if self.sum is None else self.sum / (length_ns / NS_PER_S)
        found: float | None = getattr(self, "mean" if aggregation == "avg" else aggregation)
        return found


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric that has points."""

    name: str
    kind: str
    unit: str | None
    description: str | None
    services: int
    points: int


@dataclass(frozen=True, slots=True)
class _Kind:
    kind: str


def metrics(views: Views, period: Period) -> Answer[Metric]:
    """The metrics that have points in a period."""
    return Answer(views.rows("metric_names", Metric, period.us()), period=period, source="metrics_*")


def kind_of(views: Views, name: str, period: Period) -> str | None:
    """gauge, sum, histogram or summary; None where the metric has no points in a period."""
    found = views.rows("metric_kind", _Kind, {**period.us(), "name": name})
    return found[0].kind if found else None


def points(
    views: Views,
    name: str,
    period: Period,
    *,
    by: Sequence[str] = (),
    where: str | None = None,
    step_ns: int = 0,
    origin_ns: int = 0,
    most: int | None = None,
) -> Answer[Points]:
    """What the points of a metric come to, a row per bucket of `step_ns` (0: one) and value of the fields `by`.

    From rollups, so of the whole minutes, hours or days that the period touches. Raises `AxError`, also where there are
    more than `most` rows.
    """
    cells, cell_ns = cells_for(period, gcd(step_ns, origin_ns))
    whole = period.widened(cell_ns)
    condition = parse(where, CELLS)
    parameters: dict[str, object] = {"name": name, "most": None if most is None else most + 1}
    parameters |= {**whole.us(step_ns, origin_ns), **condition.parameters}
    places = {"cells": cells, "where": condition.sql, **grouping(by, CELLS)}
    return bounded(Answer(views.rows("points", Points, parameters, places), BUCKETS, whole, cells), most)
