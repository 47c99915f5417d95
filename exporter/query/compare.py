"""Trends and rankings: figures against those of the period before, and the greatest of them.

In: a period, a dimension, a measure. Out: rows with both numbers and the change.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

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
    most: int | None = None,
) -> Answer[Change]:
    """A measure by the fields `by`, greatest first, at most `limit`, against the period before.

    `share` is the part of all where the measure adds up. Raises `AxError`, also where there are more than `most`
    groups.
    """
    rollups = True if measure.needs_rollups else None
    of, where = measured_of(measure, of, where)
    percentiles = measure.is_percentile
    asked = partial(figures, views, of=of, by=by, where=where, percentiles=percentiles, most=most)
    now = asked(period, from_rollups=rollups, is_quick=True)
    is_rolled = now.source.startswith("cells")
    width = now.period or period
    before_it = width.before()
    earlier = asked(before_it, from_rollups=is_rolled)
    before = {one.labels: measure.read(one) for one in earlier.rows}
    values = {one.labels: measure.read(one) for one in now.rows}
    adds_up = measure.unit in {"count", "tokens", "usd_nanos"}
    total = sum(value or 0 for value in values.values()) if adds_up else 0
    changes = [_change(labels, values.get(labels), before.get(labels), total) for labels in {**values, **before}]
    ranked = sorted(changes, key=lambda one: (-(one.value or 0), str(one.labels)))[:limit]
    precision = now.precision if percentiles else EXACT
    return Answer(tuple(ranked), precision, now.period, now.source)


def change_ratio(value: float | None, before: float | None) -> float | None:
    """By how much it changed, None where there was nothing before."""
    return (value - before) / before if value is not None and before else None


def _change(labels: tuple[str | None, ...], value: float | None, before: float | None, total: float) -> Change:
    share = value / total if total and value is not None else None
    return Change(labels, value, before, share, change_ratio(value, before))
