"""Metrics of ended spans: duration, errors, tokens, cost; recorded in the export thread.

In: priced spans, each once, sampled or not. Out: these instruments, by operation, provider, model, agent, workflow and
tenant. The conventions' own `gen_ai.client.*` metrics are util-genai's, which emits them for the spans that it makes;
ours cover the spans of every instrumentor, so they have names of their own, and neither is counted twice:

    ax.operation.duration   s         exponential histogram (the readers ask for it); its count is that of operations
    ax.operation.errors     {error}   by error.type
    ax.usage.tokens         {token}   by ax.token.type: input, cache_read, cache_write, output, reasoning; disjoint
    ax.usage.cost           {USD}
    ax.cost.unpriced        {call}    calls with usage and without a price, by ax.cost.unpriced, the reason
    ax.workflow.executions  {execution}   spans of operation invoke_workflow, by ax.workflow.status
    ax.workflow.steps       {step}        spans of ax.kind step, by ax.step.status

A step's duration (`ax.kind` = step) is `ax.operation.duration` with `gen_ai.operation.name` = step, and so for voice.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from opentelemetry.metrics import Counter, Meter
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import StatusCode

from otel_ax import semconv
from otel_ax.calls import model_of, operation_of, plain, provider_of
from otel_ax.prices import Usage, usage_of

__all__ = ["SpanMetrics"]

_CARRIED: Final = (semconv.AGENT_NAME, semconv.WORKFLOW_NAME, semconv.TENANT_ID)
MOST_LABELS: Final = 2_000
"""Sets of labels of a process, each of which the SDK keeps for good; what comes beyond loses its `_CARRIED`. Source:
OpenTelemetry specification, "Metrics SDK", cardinality limits."""
OVERFLOW: Final = "otel.metric.overflow"

_Sums = dict[tuple[Counter, tuple[tuple[str, str], ...]], float]
"""What counters gain by a batch: one record for each set of labels, not for each span."""


class SpanMetrics:
    """Instruments of one meter.

    Args:
        meter: Whose readers export them.
    """

    def __init__(self, meter: Meter) -> None:
        self._duration = meter.create_histogram(
            semconv.OPERATION_DURATION, unit="s", description="Duration of LLM, agent, tool, workflow and voice spans"
        )
        self._errors = meter.create_counter(
            semconv.OPERATION_ERRORS, unit="{error}", description="Operations that failed"
        )
        self._tokens = meter.create_counter(
            semconv.USAGE_TOKENS, unit="{token}", description="Tokens used, each in one kind"
        )
        self._cost = meter.create_counter(semconv.USAGE_COST, unit="{USD}", description="What calls cost")
        self._counts = {
            "invoke_workflow": (
                meter.create_counter(semconv.WORKFLOW_EXECUTIONS, unit="{execution}"),
                semconv.WORKFLOW_STATUS,
            ),
            "step": (meter.create_counter(semconv.WORKFLOW_STEPS, unit="{step}"), semconv.STEP_STATUS),
        }
        self._known: set[tuple[object, ...]] = set()
        self._unpriced = meter.create_counter(
            semconv.COST_UNPRICED, unit="{call}", description="Calls with usage and without a price"
        )

    def record(self, spans: Sequence[ReadableSpan]) -> None:
        """Counts every ended span that has an operation, but for pending copies and spans around another call."""
        sums: _Sums = {}
        for span in spans:
            attributes = plain(span.attributes)
            operation = operation_of(attributes)
            is_once = semconv.SPAN_PENDING not in attributes and attributes.get(semconv.COST_UNPRICED) != semconv.NESTED
            if operation is not None and is_once:
                self._record(span, attributes, operation, sums)
        for (counter, labels), amount in sums.items():
            counter.add(amount, dict(labels))

    def _record(self, span: ReadableSpan, attributes: Mapping[str, Any], operation: str, sums: _Sums) -> None:
        labels: dict[str, str] = {semconv.OPERATION_NAME: operation}
        provider, model = provider_of(attributes), model_of(attributes)
        if provider is not None:
            labels[semconv.PROVIDER_NAME] = provider
        if model is not None:
            labels[semconv.RESPONSE_MODEL] = model
        carried = {name: value for name in _CARRIED if isinstance(value := attributes.get(name), str)}
        labels.update(carried if self._has_room(labels, carried) else {OVERFLOW: "true"})
        if span.start_time is not None and span.end_time is not None:
            self._duration.record(max(0, span.end_time - span.start_time) / 1e9, labels)
        if span.status.status_code is StatusCode.ERROR:
            error = attributes.get(semconv.ERROR_TYPE, "_OTHER")
            _add(sums, self._errors, 1, {**labels, semconv.ERROR_TYPE: str(error)})
        if operation in self._counts:
            counter, status_key = self._counts[operation]
            status = attributes.get(status_key)
            _add(sums, counter, 1, {**labels, status_key: status} if isinstance(status, str) else labels)
        self._record_usage(attributes, labels, sums)

    def _has_room(self, labels: Mapping[str, str], carried: Mapping[str, str]) -> bool:
        key = (*labels.values(), *carried.items())
        if key not in self._known:
            if len(self._known) >= MOST_LABELS and carried:
                return False
            self._known.add(key)
        return True

    def _record_usage(self, attributes: Mapping[str, Any], labels: Mapping[str, str], sums: _Sums) -> None:
        unpriced = attributes.get(semconv.COST_UNPRICED)
        cost = attributes.get(semconv.COST)
        if unpriced is None and cost is None:
            return
        usage = usage_of(attributes)
        for kind, count in _tokens(usage).items() if usage else ():
            if count:
                _add(sums, self._tokens, count, {**labels, semconv.TOKEN_TYPE: kind})
        if unpriced is not None:
            _add(sums, self._unpriced, 1, {**labels, semconv.COST_UNPRICED: str(unpriced)})
        elif isinstance(cost, int | float) and cost >= 0:
            _add(sums, self._cost, float(cost), labels)


def _add(sums: _Sums, counter: Counter, amount: float, labels: Mapping[str, str]) -> None:
    key = counter, tuple(labels.items())
    sums[key] = sums.get(key, 0) + amount


def _tokens(usage: Usage) -> dict[str, int]:
    went_in, came_out = usage.tokens
    return {
        "input": went_in - usage.cache_read - usage.cache_write,
        "cache_read": usage.cache_read,
        "cache_write": usage.cache_write,
        "output": came_out - usage.reasoning,
        "reasoning": usage.reasoning,
    }
