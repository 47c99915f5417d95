"""One trace or span, whole.

In: ids. Out: the spans of a trace, each with its place in the tree, its own time, its part of the critical path, and
what it and all below it cost; a span with everything that is stored of it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa

from exporter.query import critical, traces
from exporter.query.answer import NotStored
from exporter.query.traces import Span
from exporter.query.views import Views


@dataclass(frozen=True, slots=True)
class Placed:
    """A span in its trace, without a duration while it runs.

    `total_…` are of it and all below it, of calls that are counted, each once.
    """

    depth: int
    span_id: str | None
    parent_span_id: str | None
    name: str
    kind: str
    service_name: str | None
    start_ns: int
    duration_ns: int | None
    self_ns: int
    critical_ns: int
    is_critical: bool
    is_running: bool
    status_code: str
    status_message: str | None
    error_type: str | None
    operation: str | None
    provider: str | None
    model: str | None
    tokens_input: int | None
    tokens_output: int | None
    cost_nanos: int | None
    total_tokens: int
    total_cost_nanos: int


@dataclass(frozen=True, slots=True)
class Detail:
    """A trace; `spans` are each behind its parent. Where it `is_truncated` those that began last are left out."""

    trace_id: str
    root_name: str
    service_name: str | None
    start_ns: int
    duration_ns: int
    span_count: int
    errors: int
    total_tokens: int
    total_cost_nanos: int
    is_truncated: bool
    spans: tuple[Placed, ...]


def detail(views: Views, prefix: str, *, most: int) -> Detail:
    """The trace whose id begins with `prefix`, or which has a span of that id, with `most` spans at most.

    Raises `NotStored`, and `AxError` where there are several.
    """
    trace_id, found = traces.trace(views, prefix, most=most + 1, has_attributes=False)
    spans = list(traces.tree(found[:most]))
    totals = _totals(spans)
    placed = tuple(
        _placed(depth, span, share, total)
        for (depth, span), share, total in zip(spans, critical.shares(spans), totals, strict=True)
    )
    start_ns = min(span.start_ns for _, span in spans)
    root = next((span for depth, span in spans if depth == 0 and span.parent_span_id is None), spans[0][1])
    return Detail(
        trace_id=trace_id,
        root_name=root.name,
        service_name=root.service_name,
        start_ns=start_ns,
        duration_ns=max(span.end_ns for _, span in spans) - start_ns,
        span_count=len(placed),
        errors=sum(span.status_code == "ERROR" for _, span in spans),
        total_tokens=sum(total[0] for (depth, _), total in zip(spans, totals, strict=True) if depth == 0),
        total_cost_nanos=sum(total[1] for (depth, _), total in zip(spans, totals, strict=True) if depth == 0),
        is_truncated=len(found) > most,
        spans=placed,
    )


def span(views: Views, trace_id: str, span_id: str) -> pa.Table:
    """A row with all columns of a span, or of its copy that was sent when it started. Raises `NotStored`."""
    ids = {"trace_id": trace_id.strip().lower(), "span_id": span_id.strip().lower()}
    for view in ("spans", "spans_pending"):
        when = views.when(ids["trace_id"], view)
        found = views.table("span", {**ids, **when.us()}, {"view": view}, within=when)
        if found.num_rows:
            return found
    raise NotStored(f"no span {span_id[:100]!r} in this trace", mend="GET /api/traces/{trace} lists its spans")


def _totals(spans: Sequence[tuple[int, Span]]) -> list[tuple[int, int]]:
    """Tokens and cost of each span and what is below it: going back, each is added to the one above it."""
    totals = [_own(span) for _, span in spans]
    above: list[int] = []
    parents: list[int | None] = []
    for place, (depth, _) in enumerate(spans):
        del above[depth:]
        parents.append(above[-1] if above else None)
        above.append(place)
    for place in reversed(range(len(spans))):
        parent = parents[place]
        if parent is not None:
            totals[parent] = (totals[parent][0] + totals[place][0], totals[parent][1] + totals[place][1])
    return totals


def _own(span: Span) -> tuple[int, int]:
    if not span.is_counted:
        return 0, 0
    return (span.tokens_input or 0) + (span.tokens_output or 0), span.cost_nanos or 0


def _placed(depth: int, span: Span, share: critical.Share, total: tuple[int, int]) -> Placed:
    return Placed(
        depth=depth,
        span_id=span.span_id,
        parent_span_id=span.parent_span_id,
        name=span.name,
        kind=span.kind,
        service_name=span.service_name,
        start_ns=span.start_ns,
        duration_ns=span.duration_ns,
        self_ns=share.self_ns,
        critical_ns=share.critical_ns,
        is_critical=share.is_critical,
        is_running=span.is_running,
        status_code=span.status_code,
        status_message=span.status_message,
        error_type=span.error_type,
        operation=span.operation,
        provider=span.provider,
        model=span.model,
        tokens_input=span.tokens_input,
        tokens_output=span.tokens_output,
        cost_nanos=span.cost_nanos,
        total_tokens=total[0],
        total_cost_nanos=total[1],
    )
