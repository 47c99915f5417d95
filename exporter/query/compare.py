"""Trends and rankings: figures against those of the period before, and the greatest of them.

In: a period, a dimension, a measure. Out: rows with both numbers and the change.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from exporter.query.answer import EXACT, Answer
from exporter.query.figures import Of, figures
from exporter.query.measures import Measure
from exporter.query.measures import of as measured_of
from exporter.query.period import Period
from exporter.query.views import Views


@dataclass(frozen=True, slots=True)
class Change:
    """A measure of one group now and in as much time before; `change_ratio` is None where it was nothing before."""

    labels: tuple[str | None, ...]
    value: float | None
    before: float | None
    share: float | None
    change_ratio: float | None


def compared(
    views: Views,
    period: Period,
    measure: Measure,
    *,
    by: Sequence[str] = (),
    where: str | None = None,
    of: Of = Of.CALLS,
    limit: int | None = None,
) -> Answer[Change]:
    """A measure by the fields `by`, greatest first, at most `limit`, against the period before.

    `share` is the part of all where the measure adds up. Raises `AxError`.
    """
    rollups = True if measure.needs_rollups else None
    of, where = measured_of(measure, of, where)
    percentiles = measure.is_percentile
    now = figures(views, period, of=of, by=by, where=where, from_rollups=rollups, percentiles=percentiles)
    is_rolled = now.source.startswith("cells")
    width = now.period or period
    before_it = width.before()
    earlier = figures(views, before_it, of=of, by=by, where=where, from_rollups=is_rolled, percentiles=percentiles)
    before = {one.labels: measure.read(one) for one in earlier.rows}
    values = {one.labels: measure.read(one) for one in now.rows}
    adds_up = measure.unit in {"count", "tokens", "usd_nanos"}
    total = sum(value or 0 for value in values.values()) if adds_up else 0
    changes = [_change(labels, values.get(labels), before.get(labels), total) for labels in {**values, **before}]
    ranked = sorted(changes, key=lambda one: (-(one.value or 0), str(one.labels)))[:limit]
    precision = now.precision if percentiles else EXACT
    return Answer(tuple(ranked), precision, now.period, now.source)


def _change(labels: tuple[str | None, ...], value: float | None, before: float | None, total: float) -> Change:
    change = (value - before) / before if value is not None and before else None
    return Change(labels, value, before, value / total if total and value is not None else None, change)
