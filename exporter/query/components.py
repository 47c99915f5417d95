"""Latency by component: where the time of requests and of voice turns goes.

In: a period and a filter. Out: a row per kind of work.
"""

from dataclasses import dataclass

from exporter.query.answer import Answer
from exporter.query.fields import SPANS
from exporter.query.filter import parse
from exporter.query.period import Period
from exporter.query.views import Views


@dataclass(frozen=True, slots=True)
class Component:
    """A kind of work; what runs inside another counts in both. Percentiles are the 50th, 95th and 99th."""

    component: str
    count: int
    failed: int
    total_ns: int
    percentiles_ns: tuple[int, int, int]
    max_ns: int

    def __post_init__(self) -> None:
        """Lists become tuples."""
        object.__setattr__(self, "percentiles_ns", tuple(self.percentiles_ns))


def components(views: Views, period: Period, *, where: str | None = None) -> Answer[Component]:
    """How long each kind of work took in a period, the longest together first; then parts of voice turns.

    Raises `BadFilter`.
    """
    condition = parse(where, SPANS)
    parameters = {**period.us(), **condition.parameters}
    rows = views.rows("components", Component, parameters, {"where": condition.sql})
    if where is None:
        rows += views.rows("voice_components", Component, period.us())
    return Answer(rows, period=period, source="spans")
