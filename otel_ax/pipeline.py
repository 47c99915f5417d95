"""A call's journey through the process, put together: processors, batches, exporters, reader.

In: settings and the providers that exist. Out: a `Pipeline`, which can be flushed and ended within a time.
"""

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from opentelemetry import _logs, metrics, trace
from opentelemetry.context import Context
from opentelemetry.metrics import MeterProvider as ApiMeterProvider
from opentelemetry.sdk._logs import LoggerProvider, ReadableLogRecord
from opentelemetry.sdk._logs.export import LogRecordExportResult
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, Span, TracerProvider
from opentelemetry.sdk.trace.sampling import Sampler

from otel_ax import __version__, beside, exporting, semconv
from otel_ax.budget import settle, spent
from otel_ax.export import PricedExporter, SpanMetrics, redact_attributes
from otel_ax.forking import unforked
from otel_ax.guard import guarding, report
from otel_ax.processors.batch import Batch
from otel_ax.processors.enrich import Enrich
from otel_ax.processors.journey import Journey
from otel_ax.processors.logs import BatchLogs, redacted
from otel_ax.processors.pending import Pending
from otel_ax.processors.sampling import RateSampler
from otel_ax.processors.sizes import size_of, slim
from otel_ax.processors.telling import hush
from otel_ax.processors.together import Together
from otel_ax.readers.periodic import DELTA, EXPONENTIAL, PeriodicReader
from otel_ax.readers.process import ActiveCalls, observe_process
from otel_ax.settings import Settings

__all__ = ["Pipeline", "build"]

LAST_SHARE: Final = 0.25
"""Of a time that is given, what stays for metrics; they come last, since sending spans makes some."""
CONTENT: Final = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"
TEMPORALITY: Final = "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE"
AGGREGATION: Final = "OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION"
SAMPLER: Final = "OTEL_TRACES_SAMPLER"
SAMPLER_ARG: Final = "OTEL_TRACES_SAMPLER_ARG"


@dataclass(frozen=True, slots=True)
class Pipeline:
    """What was added to the providers. `sampler` is None where the TracerProvider was made elsewhere."""

    spans: Batch[ReadableSpan]
    logs: Batch[ReadableLogRecord] | None
    reader: PeriodicReader | None
    sampler: RateSampler | None

    def flush(self, timeout_s: float) -> bool:
        """Whether all was sent and taken within the time."""
        deadline = time.monotonic() + timeout_s
        sent = [begun(deadline - timeout_s * LAST_SHARE) for begun in [batch.flushing() for batch in self._first()]]
        if self.reader is not None:
            sent.append(self.reader.batch.flushing()(deadline))
        return all(sent)

    def shutdown(self, timeout_s: float) -> bool:
        """Whether all was sent and taken within the time. Nothing is taken afterwards."""
        deadline = time.monotonic() + timeout_s
        for batch in self._first():
            batch.close()
        sent = [batch.join(deadline - timeout_s * LAST_SHARE) for batch in self._first()]
        if self.reader is not None:
            self.reader.batch.close()
            sent.append(self.reader.batch.join(deadline))
        return all(sent)

    def _first(self) -> list[Batch[Any]]:
        return [batch for batch in (self.spans, self.logs) if batch is not None]


def build(settings: Settings) -> Pipeline:
    """Adds to the providers that exist, and makes those that do not.

    Raises:
        BadSettings: an exporter that is not installed.
    """
    hush()
    resource = _resource(settings)
    reader, meters = _metrics(settings, resource)
    logs = _logs_batch(settings, resource)
    spans, sampler = _traces(settings, resource, meters)
    return Pipeline(spans, logs, reader, sampler)


def _resource(settings: Settings) -> Resource:
    told: dict[str, Any] = dict(settings.resource_attributes)
    if settings.service_name:
        told[semconv.SERVICE_NAME] = settings.service_name
    made = Resource.create(told)
    return Resource(redact_attributes(made.attributes), made.schema_url) if settings.redact else made


def _endpoint(settings: Settings, signal: str) -> str:
    variable = f"OTEL_EXPORTER_OTLP_{signal.upper()}_ENDPOINT"
    return settings.endpoint if settings.endpoint_told else os.environ.get(variable) or settings.endpoint


class _Gated(SpanMetrics):
    """Span metrics that no fork catches half recorded."""

    def record(self, spans: Sequence[ReadableSpan]) -> None:
        with unforked():
            super().record(spans)


