"""Spans that are seen while they run.

In: a span that starts. Out: through the batch of the ended ones, a copy of it as it is when the batch is sent, with
`ax.span.pending`; none if it has ended by then, so that short spans cost a line in a queue.
"""

from collections.abc import Callable

from opentelemetry.context import Context
from opentelemetry.sdk.trace import ReadableSpan, Span

from otel_ax import semconv

__all__ = ["Pending", "pending_copy"]


class Pending:
    """Hands each sampled span to `put` as it starts: the span itself, which is read when it is sent."""

    def __init__(self, put: Callable[[ReadableSpan], object]) -> None:
        self._put = put

    def __call__(self, span: Span, _: Context | None) -> None:
        """Once it has started."""
        if span.get_span_context().trace_flags.sampled:
            self._put(span)


def pending_copy(span: Span) -> ReadableSpan:
    """The span as it is now, marked."""
    return ReadableSpan(
        name=span.name,
        context=span.context,
        parent=span.parent,
        resource=span.resource,
        attributes={**(span.attributes or {}), semconv.SPAN_PENDING: True},
        kind=span.kind,
        links=span.links,
        start_time=span.start_time,
        instrumentation_scope=span.instrumentation_scope,
    )
