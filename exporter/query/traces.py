"""Traces: listed, looked at span by span, counted.

In: a period and a filter, or a trace's id or the beginning of one. Out: traces; a tree of spans.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from exporter.errors import AxError
from exporter.query.answer import Answer
from exporter.query.fields import TRACES
from exporter.query.filter import parse
from exporter.query.period import Period
from exporter.query.views import Views


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
    """A span of a trace; of one that `is_running` the end is not known."""

    span_id: str | None
    parent_span_id: str | None
    name: str
    kind: str
    service_name: str | None
    start_ns: int
    duration_ns: int
    status_code: str
    status_message: str | None
    error_type: str | None
    operation: str | None
    provider: str | None
    model: str | None
    tokens_input: int | None
    tokens_output: int | None
    cost_nanos: int | None
    is_running: bool
    attributes: Mapping[str, str | None]

    def __post_init__(self) -> None:
        """DuckDB's maps come as lists of pairs."""
        pairs: Any = self.attributes or ()
        object.__setattr__(self, "attributes", dict(pairs))


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
    condition = parse(where, TRACES)
    parameters = {**period.us(), "limit": limit, **condition.parameters}
    return Answer(views.rows("traces", Trace, parameters, {"where": condition.sql}), period=period, source="spans")


def statistics(views: Views, period: Period) -> Answer[Statistics]:
    """What the traces of a period come to, in one row."""
    return Answer(views.rows("trace_statistics", Statistics, period.us()), period=period, source="spans")


def trace(views: Views, prefix: str) -> tuple[str, tuple[Span, ...]]:
    """The id and the spans of the trace whose id begins with `prefix`, or which has a span of that id.

    Raises `AxError` where there is none, or more than one.
    """
    digits = prefix.strip().lower()
    if not digits or any(digit not in "0123456789abcdef" for digit in digits):
        raise AxError(f"{prefix!r} is no trace", mend="write hexadecimal digits, as `ax monitor traces` lists them")
    found = views.rows("trace_ids", _Id, {"prefix": digits, "span_id": digits})
    if len(found) != 1:
        several = f"several traces begin with {digits}"
        raise AxError(several if found else f"no trace begins with {digits}", mend="`ax monitor traces` lists them")
    trace_id = found[0].trace_id
    return trace_id, views.rows("trace_spans", Span, {"trace_id": trace_id})


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
