"""The standard figures of LLM calls and spans: how many, how long, at what cost; of a period, over time, by dimension.

In: a period, dimensions, a filter. Out: one row of figures per bucket and group, from the records themselves where the
range is small, else from rollups.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from math import gcd
from typing import Final

from exporter.query.answer import EXACT, SKETCH, Answer, bounded
from exporter.query.fields import CALLS, CELLS, SPANS, Subject
from exporter.query.filter import BadFilter, parse
from exporter.query.period import DAY, HOUR, MINUTE, Period
from exporter.query.views import Views, grouping, text
from exporter.units import NS_PER_US

RAW_MOST_NS: Final = 2 * HOUR
"""A longer range is answered from rollups: 10 M spans a day take 22 ms for an hour and 380 ms for the day."""
_SHORT_NS: Final = 5 * MINUTE
_MARGIN_NS: Final = HOUR
"""What began earlier before a period is not looked for among records; rollups have it."""


class Of(Enum):
    """Whose figures; the value is their kind of record and the sources of their cells."""

    CALLS = (CALLS, ("call",), "calls_raw", "llm_calls")
    SPANS = (SPANS, ("call", "span"), "spans_raw", "spans")
    OUTCOMES = (CELLS, ("point",), "", "")
    """Points of metrics, from rollups alone: a filter names the metric, one of `Measure.metric`."""

    @property
    def subject(self) -> Subject:
        """Its fields."""
        subject: Subject = self.value[0]
        return subject


@dataclass(frozen=True, slots=True)
class Figures:
    """Sums over the records of one bucket and group; latencies are None where there are no records."""

    bucket_ns: int
    labels: tuple[str | None, ...]
    count: int
    failed: int
    latency_sum_ns: int | None
    latency_min_ns: int | None
    latency_max_ns: int | None
    percentiles_ns: tuple[int | None, int | None, int | None]
    tokens_input: int
    tokens_output: int
    tokens_cache_read: int
    tokens_cache_write: int
    tokens_reasoning: int
    cost_nanos: int
    cost_reported_nanos: int
    unpriced: int
    cache_hits: int
    cache_misses: int
    rate_limit_allowed: int
    rate_limit_denied: int

    def __post_init__(self) -> None:
        """Lists become tuples."""
        object.__setattr__(self, "labels", tuple(self.labels or ()))
        object.__setattr__(self, "percentiles_ns", tuple(self.percentiles_ns or (None, None, None)))


def figures(  # noqa: PLR0913 (what is asked)
    views: Views,
    period: Period,
    *,
    of: Of = Of.CALLS,
    by: Sequence[str] = (),
    where: str | None = None,
    step_ns: int = 0,
    origin_ns: int = 0,
    from_rollups: bool | None = None,
    is_quick: bool = False,
    percentiles: bool = True,
    most: int | None = None,
    glance: str = "",
) -> Answer[Figures]:
    """The figures of `period`, a row per bucket of `step_ns` (0: one) and per value of the fields `by`.

    A bucket begins at `origin_ns`.
    `from_rollups` None chooses: records where the range is at most `RAW_MOST_NS`, or where rollups do not have the
    fields; then the period is as given. What `is_quick` has rollups where there are many records, too: of a few whole
    minutes, as a page shows them. Rollups are asked for the whole cells that the period touches: the answer's
    period; without `percentiles`, which then are None, they answer in a fraction of the time. Raises `AxError`, also
    where there are more than `most` rows. `glance` is what `Views.glance` gave with the period.
    """
    if from_rollups is None:
        is_long = period.length_ns > RAW_MOST_NS or (is_quick and is_dense(views, period) and step_ns % MINUTE == 0)
        from_rollups = is_long and _has(of, by, where)
    bound: dict[str, object] = {"most": None if most is None else most + 1}
    if from_rollups:
        buckets_ns = step_ns, origin_ns
        found = _from_cells(views, period, of, by, where, buckets_ns, bound, glance, percentiles=percentiles)
    else:
        found = _from_records(views, period, of, by, where, (step_ns, origin_ns), bound, glance)
    return bounded(found, most)


def is_dense(views: Views, period: Period) -> bool:
    """Whether a period has so many spans that those of whole minutes do as well, from rollups."""
    return period.length_ns >= _SHORT_NS and views.has_many(period)


def _has(of: Of, by: Sequence[str], where: str | None) -> bool:
    """Whether rollups can tell what is asked."""
    parse(where, of.subject)  # its own errors come first
    try:
        parse(where, CELLS)
    except BadFilter:
        return False
    return all(name in CELLS.fields for name in by)


def _from_records(
    views: Views,
    period: Period,
    of: Of,
    by: Sequence[str],
    where: str | None,
    buckets_ns: tuple[int, int],
    bound: Mapping[str, object],
    glance: str,
) -> Answer[Figures]:
    _, _, statement, view = of.value
    condition = parse(where, of.subject)
    parameters = {**period.us(*buckets_ns), "margin_us": _MARGIN_NS // NS_PER_US, **bound, **condition.parameters}
    places = {"where": condition.sql, "calls": text("counted_calls"), **grouping(by, of.subject)}
    within = Period(period.start_ns - _MARGIN_NS, period.end_ns)
    rows = views.rows(statement, Figures, parameters, places, within=within, glance=glance)
    return Answer(rows, EXACT, period, view)


def _from_cells(  # noqa: PLR0913 (what is asked)
    views: Views,
    period: Period,
    of: Of,
    by: Sequence[str],
    where: str | None,
    buckets_ns: tuple[int, int],
    bound: Mapping[str, object],
    glance: str,
    *,
    percentiles: bool,
) -> Answer[Figures]:
    _, sources, _, _ = of.value
    step_ns, origin_ns = buckets_ns
    cells, cell_ns = cells_for(period, gcd(step_ns, origin_ns))
    whole = period.widened(cell_ns)
    condition = parse(where, CELLS)
    parameters = {
        **whole.us(step_ns, origin_ns),
        "sources": list(sources),
        **bound,
        **condition.parameters,
    }
    places = {"summed": text("cells_summed"), "cells": cells, "where": condition.sql, **grouping(by, CELLS)}
    statement = "cells" if percentiles else "cells_plain"
    rows = views.rows(statement, Figures, parameters, places, within=whole, glance=glance)
    return Answer(rows, SKETCH, whole, cells)


def cells_for(period: Period, step_ns: int) -> tuple[str, int]:
    """The widest cells that make buckets of `step_ns` and do not blur the period's ends: their view and width."""
    if period.length_ns >= 7 * DAY and step_ns % DAY == 0:
        return "cells_1day", DAY
    if period.length_ns >= 12 * HOUR and step_ns % HOUR == 0:
        return "cells_1hour", HOUR
    return "cells_1min", MINUTE
