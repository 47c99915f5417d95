"""What a rule can ask, in its own words, and what that means: which records, which figure of them, in which unit.

In: the names in a rule. Out: an `Asked`; or why there is no such question, and under which key of the rule.
"""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final, Literal

from exporter.alert.columns import TIMES, Column, Shape, listed, per_unit, subject_of
from exporter.alert.quantity import Unit
from exporter.errors import AxError
from exporter.query.fields import CALLS, CELLS, SPANS, Subject
from exporter.query.filter import BadFilter, parse
from exporter.query.measures import MEASURES
from exporter.query.metric_names import MEASURED
from exporter.query.period import HOUR

Source = Literal["calls", "spans", "outcomes", "points", "view", "sql"]
"""Whose records: calls of models, spans, look-ups in caches and at limits, points of a metric, rows of a view, SQL."""

PERCENTILES: Final = frozenset({"p50", "p95", "p99"})
_OF_LATENCY: Final = {None: "latency", "avg": "avg_latency", "min": "min_latency", "max": "max_latency"} | {
    name: f"{name}_latency" for name in sorted(PERCENTILES)
}
_OF_SPANS: Final = frozenset({"calls", "failures", "error_rate", "success_rate", *_OF_LATENCY.values()})
_OUTCOMES: Final = {"cache_hit_rate": "ax.cache.requests", "rate_limit_denial_rate": "ax.rate_limit.requests"}
_NEAR: Final = 0.8
_LONG: Final = frozenset({"workflow_runs", "workflow_steps", "conversations"})


class NotAsked(AxError):
    """There is no such question; `key` is the part of the rule that is wrong, empty for all of it."""

    def __init__(self, key: str, message: str, *, mend: str = "") -> None:
        super().__init__(message, mend=mend)
        self.key = key


@dataclass(frozen=True, slots=True)
class Asked:
    """A question's subject: `name` is a measure's, a metric's or a view's.

    `aggregation` is the figure of them; `adds`: no records mean 0; `needs_many`: of few records it says little.
    """

    source: Source
    name: str
    unit: Unit
    aggregation: str = ""
    column: str = ""
    per: str = ""
    window_ns: int | None = None
    adds: bool = False
    needs_many: bool = False

    @property
    def metric(self) -> str:
        """Whose points an outcome is counted by."""
        return _OUTCOMES[self.name]


def of_metric(name: str, of: str, aggregation: str | None, unit: Unit) -> Asked:
    """The question about a measure of ours, or, where it is none, a stored metric; `unit` is that of the threshold.

    Raises `NotAsked`.
    """
    known = MEASURED.get(name, name)
    if known == "latency":
        if aggregation not in _OF_LATENCY:
            told = ", ".join(each for each in _OF_LATENCY if each)
            raise NotAsked("aggregation", f"latency has no {aggregation}", mend=f"write one of {told}")
        known = _OF_LATENCY[aggregation]
        aggregation = None
    measure = MEASURES.get(known)
    if measure is None:
        return _of_points(name, aggregation, unit)
    if of == "spans" and known not in _OF_SPANS:
        raise NotAsked("metric", f"spans have no {known}", mend="leave out `of: spans`, or ask for latency or errors")
    source: Source = "outcomes" if measure.needs_rollups else ("spans" if of == "spans" else "calls")
    window_ns = HOUR if known == "hourly_cost" else None
    if measure.unit in {"count", "tokens", "usd_nanos"}:
        if aggregation not in {None, "sum", "rate", *(("count",) if measure.unit == "count" else ())}:
            raise NotAsked("aggregation", f"{known} adds up and has no {aggregation}", mend="write sum, or rate")
        rate = "rate" if aggregation == "rate" else ""
        return Asked(source, known, measure.unit, rate, window_ns=window_ns, adds=True)
    if aggregation not in {None, "avg"} and known != _OF_LATENCY.get(aggregation):
        raise NotAsked("aggregation", f"{known} is a figure by itself", mend="leave the aggregation out")
    needs_many = measure.is_percentile or measure.unit == "ratio"
    return Asked(source, known, measure.unit, needs_many=needs_many)


def usual(name: str, of: str, aggregation: str | None, window_ns: int) -> Asked:
    """The question whether a measure, or a stored metric, is as usual; of a metric what adds up is added.

    Raises `NotAsked`.
    """
    try:
        asked = of_metric(name, of, aggregation, "number")
    except NotAsked as error:
        if error.key != "metric" or aggregation is not None or error.mend.startswith("did you mean"):
            raise
        asked = Asked("points", name, "number")
    return replace(asked, window_ns=window_ns)


