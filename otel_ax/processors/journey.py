"""What the batch's thread does with spans: copies of those that run, a sieve for whole traces, the exporter.

In: a batch of spans, ended ones and (to be seen while they run) started ones. Out: all that can go, to the exporter.
"""

import time

from opentelemetry.sdk.trace import ReadableSpan, Span
from opentelemetry.sdk.trace.export import SpanExportResult

from otel_ax import semconv
from otel_ax.export import PricedExporter
from otel_ax.export.exporter import cost_attributes
from otel_ax.forking import unforked
from otel_ax.processors.pending import pending_copy
from otel_ax.processors.tail import TailSampling
from otel_ax.settings import Settings

__all__ = ["Journey"]


class Journey:
    """On the batch's thread: pending spans are copied, traces sifted, and all goes to the exporter."""

    def __init__(self, settings: Settings, exporter: PricedExporter) -> None:
        self._settings, self._exporter = settings, exporter
        self.renew()

    def renew(self) -> None:
        """In the child of a fork: held spans are the parent's."""
        chosen = self._settings
        self._tail = (
            TailSampling(
                keep_ratio=chosen.keep_ratio,
                slow_s=chosen.slow_s,
                costly_usd=chosen.costly_usd,
                cost_usd=_cost_usd,
                most=chosen.queue_size,
                most_bytes=chosen.queue_bytes,
            )
            if chosen.keep_ratio < 1
            else None
        )

    def export(self, spans: list[ReadableSpan]) -> bool:
        """Whether the exporter took them."""
        started = [span for span in spans if isinstance(span, Span)]
        if started:
            spans = [span for span in spans if not isinstance(span, Span)]
        running = _copies(started)
        if self._tail is not None:
            spans = self._tail.sift(spans, time.monotonic())
        return self._sent(running + spans)

    def after(self, last: bool) -> bool:  # noqa: FBT001 (Batch calls it)
        """Traces that have waited long enough; at the end, all."""
        return self._tail is None or self._sent(self._tail.sift([], time.monotonic(), all_of_them=last))

    def _sent(self, spans: list[ReadableSpan]) -> bool:
        return not spans or self._exporter.export(spans) is SpanExportResult.SUCCESS


def _copies(started: list[Span]) -> list[ReadableSpan]:
    """Of those that still run, whose locks the child of a fork would find held."""
    if not started:
        return []
    with unforked():
        return [pending_copy(span) for span in started if span.is_recording()]


def _cost_usd(span: ReadableSpan) -> float:
    attributes = span.attributes or {}
    cost = cost_attributes(attributes, span.start_time or 0).get(semconv.COST, attributes.get(semconv.COST))
    return cost if isinstance(cost, float) else 0.0