def _traces(
    settings: Settings, resource: Resource, meters: ApiMeterProvider
) -> tuple[Batch[ReadableSpan], RateSampler | None]:
    makers = exporting.made("traces", settings)
    inner = exporting.Spans(makers) if makers else None
    priced = PricedExporter(
        inner,
        redact=settings.redact,
        metrics=_Gated(meters.get_meter("otel_ax", __version__)),
        content=_has_content(settings, "SPAN"),
    )
    journey = Journey(settings, priced)
    batch: Batch[ReadableSpan] = Batch(
        "spans",
        journey.export,
        give_up=priced.shutdown,
        delay_s=settings.schedule_delay_s,
        most=settings.queue_size,
        most_bytes=settings.queue_bytes,
        batch_size=settings.batch_size,
        before=settle,
        after=journey.after,
        afresh=_both(inner.renew if inner else None, journey.renew),
    )
    provider, sampler = _tracer_provider(settings, resource)
    beside.stand_in_for_traces(provider, _endpoint(settings, "traces"))
    starts: list[Callable[[Span, Context | None], None]] = [Enrich()]
    ends: list[Callable[[ReadableSpan], None]] = [slim, spent, lambda span: batch.put(span, size_of(span))]
    if settings.process_metrics:
        active = ActiveCalls()
        starts.append(active.on_start)
        ends.append(active.on_end)
        with guarding("the metrics of the process"):
            observe_process(meters.get_meter("otel_ax.process", __version__), active)
    if settings.pending:
        starts.append(Pending(batch.put))
    provider.add_span_processor(Together(starts, ends, batch.flush))
    return batch, sampler


def _both(*steps: Callable[[], None] | None) -> Callable[[], None]:
    def run() -> None:
        for step in steps:
            if step is not None:
                step()

    return run


def _tracer_provider(settings: Settings, resource: Resource) -> tuple[Any, RateSampler | None]:
    provider = trace.get_tracer_provider()
    if isinstance(provider, TracerProvider):
        if settings.sampling_ratio is not None:
            report("otel_ax: sampling_ratio has no effect: the TracerProvider was made elsewhere, with its own sampler")
        return provider, _ours(provider.sampler)
    sampler = _sampler(settings)
    made = TracerProvider(sampler=sampler, resource=resource, shutdown_on_exit=False)
    trace.set_tracer_provider(made)
    return made, sampler


def _ours(sampler: Sampler) -> RateSampler | None:
    return sampler if isinstance(sampler, RateSampler) else None


def _sampler(settings: Settings) -> RateSampler:
    """As told; else OpenTelemetry's, by its variables."""
    if settings.sampling_ratio is not None:
        return RateSampler(settings.sampling_ratio)
    named = os.environ.get(SAMPLER, "").strip().lower()
    if not named or named == "parentbased_always_on":
        return RateSampler(1.0)
    return RateSampler(1.0, root=TracerProvider(shutdown_on_exit=False).sampler)


def _metrics(settings: Settings, resource: Resource) -> tuple[PeriodicReader | None, ApiMeterProvider]:
    preferences: dict[str, Any] = {}
    if not os.environ.get(TEMPORALITY):
        preferences["preferred_temporality"] = DELTA
    if not os.environ.get(AGGREGATION):
        preferences["preferred_aggregation"] = EXPONENTIAL
    makers = exporting.made("metrics", settings, **preferences)
    reader = PeriodicReader(exporting.Metrics(makers), settings.export_interval_s) if makers else None
    provider: Any = metrics.get_meter_provider()
    if not isinstance(provider, MeterProvider):
        # A reader that a provider is made with is flushed with it; one that is added is not.
        provider = MeterProvider([reader] if reader else [], resource=resource, shutdown_on_exit=False)
        metrics.set_meter_provider(provider)
    elif reader is not None:
        beside.stand_in_for_metrics(provider, _endpoint(settings, "metrics"))
        provider.add_metric_reader(reader)
    if reader is not None:
        reader.start()
    return reader, provider


def _logs_batch(settings: Settings, resource: Resource) -> Batch[ReadableLogRecord] | None:
    makers = exporting.made("logs", settings)
    if not makers:
        return None
    exporter = exporting.Logs(makers)
    content = _has_content(settings, "EVENT")

    def export(records: list[ReadableLogRecord]) -> bool:
        ready = [redacted(record, redact=settings.redact, content=content) for record in records]
        return exporter.export(ready) is LogRecordExportResult.SUCCESS

    batch: Batch[ReadableLogRecord] = Batch(
        "log records",
        export,
        give_up=exporter.shutdown,
        delay_s=settings.schedule_delay_s,
        most=settings.queue_size,
        most_bytes=settings.queue_bytes,
        batch_size=settings.batch_size,
        afresh=exporter.renew,
    )
    provider: Any = _logs.get_logger_provider()
    if not isinstance(provider, LoggerProvider):
        provider = LoggerProvider(resource=resource, shutdown_on_exit=False)
        _logs.set_logger_provider(provider)
    beside.stand_in_for_logs(provider, _endpoint(settings, "logs"))
    with guarding("the bridge from logging"):
        from otel_ax.logs import ScopeLogs, bridge  # noqa: PLC0415

        provider.add_log_record_processor(ScopeLogs())
        bridge()
    provider.add_log_record_processor(BatchLogs(batch))
    return batch


def _has_content(settings: Settings, where: str) -> bool:
    """Whether prompts and completions were asked for, on spans (`SPAN`) or on events (`EVENT`)."""
    told = os.environ.get(CONTENT, "").strip().upper()
    return settings.content if not told else told in {f"{where}_ONLY", "SPAN_AND_EVENT"}
