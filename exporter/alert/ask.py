"""Rules' conditions as questions over what is stored; rules that ask the same share one answer.

In: rules, a slot, the published views. Out: for each rule its samples, or why it has none. The window is half open,
[slot − delay − window, slot − delay), and what counts is when a record ended. Points of metrics are added up by minute
when they come, so their windows are the whole minutes that the window touches.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import isfinite
from pathlib import Path
from typing import Final

from exporter import sandbox
from exporter.alert.columns import Column, Shape, listed, per_unit, subject_of, time_of
from exporter.alert.evaluate import Failure
from exporter.alert.measured import is_long
from exporter.alert.quantity import Unit
from exporter.alert.rule import Rule, Watched
from exporter.alert.shapes import Labels, Sample
from exporter.errors import AxError
from exporter.query.figures import Figures, Of, figures
from exporter.query.measures import MEASURES
from exporter.query.metric_names import known_as
from exporter.query.period import DAY, MINUTE, Period
from exporter.query.points import Points, points
from exporter.query.view_figures import ViewFigure, Wanted, view_figures
from exporter.query.views import Views
from exporter.store import duck
from exporter.units import NS_PER_S, NS_PER_US

Answered = tuple[Sample, ...] | Failure
"""What a rule's question got: a sample per group (one, if it does not group, also where there is nothing)."""

RunSql = Callable[[Path, str], sandbox.Rows]

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_BOUND: Final = re.compile(r"\$window_(start|end)\b")
_SCALES: Final[Mapping[Unit, Mapping[str, float]]] = {
    "ns": {"ns": 1, "us": 1e3, "µs": 1e3, "ms": 1e6, "s": 1e9, "min": 60e9, "h": 3_600e9, "d": 86_400e9},
    "bytes": {"By": 1, "kBy": 1e3, "MBy": 1e6, "GBy": 1e9, "KiBy": 2**10, "MiBy": 2**20, "GiBy": 2**30},
    "ratio": {"1": 1, "": 1, "%": 0.01},
    "usd_nanos": {"{USD}": 1e9, "USD": 1e9, "{usd}": 1e9, "usd": 1e9, "$": 1e9},
}
"""What one of a sender's unit (UCUM) is in ours."""
_OF: Final = {"calls": Of.CALLS, "spans": Of.SPANS}
_PLACES: Final = {"p50": 0, "p95": 1, "p99": 2}
_VALUES: Final = {
    "avg": "avg({column})",
    "sum": "coalesce(sum({column}), 0)",
    "min": "min({column})",
    "max": "max({column})",
    "count": "count({column})",
    "p50": "quantile_disc({column}, 0.5)",
    "p95": "quantile_disc({column}, 0.95)",
    "p99": "quantile_disc({column}, 0.99)",
    "last": "arg_max({column}, {time})",
    "rate": "coalesce(sum({column}), 0) / {seconds}",
}


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of the store; equal ones are asked once. `name` is a metric's, a view's, or a SQL text."""

    source: str
    name: str
    window_ns: int
    by: tuple[str, ...]
    where: str | None
    value: str = ""
    limit: int = 0


def question(rule: Rule) -> Question:
    """What a rule asks, without what it makes of the answer."""
    told = rule.asked
    window_ns = told.window_ns or rule.window
    if told.source in _OF:
        return Question(told.source, "", window_ns, rule.by, rule.filter)
    if told.source == "outcomes":
        return Question("outcomes", told.metric, window_ns, rule.by, rule.filter)
    if told.source == "points":
        return Question("points", told.name, window_ns, rule.by, rule.filter)
    if told.source == "view":
        return Question("view", told.name, window_ns, rule.by, rule.filter, _figure(rule, window_ns))
    return Question("sql", rule.sql or "", window_ns, rule.by, None, limit=rule.limit)


@dataclass(frozen=True, slots=True)
class Point:
    """What the points of a group come to, and how long its window is."""

    points: Points
    length_ns: int

    @property
    def bucket_ns(self) -> int:
        """When its window begins."""
        return self.points.bucket_ns


Figure = Figures | Point | ViewFigure
Rows = tuple[Figure, ...] | sandbox.Rows
"""What a question got."""


def samples(
    views: Views, rules: Sequence[Watched], at: int, delay_ns: int, *, run_sql: RunSql = sandbox.run
) -> dict[str, Answered]:
    """What each rule's question gets at a slot, by the rule's id; a question that fails is its rules' alone."""
    asked: dict[Question, Rows | Failure] = {}
    answers: dict[str, Answered] = {}
    for watched in rules:
        try:
            wanted = question(watched.rule)
        except AxError as error:
            answers[watched.id] = Failure(str(error))
            continue
        if wanted not in asked:
            end = at - delay_ns
            asked[wanted] = _ask(views, wanted, Period(end - wanted.window_ns, end), run_sql)
        found = asked[wanted]
        answers[watched.id] = found if isinstance(found, Failure) else read(watched.rule, found)
    return answers


