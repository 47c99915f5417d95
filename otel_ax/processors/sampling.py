"""Which traces are recorded: a share of those that start here, which may change while the program runs.

In: a span about to start. Out: sampled as its parent is, or by the trace's id; what is not sampled but tells of a
model, an agent or a workflow is recorded without being sent, so that budgets and metrics see every call.
"""

from collections.abc import Sequence
from typing import Any, Final

from opentelemetry.context import Context
from opentelemetry.sdk.trace.sampling import Decision, Sampler, SamplingResult
from opentelemetry.trace import Link, SpanKind, TraceState, get_current_span
from opentelemetry.util.types import Attributes

from otel_ax import semconv
from otel_ax.calls import operation_of, own
from otel_ax.errors import BadSettings

__all__ = ["RateSampler"]

_IDS: Final = 1 << 64


def _within_call(around: Any) -> bool:
    """Whether a span may stand between a call and another one within, which are known to be one by what is between."""
    if not around.is_recording():
        return False
    operation = operation_of(own(around))
    return operation is None or operation in semconv.INFERENCE_OPERATIONS


class RateSampler(Sampler):
    """Samples the share `ratio` of the traces that start here; the others as their parents were.

    With `root`, that sampler decides instead until `ratio` is set.
    """

    def __init__(self, ratio: float = 1.0, root: Sampler | None = None) -> None:
        self.ratio = ratio
        self._root = root  # after the ratio, which takes its place

    @property
    def ratio(self) -> float:
        """From 0 to 1."""
        return self._ratio

    @ratio.setter
    def ratio(self, ratio: float) -> None:
        if not 0 <= ratio <= 1:
            raise BadSettings(f"cannot sample {ratio!r} of all traces; write a number from 0 to 1")
        self._ratio, self._bound, self._root = ratio, round(ratio * _IDS), None

    def should_sample(
        self,
        parent_context: Context | None,
        trace_id: int,
        name: str,
        kind: SpanKind | None = None,
        attributes: Attributes = None,
        links: Sequence[Link] | None = None,
        trace_state: TraceState | None = None,
    ) -> SamplingResult:
        """As OpenTelemetry's, but for what is recorded only."""
        around = get_current_span(parent_context)
        parent = around.get_span_context()
        if self._root is not None:
            given = self._root.should_sample(parent_context, trace_id, name, kind, attributes, links, trace_state)
            if given.decision is not Decision.DROP:
                return given
            sampled, state = False, given.trace_state
        elif parent.is_valid:
            sampled, state = parent.trace_flags.sampled, parent.trace_state
        else:
            sampled, state = trace_id % _IDS < self._bound, None
        if sampled:
            return SamplingResult(Decision.RECORD_AND_SAMPLE, attributes, state)
        told = attributes or {}
        if semconv.OPERATION_NAME in told or semconv.KIND in told or _within_call(around):
            return SamplingResult(Decision.RECORD_ONLY, attributes, state)
        return SamplingResult(Decision.DROP, None, state)

    def get_description(self) -> str:
        """For people."""
        return f"RateSampler{{{self._root.get_description() if self._root else self._ratio}}}"
