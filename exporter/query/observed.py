"""What programs told of their workers, queues, breakers, pools and caches in the last minutes.

In: a period. Out: the last value of each gauge, and look-ups of each cache.
"""

from dataclasses import dataclass

from exporter.query.answer import Answer
from exporter.query.period import Period
from exporter.query.views import Views


@dataclass(frozen=True, slots=True)
class Gauge:
    """The worst of the last values that processes of a service told: `name` is what the gauge is about."""

    metric: str
    service: str | None
    name: str | None
    value: float


@dataclass(frozen=True, slots=True)
class Cache:
    """A cache's look-ups."""

    name: str
    hits: int
    misses: int


@dataclass(frozen=True, slots=True)
class _Running:
    workflows: int


def gauges(views: Views, period: Period) -> Answer[Gauge]:
    """The gauges that health looks at."""
    return Answer(views.rows("observed_gauges", Gauge, period.us()), period=period, source="metrics_gauge")


def caches(views: Views, period: Period) -> Answer[Cache]:
    """Caches that were asked."""
    return Answer(views.rows("observed_caches", Cache, period.us()), period=period, source="metrics_sum")


def running(views: Views, period: Period) -> int:
    """How many workflows began in a period and still run."""
    (one,) = views.rows("observed_running", _Running, period.us())
    return one.workflows
