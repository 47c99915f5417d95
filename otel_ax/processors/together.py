"""All that we do on the caller's thread, as one processor: each further one costs a span a microsecond by itself.

In: spans as they start and end. Out: the same, to each step in order; an error of one is reported, and ends there.
"""

from collections.abc import Callable, Sequence

from opentelemetry.context import Context
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor

from otel_ax.guard import report

__all__ = ["Together"]

_WHAT = "otel_ax: a span processor failed; your program is not affected, its telemetry may be"


class Together(SpanProcessor):
    """Steps for spans that start, steps for spans that have ended, and how to send what they left."""

    def __init__(
        self,
        starts: Sequence[Callable[[Span, Context | None], None]],
        ends: Sequence[Callable[[ReadableSpan], None]],
        flush: Callable[[float], bool],
    ) -> None:
        self._starts, self._ends, self._flush = tuple(starts), tuple(ends), flush

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        """Each step."""
        for step in self._starts:
            try:
                step(span, parent_context)
            except Exception as error:  # noqa: BLE001 (the promise)
                report(_WHAT, error)

    def on_end(self, span: ReadableSpan) -> None:
        """Each step."""
        for step in self._ends:
            try:
                step(span)
            except Exception as error:  # noqa: BLE001 (the promise)
                report(_WHAT, error)

    def shutdown(self) -> None:
        """The handle of `configure` shuts down, within its time."""

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Whether all spans were sent in time."""
        return self._flush(timeout_millis / 1000)
