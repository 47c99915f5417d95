"""Latency by component: where the time of requests and of voice turns goes.

In: a period and a filter. Out: a row per kind of work.
"""

from dataclasses import dataclass

from exporter.query.answer import Answer
from exporter.query.fields import SPANS
from exporter.query.filter import parse
from exporter.query.listed import LISTS, near
from exporter.query.period import Period
from exporter.query.views import Views
from exporter.units import NS_PER_US


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
    period, glance = views.glance(period)
    parameters = {**period.us(), **condition.parameters}
    places = {"where": condition.sql}
    rows = views.rows("components", Component, parameters, places, within=period, glance=glance)
    if where is None:
        rows += _of_turns(views, period)
    return Answer(rows, period=period, source="spans")


def _of_turns(views: Views, period: Period) -> tuple[Component, ...]:
    if not views.table("voice_turn", period.us(), within=period).num_rows:
        return ()  # rather than look for the calls of none
    of = LISTS["voice-turns"]
    before_ns, behind_ns = of.near_ns or (0, 0)
    parameters = {**period.us(), "before_us": before_ns // NS_PER_US, "behind_us": behind_ns // NS_PER_US}
    within = Period(period.start_ns - before_ns, period.end_ns + behind_ns)
    return views.rows("voice_components", Component, parameters, {"turns": near(of.view)}, within=within)
