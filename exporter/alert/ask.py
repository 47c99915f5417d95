"""Rules' conditions as questions over what is stored; rules that ask the same share one answer.

In: rules, a slot, the published views. Out: for each rule its samples, or why it has none. The window is half open,
[slot − delay − window, slot − delay), and what counts is when a record ended. Points of metrics are added up by minute
when they come, so their windows are the whole minutes that the window touches.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from exporter import sandbox
from exporter.alert.answered import Answered, Figure, Point, Rows, read
from exporter.alert.columns import Column, Shape, listed, per_unit, subject_of, time_of
from exporter.alert.evaluate import Failure
from exporter.alert.measured import is_long
from exporter.alert.rule import Rule, Watched
from exporter.errors import AxError
from exporter.outlook.unusual import Unusual, unusual
from exporter.query.figures import Of, figures
from exporter.query.metric_names import known_as
from exporter.query.period import DAY, MINUTE, Period
from exporter.query.points import points
from exporter.query.view_figures import Wanted, view_figures
from exporter.query.views import Views
from exporter.store import duck
from exporter.units import NS_PER_S, NS_PER_US

RunSql = Callable[[Path, str], sandbox.Rows]

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_BOUND: Final = re.compile(r"\$window_(start|end)\b")
_OF: Final = {"calls": Of.CALLS, "spans": Of.SPANS}
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
    if rule.anomaly is not None:
        return Question("usual", told.name, window_ns, rule.by, rule.filter, told.source)
    if told.source in _OF:
        return Question(told.source, "", window_ns, rule.by, rule.filter)
    if told.source == "outcomes":
        return Question("outcomes", told.metric, window_ns, rule.by, rule.filter)
    if told.source == "points":
        return Question("points", told.name, window_ns, rule.by, rule.filter)
    if told.source == "view":
        return Question("view", told.name, window_ns, rule.by, rule.filter, _figure(rule, window_ns))
    return Question("sql", rule.sql or "", window_ns, rule.by, None, limit=rule.limit)


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
        if wanted.source == "usual":
            return _usual(views, wanted, period.end_ns)
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


def _usual(views: Views, wanted: Question, end_ns: int) -> tuple[Unusual, ...]:
    """Each group's last whole hour before `end_ns`, and what was expected of it."""
    name, where = wanted.name, wanted.where
    if wanted.value == "points":
        name, only = known_as(name)
        where = _both(only, where)
    of = _OF.get(wanted.value, Of.CALLS)
    return tuple(unusual(views, name, end_ns, by=wanted.by, where=where, of=of))


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