def seen(views: Views, view: str, at: int) -> bool:
    """Whether a view has any rows of the day before `at`: what a group with `once_seen` waits for.

    Who has seen them need not ask again.
    """
    found = view_figures(views, _of_view(view, "1"), Period(at - DAY, at))
    return any(row.records for row in found.rows)


def _ask(views: Views, wanted: Question, period: Period, run_sql: RunSql) -> Rows | Failure:
    try:
        if wanted.source == "sql":
            return run_sql(views.data, windowed(wanted.name, period))
        return stored(views, wanted, period, period)
    except AxError as error:
        return Failure(str(error))


def stored(views: Views, wanted: Question, window: Period, over: Period, step_ns: int = 0) -> tuple[Figure, ...]:
    """The answer to a question that is no SQL: of one `window`, or of all windows `step_ns` apart that are in `over`.

    Raises `AxError`.
    """
    origin_ns = window.start_ns
    if wanted.source in _OF:
        of, by, where = _OF[wanted.source], wanted.by, wanted.where
        rolled = False if step_ns else None
        return figures(
            views, over, of=of, by=by, where=where, step_ns=step_ns, origin_ns=origin_ns, from_rollups=rolled
        ).rows
    if wanted.source == "view":
        by, where = wanted.by, wanted.where
        return view_figures(
            views, _of_view(wanted.name, wanted.value), over, by=by, where=where, step_ns=step_ns, origin_ns=origin_ns
        ).rows
    origin_ns = window.widened(MINUTE).start_ns
    if wanted.source == "outcomes":
        where = _both(f'metric = "{wanted.name}"', wanted.where)
        return figures(
            views,
            over,
            of=Of.OUTCOMES,
            by=wanted.by,
            where=where,
            step_ns=step_ns,
            origin_ns=origin_ns,
            from_rollups=True,
        ).rows
    name, only = known_as(wanted.name)
    where = _both(only, wanted.where)
    found = points(views, name, over, by=wanted.by, where=where, step_ns=step_ns, origin_ns=origin_ns)
    return tuple(Point(row, window.end_ns - origin_ns) for row in found.rows)


def _of_view(view: str, value: str) -> Wanted:
    return Wanted(duck.identifier(view), value, time_of(view), subject_of(view), may_be_long=is_long(view))


def _both(one: str | None, other: str | None) -> str | None:
    return " and ".join(f"({part})" for part in (one, other) if part) or None


def windowed(sql: str, period: Period) -> str:
    """A rule's SQL with its window: `$window_start` and `$window_end` become times."""
    ends = {"start": period.start_ns, "end": period.end_ns}
    return _BOUND.sub(lambda match: f"TIMESTAMPTZ '{_time(ends[match[1]])}'", sql)


