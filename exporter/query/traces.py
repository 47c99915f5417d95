"""Traces: listed, looked at span by span, counted.

In: a period and a filter, or a trace's id or the beginning of one. Out: traces; a tree of spans.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from exporter.errors import AxError
from exporter.query import paged
from exporter.query.answer import Answer, NotStored
from exporter.query.fields import TRACES
from exporter.query.filter import EVERYTHING, parse
from exporter.query.paged import After
from exporter.query.period import Period
from exporter.query.views import Views

MOST_SPANS: Final = 100_000
_WHOLE: Final = 32
"""Hexadecimal digits of an id."""
_SPANS_OF_TRACES: Final = 64
_MANY: Final = 65_536
"""A page is looked for in so many of the newest spans for each trace, with a filter in a row group's worth."""
_AFTER: Final = "(start_ns < $after_ns::BIGINT OR (start_ns = $after_ns::BIGINT AND trace_id < $after_id))"


@dataclass(frozen=True, slots=True)
class Trace:
    """A trace, of those of its spans that began in the period."""

    trace_id: str
    root_name: str
    service_name: str | None
    start_ns: int
    duration_ns: int
    spans: int
    errors: int
    has_root: bool
    cost_nanos: int


@dataclass(frozen=True, slots=True)
class Span:
    """A span of a trace; one that `is_running` has no duration yet.

    Tokens and cost add up over those that are counted: a wrapper may tell those of the calls within it too.
    """

    span_id: str | None
    parent_span_id: str | None
    name: str
    kind: str
    service_name: str | None
    start_ns: int
    duration_ns: int | None
    status_code: str
    status_message: str | None
    error_type: str | None
    operation: str | None
    provider: str | None
    model: str | None
    tokens_input: int | None
    tokens_output: int | None
    cost_nanos: int | None
    is_counted: bool | None
    is_running: bool
    attributes: Mapping[str, str | None]

    def __post_init__(self) -> None:
        """DuckDB's maps come as lists of pairs."""
        pairs: Any = self.attributes or ()
        object.__setattr__(self, "attributes", dict(pairs))

    @property
    def took_ns(self) -> int:
        """Its duration as far as it is known; less than nothing, as clocks have it, counts as nothing."""
        return max(self.duration_ns or 0, 0)

    @property
    def end_ns(self) -> int:
        """The last instant that is known of it."""
        return self.start_ns + self.took_ns


@dataclass(frozen=True, slots=True)
class Statistics:
    """What traces come to; means and percentile are None where there are none."""

    traces: int
    spans: int
    failed: int
    spans_per_trace: float | None
    avg_duration_ns: float | None
    p95_duration_ns: int | None


@dataclass(frozen=True, slots=True)
class _Id:
    trace_id: str


def traces(views: Views, period: Period, *, where: str | None = None, limit: int = 50) -> Answer[Trace]:
    """The newest `limit` traces that began in a period. Raises `BadFilter`."""
    return page_of_traces(views, period, where=where, limit=limit)[0]


def traces_among(views: Views, period: Period, *, where: str | None = None, limit: int = 50) -> tuple[Trace, ...]:
    """The same of views that hold few spans, which are looked through at once. Raises `BadFilter`."""
    condition = parse(where, TRACES)
    parameters = {**period.us(), "limit": limit, **condition.parameters}
    return views.rows("traces", Trace, parameters, {"where": condition.sql, "after": "true"})


