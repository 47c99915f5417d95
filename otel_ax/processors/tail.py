"""Which traces are worth sending.

In: ended spans, on the batch's thread. Out: lists for the exporter, in which spans of traces that are not kept are
marked as not sampled: they are priced and counted, but not sent.
"""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import SpanContext, StatusCode, TraceFlags

from otel_ax.export.exporter import Copied
from otel_ax.processors.sizes import size_of

__all__ = ["TailSampling"]

MOST_DECIDED: Final = 8192
"""Traces whose decision is remembered for late spans."""
_HASH: Final = 0x9E3779B97F4A7C15
_BITS: Final = 1 << 64


@dataclass(slots=True)
class _Trace:
    since_s: float
    spans: list[ReadableSpan] = field(default_factory=list)
    size: int = 0


class TailSampling:
    """Holds the spans of a trace until its local root has ended, then keeps or drops them all.

    Kept are traces with an error, or slower than `slow_s`, or dearer than `costly_usd`, and of the rest the share
    `keep_ratio`, by the trace's id, so that all processes agree. A trace that runs for `slow_s` is slow: it is kept
    then and held no longer. Late spans follow their trace. Of more than `most` spans or `most_bytes`, the oldest trace
    is decided first.

    Args:
        cost_usd: What a span cost, if anything.
        most: Spans held at most.
        most_bytes: About the bytes of their texts, at most.
    """

    def __init__(
        self,
        *,
        keep_ratio: float,
        slow_s: float,
        costly_usd: float,
        cost_usd: Callable[[ReadableSpan], float],
        most: int = 2048,
        most_bytes: int = 8 << 20,
    ) -> None:
        self._bound, self._slow_ns, self._costly_usd = round(keep_ratio * _BITS), slow_s * 1e9, costly_usd
        self._slow_s, self._cost_usd, self._most, self._most_bytes = slow_s, cost_usd, most, most_bytes
        self._open: OrderedDict[int, _Trace] = OrderedDict()
        self._decided: OrderedDict[int, bool] = OrderedDict()
        self._held = self._held_bytes = 0

    def sift(self, spans: Sequence[ReadableSpan], now_s: float, *, all_of_them: bool = False) -> list[ReadableSpan]:
        """The spans that can go on now, marked; with `all_of_them`, none is held back.

        `now_s` is a clock that only goes forward.
        """
        out: list[ReadableSpan] = []
        for span in spans:
            context = span.context
            if not context.trace_flags.sampled:
                out.append(span)
            elif (keep := self._decided.get(context.trace_id)) is not None:
                out.append(span if keep else _unsampled(span))
            else:
                self._hold(span, context.trace_id, now_s, out)
        while self._open and (all_of_them or self._held > self._most or self._held_bytes > self._most_bytes):
            self._decide(next(iter(self._open)), out)
        for trace_id in [one for one, trace in self._open.items() if now_s - trace.since_s >= self._slow_s]:
            self._decide(trace_id, out, keep=True)
        return out

    def _hold(self, span: ReadableSpan, trace_id: int, now_s: float, out: list[ReadableSpan]) -> None:
        trace = self._open.get(trace_id)
        if trace is None:
            trace = self._open[trace_id] = _Trace(now_s)
        trace.spans.append(span)
        size = size_of(span)
        trace.size += size
        self._held += 1
        self._held_bytes += size
        if span.parent is None or span.parent.is_remote:
            self._decide(trace_id, out)

    def _decide(self, trace_id: int, out: list[ReadableSpan], *, keep: bool = False) -> None:
        trace = self._open.pop(trace_id)
        spans = trace.spans
        self._held -= len(spans)
        self._held_bytes -= trace.size
        keep = keep or self._in_share(trace_id) or self._worth(spans)
        self._decided[trace_id] = keep
        if len(self._decided) > MOST_DECIDED:
            self._decided.popitem(last=False)
        out.extend(spans if keep else map(_unsampled, spans))

    def _in_share(self, trace_id: int) -> bool:
        # Other bits of the id than those by which it was sampled, or the share would be one of these.
        return (trace_id * _HASH >> 64) % _BITS < self._bound

    def _worth(self, spans: list[ReadableSpan]) -> bool:
        return (
            any(span.status.status_code is StatusCode.ERROR for span in spans)
            or any((span.end_time or 0) - (span.start_time or 0) >= self._slow_ns for span in spans)
            or sum(map(self._cost_usd, spans)) >= self._costly_usd
        )


def _unsampled(span: ReadableSpan) -> ReadableSpan:
    context = span.context
    flags = TraceFlags(context.trace_flags & ~TraceFlags.SAMPLED)
    made = Copied(span, span.attributes or {})
    made._context = SpanContext(  # noqa: SLF001 (ours)
        context.trace_id, context.span_id, context.is_remote, flags, context.trace_state
    )
    return made
