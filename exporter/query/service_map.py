"""Who calls whom: services, and the models' providers, tools and databases behind them.

In: a period. Out: a row per caller and callee, with how often, how it went and what it cost.
"""

from dataclasses import dataclass

from exporter.query.answer import Answer
from exporter.query.period import HOUR, Period
from exporter.query.views import Views
from exporter.units import NS_PER_US


@dataclass(frozen=True, slots=True)
class Edge:
    """What went from a caller to a callee; times are those of the first and the last call, Unix nanoseconds."""

    caller: str | None
    callee: str
    callee_kind: str
    calls: int
    failed: int
    avg_duration_ns: int | None
    p95_duration_ns: int | None
    max_duration_ns: int | None
    cost_nanos: int | None
    first_ns: int
    last_ns: int


def service_map(views: Views, period: Period, *, limit: int = 500) -> Answer[Edge]:
    """The edges of calls that began in a period, the busiest first, at most `limit`.

    A service that called is looked for among spans that began up to an hour before.
    """
    rows = views.rows("service_map", Edge, {**period.us(), "margin_us": HOUR // NS_PER_US, "limit": limit})
    return Answer(rows, period=period, source="spans")