def _of_points(name: str, aggregation: str | None, unit: Unit) -> Asked:
    if aggregation is None:
        near = difflib.get_close_matches(name, [*MEASURES, *MEASURED], n=1, cutoff=_NEAR)
        mend = "give the aggregation of a stored metric: avg, sum, min, max, count, p50, p95, p99, rate or last"
        raise NotAsked("metric", f"{name} is no measure of ours", mend=f"did you mean {near[0]}?" if near else mend)
    adds = aggregation in {"sum", "count", "rate"}
    return Asked("points", name, unit, aggregation, adds=adds, needs_many=aggregation in PERCENTILES)


def of_view(view: str, field: str | None, aggregation: str | None, per: str | None, unit: Unit) -> Asked:
    """The question about a column of a view; both are looked up, never taken as SQL. Raises `NotAsked`."""
    columns = _columns(view)
    if field is None:
        if aggregation not in {None, "count", "rate"}:
            raise NotAsked("aggregation", "only rows can be counted without a field", mend="give the field as well")
        return Asked("view", view, "count", aggregation or "count", adds=True)
    column = _column(view, field, columns, "field")
    if column.shape in {Shape.TEXT, Shape.OTHER} and aggregation != "count":
        raise NotAsked("field", f"{field} of {view} is no number", mend="count it, or take a column of numbers")
    if aggregation is None:
        raise NotAsked(
            "aggregation", f"what of {field}?", mend="avg, sum, min, max, count, p50, p95, p99, rate or last"
        )
    told: Unit = "count" if aggregation == "count" else column.unit(unit)
    if per is not None:
        if aggregation != "sum":
            raise NotAsked("per", "only a sum can be divided", mend="write aggregation: sum")
        if per_unit(_column(view, per, columns, "per")) is None:
            raise NotAsked("per", f"{per} is neither text nor a duration", mend="name a column that tells apart")
        return Asked("view", view, told, "sum", column=field, per=per)
    adds = aggregation in {"sum", "count", "rate"}
    needs_many = aggregation in PERCENTILES or (column.shape is Shape.FLAG and aggregation == "avg")
    return Asked("view", view, told, aggregation, column=field, adds=adds, needs_many=needs_many)


def checked(asked: Asked, filter_text: str | None, by: tuple[str, ...]) -> None:
    """Raises `NotAsked` where the filter or what it is grouped by does not fit the question."""
    if asked.source == "sql":
        if filter_text is not None:
            raise NotAsked("filter", "a SQL rule has its own WHERE", mend="write the filter there")
        return
    subject = subject_for(asked)
    try:
        parse(filter_text, subject)
    except BadFilter as error:
        raise NotAsked("filter", error.message, mend=error.mend) from None
    for name in by:
        if name in subject.fields or ("." in name and asked.source == "view" and subject.attributes):
            continue
        near = difflib.get_close_matches(name, subject.fields, n=1)
        mend = f"did you mean {near[0]}?" if near else f"fields are {', '.join(subject.fields)}"
        raise NotAsked("by", f"{subject.name} cannot be told apart by {name}", mend=mend)


def subject_for(asked: Asked) -> Subject:
    """The fields that its filter and its groups may name."""
    if asked.source == "view":
        return subject_of(asked.name)
    return {"calls": CALLS, "spans": SPANS}.get(asked.source, CELLS)


def is_long(view: str) -> bool:
    """Whether a row of a view may be about more than a day."""
    return view in _LONG


def _columns(view: str) -> Mapping[str, Column]:
    views = listed()
    if view not in views:
        near = difflib.get_close_matches(view, views, n=1)
        mend = f"did you mean {near[0]}?" if near else f"views are {', '.join(sorted(views))}"
        raise NotAsked("view", f"there is no view {view} with times", mend=mend)
    return views[view]


def _column(view: str, name: str, columns: Mapping[str, Column], key: str) -> Column:
    if name not in columns or name in TIMES:
        near = difflib.get_close_matches(name, columns, n=1)
        raise NotAsked(key, f"{view} has no column {name}", mend=f"did you mean {near[0]}?" if near else "")
    return columns[name]
