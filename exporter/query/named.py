"""What people ask for by a name: a measure of ours, or a metric that somebody stored; now, before, and over time.

In: a name, a period, dimensions, a filter. Out: one number for each group, or for each bucket and group.
"""

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from exporter.errors import AxError
from exporter.query.answer import EXACT, Answer, bounded
from exporter.query.compare import change_ratio, compared
from exporter.query.figures import Of, figures
from exporter.query.measures import MEASURES, Measure
from exporter.query.measures import of as measured_of
from exporter.query.metric_names import MEASURED, known_as
from exporter.query.period import HOUR, Period
from exporter.query.points import USUAL, Aggregation, Points, kind_of, points, precision_of
from exporter.query.views import Views

GROUPS: Final = 10_000
"""Among which the greatest are found."""


class NoMetric(AxError):
    """There is nothing of that name."""


@dataclass(frozen=True, slots=True)
class Named:
    """A measure, or else a stored metric: its kind, and the filter of those of its points that are meant."""

    name: str
    kind: str
    measure: Measure | None = None
    only: str | None = None

    def period(self, asked: Period) -> Period:
        """The time that it is about: the hourly cost is of an hour, whatever is asked."""
        return Period(asked.end_ns - HOUR, asked.end_ns) if self.name == "hourly_cost" else asked

    def aggregation(self, asked: Aggregation | None) -> Aggregation:
        """What the points of a stored metric come to. Raises `AxError` where a measure is asked for one."""
        if self.measure is not None:
            if asked is None:
                return "sum"
            raise AxError(f"aggregation: {self.name} is a figure by itself", mend="leave it out")
        return asked or USUAL[self.kind]


@dataclass(frozen=True, slots=True)
class Total:
    """A number of one group now and in as much time before; of a stored metric also all that its points come to."""

    labels: tuple[str | None, ...]
    value: float | None
    unit: str
    before: float | None
    change_ratio: float | None
    share: float | None
    points: Points | None = None


@dataclass(frozen=True, slots=True)
class Value:
    """A number of one bucket and group, and of how many records."""

    bucket_ns: int
    labels: tuple[str | None, ...]
    value: float | None
    unit: str
    count: int


def named(views: Views, name: str, period: Period) -> Named:
    """What a name means in a period. Raises `NoMetric`."""
    known = MEASURED.get(name, name)
    if known in MEASURES:
        return Named(known, "measure", MEASURES[known])
    metric, only = known_as(name)
    kind = kind_of(views, metric, period)
    if kind is None:
        what = f"there is no measure {name[:200]}, and no metric of that name has points in {period}"
        near = difflib.get_close_matches(name, MEASURES, n=1, cutoff=0.8)
        mend = f"did you mean {near[0]}?" if near else "`ax monitor metrics` and GET /api/metrics list both"
        raise NoMetric(what, mend=mend)
    return Named(metric, kind, only=only)


def totals(
    views: Views,
    one: Named,
    asked: Period,
    *,
    aggregation: Aggregation | None = None,
    by: Sequence[str] = (),
    where: str | None = None,
    of: Of = Of.CALLS,
    limit: int | None = None,
) -> Answer[Total]:
    """It by the fields `by`, greatest first, at most `limit`, against the period before. Raises `AxError`."""
    how, period = one.aggregation(aggregation), one.period(asked)
    if one.measure is not None:
        unit = one.measure.unit
        found = compared(views, period, one.measure, by=by, where=where, of=of, limit=limit, most=GROUPS)
        rows = (Total(row.labels, row.value, unit, row.before, row.change_ratio, row.share) for row in found.rows)
        return Answer(tuple(rows), found.precision, found.period, found.source)
    where = both(one.only, where)
    now = points(views, one.name, period, by=by, where=where, most=GROUPS)
    whole = now.period or period
    earlier = points(views, one.name, whole.before(), by=by, where=where, most=GROUPS).rows
    before = {row.labels: row.read(how, whole.length_ns) for row in earlier}
    values = [(row, row.read(how, whole.length_ns)) for row in now.rows]
    ranked = sorted(values, key=lambda pair: (-(pair[1] or 0), str(pair[0].labels)))[:limit]
    return Answer(
        tuple(
            Total(
                row.labels, value, row.unit or "", before.get(row.labels), change_ratio(value, before.get(row.labels)),
                None, row,
            )
            for row, value in ranked
        ),
        precision_of(how),
        now.period,
        now.source,
    )  # fmt: skip


def series(  # noqa: PLR0913 (what is asked)
    views: Views,
    one: Named,
    asked: Period,
    step_ns: int,
    *,
    aggregation: Aggregation | None = None,
    by: Sequence[str] = (),
    where: str | None = None,
    of: Of = Of.CALLS,
    most: int | None = None,
) -> Answer[Value]:
    """It over time: a row per bucket of `step_ns` in which there was anything, and per group; `most` rows.

    Raises `AxError`.
    """
    how, period = one.aggregation(aggregation), one.period(asked)
    if one.measure is None:
        found = points(views, one.name, period, by=by, where=both(one.only, where), step_ns=step_ns, most=most)
        values = (
            Value(row.bucket_ns, row.labels, row.read(how, step_ns), row.unit or "", row.count) for row in found.rows
        )
        return Answer(tuple(values), precision_of(how), found.period, found.source)
    measure = one.measure
    of, where = measured_of(measure, of, where)
    rolled = True if measure.needs_rollups else None
    answer = figures(
        views,
        period,
        is_quick=True,
        of=of,
        by=by,
        where=where,
        step_ns=step_ns,
        from_rollups=rolled,
        percentiles=measure.is_percentile,
        most=most,
    )
    read = (Value(row.bucket_ns, row.labels, measure.read(row), measure.unit, row.count) for row in answer.rows)
    precision = answer.precision if measure.is_percentile else EXACT
    return bounded(Answer(tuple(read), precision, answer.period, answer.source), most)


def both(one: str | None, other: str | None) -> str | None:
    """The filter that both are."""
    return " and ".join(f"({part})" for part in (one, other) if part) or None
