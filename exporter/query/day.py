"""The LLM calls of a UTC day so far, by all that rollups tell apart: what counters of a day are made of.

In: the time. Out: sums for each combination, with how long its calls took by doublings of a nanosecond.
"""

from dataclasses import dataclass
from typing import Final

from exporter.query.answer import EXACT, Answer
from exporter.query.fields import CELLS
from exporter.query.period import DAY, HOUR, Period
from exporter.query.views import Views, grouping

LABELS: Final = ("provider", "model", "operation", "service", "workflow", "agent", "tenant")
"""What `Total.labels` are, by the names of filters."""


@dataclass(frozen=True, slots=True)
class Total:
    """Sums over the calls of one combination; all are exact.

    `doublings`: for each n how many took at most 2^n ns, and more than half of that.
    """

    labels: tuple[str | None, ...]
    count: int
    failed: int
    unpriced: int
    latency_sum_ns: int
    cost_nanos: int
    tokens_input: int
    tokens_output: int
    tokens_cache_read: int
    tokens_cache_write: int
    tokens_reasoning: int
    doublings: tuple[tuple[int, int], ...]

    def __post_init__(self) -> None:
        """Lists become tuples."""
        object.__setattr__(self, "labels", tuple(self.labels or ()))
        object.__setattr__(self, "doublings", tuple((doubling, count) for doubling, count in self.doublings))


def day_of(now_ns: int) -> Period:
    """The UTC day so far, to the end of its present hour."""
    start_ns = now_ns // DAY * DAY
    return Period(start_ns, now_ns + 1).widened(HOUR)


def totals(views: Views, day: Period) -> Answer[Total]:
    """The calls that ended in a day, or the whole hours of one; the most frequent combination first."""
    # Those by hour hold what is not merged into hours yet too, and midnight is where an hour begins.
    places = {"cells": "cells_1hour", **grouping(LABELS, CELLS)}
    return Answer(views.rows("day_totals", Total, day.us(), places), EXACT, day, "cells_1hour")