def page_of_traces(
    views: Views, period: Period, *, where: str | None = None, limit: int = 50, after: After | None = None
) -> tuple[Answer[Trace], After | None]:
    """The same behind a start and an id, and those of the last one where more follow. Raises `BadFilter`.

    Going back in windows that grow, since a trace without a root may have begun before the window, which is looked up.
    """
    condition = parse(where, TRACES)
    start_ns, trace_id = after or (0, "")
    parameters = {"after_ns": start_ns, "after_id": trace_id, **condition.parameters}
    places = {"where": condition.sql, "after": _AFTER if after else "true"}
    rows: tuple[Trace, ...] = ()
    began = Period(period.start_ns, min(period.end_ns, start_ns + 1) if after else period.end_ns)
    few = _SPANS_OF_TRACES * limit if condition is EVERYTHING else _MANY
    for window in paged.windows(began, lambda stretch: views.last(few, stretch)):
        since = Period(window.start_ns, period.end_ns)
        is_last = window.start_ns <= period.start_ns
        most = limit + 1 if is_last else 2 * (limit + 1)
        rows = views.rows("traces", Trace, {**parameters, **since.us(), "limit": most}, places, within=since)
        if is_last:
            break
        if len(rows) > limit:
            earlier = _began_before(views, rows, Period(period.start_ns, window.start_ns))
            rows = tuple(row for row in rows if row.trace_id not in earlier)
            if len(rows) > limit:
                break
    last = rows[limit - 1] if len(rows) > limit else None
    following = None if last is None else (last.start_ns, last.trace_id)
    return Answer(rows[:limit], period=period, source="spans"), following


def _began_before(views: Views, rows: Sequence[Trace], period: Period) -> set[str]:
    """Which of the traces have spans in `period`, too; not asked of those whose roots are there."""
    ids = [row.trace_id for row in rows if not row.has_root]
    if not ids:
        return set()
    found = views.table("trace_earlier", {"trace_ids": ids, **period.us()}, within=period)
    return set(found["trace_id"].to_pylist())


def statistics(views: Views, period: Period) -> Answer[Statistics]:
    """What the traces of a period come to, in one row."""
    about, glance = views.glance(period)
    rows = views.rows("trace_statistics", Statistics, about.us(), within=about, glance=glance)
    return Answer(rows, period=about, source="spans")


def trace(
    views: Views, prefix: str, *, most: int = MOST_SPANS, has_attributes: bool = True
) -> tuple[str, tuple[Span, ...]]:
    """The id and the spans of the trace whose id begins with `prefix`, or which has a span of that id.

    Raises `NotStored` where there is none, `AxError` where there is more than one.
    """
    digits = prefix.strip().lower()
    if not digits or any(digit not in "0123456789abcdef" for digit in digits):
        raise NotStored(
            f"{prefix[:100]!r} is no trace", mend="write hexadecimal digits, as `ax monitor traces` lists them"
        )
    # A whole id is found through bloom filters: 20 against 750 ms of CPU among 10 M spans.
    ids = [digits] if len(digits) == _WHOLE else _ids(views, digits)
    if len(ids) > 1:
        raise AxError(f"several traces begin with {digits[:100]}", mend="give more of its id")
    attributes = "attributes" if has_attributes else "MAP {}::MAP(VARCHAR, VARCHAR)"
    found: tuple[Span, ...] = ()
    for one in ids:
        when = views.when(one, "spans", "spans_pending")
        parameters = {"trace_id": one, "limit": most, **when.us()}
        found = views.rows("trace_spans", Span, parameters, {"attributes": attributes}, within=when)
    if not found:
        raise NotStored(f"no trace begins with {digits[:100]}", mend="`ax monitor traces` lists them")
    return ids[0], found


def _ids(views: Views, digits: str) -> list[str]:
    return [one.trace_id for one in views.rows("trace_ids", _Id, {"prefix": digits, "span_id": digits})]


def tree(spans: Sequence[Span]) -> Iterator[tuple[int, Span]]:
    """Spans with their depth, each behind its parent; one whose parent is not there is a root. A ring is cut."""
    by_id = {span.span_id: span for span in spans}
    children: dict[str | None, list[Span]] = {}
    for span in spans:
        own = span.parent_span_id if span.parent_span_id in by_id and span.parent_span_id != span.span_id else None
        children.setdefault(own, []).append(span)
    shown: set[int] = set()

    def below(first: Sequence[Span]) -> Iterator[tuple[int, Span]]:
        stack = [(0, span) for span in reversed(first)]
        while stack:
            depth, span = stack.pop()
            if id(span) in shown:
                continue
            shown.add(id(span))
            yield depth, span
            if span.span_id is not None:
                stack += [(depth + 1, child) for child in reversed(children.get(span.span_id, []))]

    yield from below(children.get(None, []))
    for span in spans:  # of a ring nothing has been shown
        if id(span) not in shown:
            yield from below([span])