def _time(ns: int) -> str:
    return (_EPOCH + timedelta(microseconds=ns // NS_PER_US)).isoformat()


# ── What an answer says of a rule ─────────────────────────────────────────────────────────────────────────────────


def read(rule: Rule, rows: Rows) -> Answered:
    """The samples of a rule in the answer to its question."""
    try:
        found = tuple(_of_sql(rule, rows) if isinstance(rows, sandbox.Rows) else _of_rows(rule, rows))
    except AxError as error:
        return Failure(str(error))
    if not found and not rule.by and rule.sql is None:
        return (Sample((), 0.0 if rule.adds else None, 0),)
    return found


def _of_rows(rule: Rule, rows: Iterable[Figure]) -> Iterable[Sample]:
    told = rule.asked
    for row in rows:
        if isinstance(row, Figures):
            value = MEASURES[told.name].read(row)
            if told.aggregation == "rate" and value is not None:
                value /= (told.window_ns or rule.window) / NS_PER_S
            yield Sample(_labels(rule.by, row.labels), value, _records(told.name, row))
        elif isinstance(row, Point):
            yield Sample(_labels(rule.by, row.points.labels), _of_points(rule, row), row.points.count)
        else:
            yield Sample(_labels(rule.by, row.labels), _number(row.value), row.records)


def _records(measure: str, row: Figures) -> int:
    if measure == "cache_hit_rate":
        return row.cache_hits + row.cache_misses
    if measure == "rate_limit_denial_rate":
        return row.rate_limit_allowed + row.rate_limit_denied
    return row.count


def _of_points(rule: Rule, row: Point) -> float | None:
    told, found = rule.asked, row.points
    seconds = row.length_ns / NS_PER_S
    value: float | None
    match told.aggregation:
        case "count":
            return found.count
        case "avg":
            value = found.mean
        case "sum":
            value = found.sum
        case "rate":
            value = None if found.sum is None else found.sum / seconds
        case "min":
            value = found.min
        case "max":
            value = found.max
        case "last":
            value = found.last
        case name:
            value = found.percentiles[_PLACES[name]]
    return None if value is None else _number(value * _scale(told.unit, found.unit or "", told.name))


def _scale(unit: Unit, stored: str, name: str) -> float:
    """What one of the sender's unit is in that of the threshold. Raises `AxError` where it is something else."""
    scales = _SCALES.get(unit)
    if scales is None:
        return 1.0
    if stored not in scales:
        mend = f"write the threshold as a number of {stored}" if stored else "write the threshold as a number"
        raise AxError(f"{name} is measured in {stored or 'no unit'}, and the threshold is not", mend=mend)
    return scales[stored]


def _of_sql(rule: Rule, rows: sandbox.Rows) -> Iterable[Sample]:
    names = [column.name for column in rows.columns]
    if "value" not in names:
        raise AxError(f"the rows of {rule.alert} have no column `value`", mend="name what is compared: … AS value")
    if missing := [name for name in rule.by if name not in names]:
        raise AxError(f"the rows of {rule.alert} have no column {missing[0]}", mend="select what it groups by")
    if rows.truncated:
        raise AxError(f"{rule.alert} has more rows than are read", mend="add a LIMIT, or group by less")
    place = names.index("value")
    kept = [(n, name) for n, name in enumerate(names) if n != place and (not rule.by or name in rule.by)]
    for row in rows.rows:
        yield Sample(tuple(sorted((name, _text(row[n])) for n, name in kept)), _number(row[place]))


def _labels(names: Sequence[str], values: Sequence[str | None]) -> Labels:
    return tuple(sorted((name, value or "") for name, value in zip(names, values, strict=True)))


def _text(value: object) -> str:
    return "" if value is None else value if isinstance(value, str) else str(value)


def _number(value: object) -> float | None:
    if value is None:
        return None
    try:
        number = float(value)  # type: ignore[arg-type] # what is no number is told
    except (TypeError, ValueError):
        raise AxError(f"{str(value)[:50]!r} is no number", mend="compare numbers") from None
    return number if isfinite(number) else None


def _figure(rule: Rule, window_ns: int) -> str:
    """SQL of a view's figure, made of what the catalog says of its columns."""
    told = rule.asked
    columns = listed()[told.name]
    seconds = window_ns / NS_PER_S
    if not told.column:
        return "count(*)" if told.aggregation == "count" else f"count(*) / {seconds!r}"
    column = columns[told.column]
    value = _VALUES[told.aggregation].format(column=_numeric(column), time=time_of(told.name), seconds=repr(seconds))
    if told.per:
        return f"sum({_numeric(column)}) / nullif({per_unit(columns[told.per])}, 0)"
    return value


def _numeric(column: Column) -> str:
    return f"{column.sql}::INTEGER" if column.shape is Shape.FLAG else column.sql
