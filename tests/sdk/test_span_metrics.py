"""From ended spans to cost on them and metrics of them: each call once, whoever made its spans."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import ExponentialHistogramDataPoint
from opentelemetry.sdk.trace import Event, ReadableSpan, Span, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import Decision, Sampler, SamplingResult
from opentelemetry.trace import SpanContext, StatusCode, TraceFlags, Tracer

from otel_ax import semconv
from otel_ax.export import PricedExporter, SpanMetrics, span_metrics
from otel_ax.ledger import Ledger
from otel_ax.processors import RateSampler
from otel_ax.readers.snapshot import SnapshotReader

CHAT = {
    semconv.OPERATION_NAME: "chat",
    semconv.PROVIDER_NAME: "openai",
    semconv.RESPONSE_MODEL: "gpt-4o",
    semconv.INPUT_TOKENS: 1000,
    semconv.OUTPUT_TOKENS: 100,
    semconv.CACHE_READ_TOKENS: 500,
}
CHAT_USD = 0.002875


class Pipeline:
    """A tracer whose spans end in a `PricedExporter`, and what came out."""

    def __init__(self, sampler: Sampler | None = None) -> None:
        self.reader = SnapshotReader()
        meters = MeterProvider(metric_readers=[self.reader])
        self.memory = InMemorySpanExporter()
        self.exporter = PricedExporter(self.memory, redact=True, metrics=SpanMetrics(meters.get_meter("t")))
        provider = TracerProvider(sampler=sampler)
        provider.add_span_processor(_Every(self.exporter))
        self.tracer: Tracer = provider.get_tracer("t")

    def span(self, name: str) -> ReadableSpan:
        return next(span for span in self.memory.get_finished_spans() if span.name == name)


class _Every(SimpleSpanProcessor):
    """Hands on what is only recorded as well, as our own batch does."""

    def on_end(self, span: ReadableSpan) -> None:
        self.span_exporter.export((span,))


def _chat(tracer: Tracer, name: str = "chat gpt-4o", **more: str) -> None:
    with tracer.start_as_current_span(name, attributes={**CHAT, **more}):
        pass


def test_a_call_is_priced_with_its_parts_the_version_and_the_day() -> None:
    pipeline = Pipeline()
    _chat(pipeline.tracer)
    attributes = pipeline.span("chat gpt-4o").attributes
    assert attributes is not None
    assert attributes[semconv.COST] == CHAT_USD
    parts = {name: value for name, value in attributes.items() if name.endswith(".usd") and name != semconv.COST}
    assert parts == {semconv.COST_INPUT: 0.00125, semconv.COST_CACHE_READ: 0.000625, semconv.COST_OUTPUT: 0.001}
    assert str(attributes[semconv.PRICE_VERSION]).startswith("genai-prices ")
    assert len(str(attributes[semconv.PRICE_DATE])) == len("2026-11-21")


def test_metrics_tell_duration_tokens_cost_and_errors_by_who_and_what() -> None:
    pipeline = Pipeline()
    for _ in range(3):
        _chat(pipeline.tracer, **{semconv.AGENT_NAME: "researcher", semconv.TENANT_ID: "acme"})
    with pipeline.tracer.start_as_current_span("chat", attributes={**CHAT, semconv.ERROR_TYPE: "timeout"}) as span:
        span.set_status(StatusCode.ERROR)
    told = pipeline.reader.read()
    acme = {semconv.TENANT_ID: "acme", semconv.AGENT_NAME: "researcher", semconv.PROVIDER_NAME: "openai"}
    assert told.total(semconv.USAGE_COST, acme) == pytest.approx(3 * CHAT_USD)
    assert told.count(semconv.OPERATION_DURATION, acme) == 3
    assert told.by(semconv.USAGE_TOKENS, semconv.TOKEN_TYPE, acme) == {"input": 1500, "cache_read": 1500, "output": 300}
    assert told.by(semconv.OPERATION_ERRORS, semconv.ERROR_TYPE) == {"timeout": 1}
    point = told.points[semconv.OPERATION_DURATION][0]
    assert isinstance(point, ExponentialHistogramDataPoint)


def test_a_call_without_a_price_is_counted_and_says_why() -> None:
    pipeline = Pipeline()
    _chat(pipeline.tracer, **{semconv.RESPONSE_MODEL: "gpt-imaginary"})
    attributes = pipeline.span("chat gpt-4o").attributes or {}
    assert semconv.COST not in attributes
    assert attributes[semconv.COST_UNPRICED] == "unknown model"
    told = pipeline.reader.read()
    assert told.by(semconv.COST_UNPRICED, semconv.COST_UNPRICED) == {"unknown model": 1}
    assert told.total(semconv.USAGE_COST) == 0
    assert told.total(semconv.USAGE_TOKENS) == 1100


OPENINFERENCE = {
    "openinference.span.kind": "LLM",
    "llm.provider": "openai",
    "llm.model_name": "gpt-4o",
    "llm.token_count.prompt": 1000,
    "llm.token_count.completion": 100,
    "llm.token_count.prompt_details.cache_read": 500,
}


def test_two_spans_of_one_call_that_is_not_sampled_count_once() -> None:
    pipeline = Pipeline(RateSampler(0.0))
    with (
        pipeline.tracer.start_as_current_span("flow", attributes={semconv.OPERATION_NAME: "invoke_workflow"}),
        pipeline.tracer.start_as_current_span("fetch") as fetch,
        pipeline.tracer.start_as_current_span("outer", attributes=CHAT),
        pipeline.tracer.start_as_current_span("retry"),
    ):
        _chat(pipeline.tracer, "inner")
    told = pipeline.reader.read()
    assert (told.total(semconv.USAGE_TOKENS), fetch.is_recording()) == (1100, False)
    assert pipeline.memory.get_finished_spans() == ()


@pytest.mark.parametrize("outer", [CHAT, OPENINFERENCE], ids=["framework", "another instrumentor"])
def test_two_spans_of_one_call_count_once_whatever_is_between_them(outer: Mapping[str, str]) -> None:
    pipeline = Pipeline()
    with (
        pipeline.tracer.start_as_current_span("outer", attributes=outer),
        pipeline.tracer.start_as_current_span("POST"),
        pipeline.tracer.start_as_current_span("retry"),
    ):
        _chat(pipeline.tracer, "inner")
    told = pipeline.reader.read()
    assert told.total(semconv.USAGE_TOKENS) == 1100
    assert told.total(semconv.USAGE_COST) == pytest.approx(CHAT_USD)
    assert (pipeline.span("inner").attributes or {})[semconv.COST] == CHAT_USD
    wrapper = pipeline.span("outer").attributes or {}
    assert semconv.COST not in wrapper
    assert wrapper[semconv.COST_UNPRICED] == "nested"
    assert told.total(semconv.COST_UNPRICED) == 0
    assert told.count(semconv.OPERATION_DURATION) == 1


def test_a_clients_own_span_below_an_instrumentors_counts_once() -> None:
    """As anthropic 2.12 does: its span has the same tokens, of which cached ones are told apart."""
    pipeline = Pipeline()
    told_by = {semconv.OPERATION_NAME: "chat", semconv.PROVIDER_NAME: "anthropic", semconv.OUTPUT_TOKENS: 300}
    model = {semconv.REQUEST_MODEL: "claude-sonnet-4-5", semconv.RESPONSE_MODEL: "claude-sonnet-4-5"}
    ours = {**told_by, **model, semconv.INPUT_TOKENS: 1200, semconv.CACHE_READ_TOKENS: 200}
    ledger = Ledger()
    with (
        pipeline.tracer.start_as_current_span("ours", attributes=ours) as outer,
        pipeline.tracer.start_as_current_span("the client's", attributes=ours) as inner,
    ):
        pass
    for span in (inner, outer):
        ledger.spent(span)  # type: ignore[arg-type]  # the SDK's
    told = pipeline.reader.read()
    spend = ledger.spend(0, {})
    assert told.total(semconv.USAGE_TOKENS) == 1500 == spend.tokens_input + spend.tokens_output
    assert told.total(semconv.USAGE_COST) == pytest.approx(spend.usd)
    assert spend.calls == 1


def test_labels_without_end_are_bounded_and_no_amount_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(span_metrics, "MOST_LABELS", 10)
    pipeline = Pipeline()
    for number in range(30):
        _chat(pipeline.tracer, **{semconv.TENANT_ID: f"tenant {number}"})
    told = pipeline.reader.read()
    assert told.total(semconv.USAGE_TOKENS) == 30 * 1100
    assert len(told.by(semconv.USAGE_COST, semconv.TENANT_ID)) == 11
    assert told.total(semconv.USAGE_TOKENS, {span_metrics.OVERFLOW: "true"}) == 20 * 1100


def test_a_stream_that_tells_no_usage_does_not_hide_that_of_the_span_around_it() -> None:
    pipeline = Pipeline()
    inner = {name: value for name, value in CHAT.items() if "usage" not in name}
    with pipeline.tracer.start_as_current_span("outer", attributes=CHAT):
        pipeline.tracer.start_span("inner", attributes=inner).end()
    assert pipeline.reader.read().total(semconv.USAGE_TOKENS) == 1100


def test_a_call_within_a_tool_of_a_call_is_a_call_of_its_own() -> None:
    pipeline = Pipeline()
    with (
        pipeline.tracer.start_as_current_span("outer", attributes=CHAT),
        pipeline.tracer.start_as_current_span("tool", attributes={semconv.OPERATION_NAME: "execute_tool"}),
    ):
        _chat(pipeline.tracer, "inner")
    assert pipeline.reader.read().total(semconv.USAGE_COST) == pytest.approx(2 * CHAT_USD)


def test_siblings_and_agents_around_them_do_not_hide_calls() -> None:
    pipeline = Pipeline()
    with pipeline.tracer.start_as_current_span("agent", attributes={semconv.OPERATION_NAME: "invoke_agent"}):
        _chat(pipeline.tracer, "one")
        _chat(pipeline.tracer, "two")
    told = pipeline.reader.read()
    assert told.total(semconv.USAGE_COST) == pytest.approx(2 * CHAT_USD)
    assert told.count(semconv.OPERATION_DURATION, {semconv.OPERATION_NAME: "invoke_agent"}) == 1


def test_steps_and_workflows_are_counted_by_status() -> None:
    pipeline = Pipeline()
    run = {semconv.OPERATION_NAME: "invoke_workflow", semconv.WORKFLOW_STATUS: "completed"}
    step = {semconv.KIND: "step", semconv.STEP_STATUS: "failed"}
    with pipeline.tracer.start_as_current_span("run", attributes=run):
        pipeline.tracer.start_span("step", attributes=step).end()
    told = pipeline.reader.read()
    assert told.by("ax.workflow.executions", semconv.WORKFLOW_STATUS) == {"completed": 1}
    assert told.by("ax.workflow.steps", semconv.STEP_STATUS) == {"failed": 1}


class _RecordOnly(Sampler):
    def should_sample(self, *told: Any, **_: Any) -> SamplingResult:
        return SamplingResult(Decision.RECORD_ONLY, attributes=told[4])

    def get_description(self) -> str:
        return "record only"


def test_spans_that_are_not_sampled_are_counted_and_not_sent() -> None:
    pipeline = Pipeline(_RecordOnly())
    _chat(pipeline.tracer)
    assert pipeline.memory.get_finished_spans() == ()
    assert pipeline.reader.read().total(semconv.USAGE_COST) == pytest.approx(CHAT_USD)


def test_a_pending_copy_is_neither_priced_nor_counted() -> None:
    pipeline = Pipeline()
    with pipeline.tracer.start_as_current_span("chat", attributes={**CHAT, semconv.SPAN_PENDING: True}):
        pass
    assert semconv.COST not in (pipeline.span("chat").attributes or {})
    assert pipeline.reader.read().points == {}


def test_a_cost_that_the_program_set_stays() -> None:
    pipeline = Pipeline()
    with pipeline.tracer.start_as_current_span("chat", attributes={**CHAT, semconv.COST: 0.5}):
        pass
    assert (pipeline.span("chat").attributes or {})[semconv.COST] == 0.5
    assert pipeline.reader.read().total(semconv.USAGE_COST) == 0.5


class _Broken(SpanExporter):
    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        del spans
        raise ConnectionError("no route")

    def shutdown(self) -> None:
        raise ConnectionError("no route")

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        del timeout_millis
        raise ConnectionError("no route")


def test_what_the_wrapped_exporter_raises_ends_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PYTEST_VERSION", raising=False)
    exporter = PricedExporter(_Broken(), redact=True, metrics=None)
    span = TracerProvider().get_tracer("t").start_span("x")
    span.end()
    assert isinstance(span, Span)
    assert exporter.export([span]) is SpanExportResult.FAILURE
    assert not exporter.force_flush()
    exporter.shutdown()


def test_without_an_exporter_spans_are_only_counted() -> None:
    exporter = PricedExporter(None, redact=True, metrics=None)
    assert exporter.export([]) is SpanExportResult.SUCCESS
    assert exporter.force_flush()


class _Unreadable(ReadableSpan):
    @property
    def events(self) -> Sequence[Event]:
        raise ValueError("a bug")


def test_a_span_that_cannot_be_made_safe_is_left_out_and_the_others_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PYTEST_VERSION", raising=False)
    memory = InMemorySpanExporter()
    context = SpanContext(1, 2, is_remote=False, trace_flags=TraceFlags(1))
    spans = [_Unreadable("bad", context), ReadableSpan("good", context)]
    PricedExporter(memory, redact=True, metrics=None).export(spans)
    assert [span.name for span in memory.get_finished_spans()] == ["good"]
