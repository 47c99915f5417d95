"""What a program under test tells: spans, logs and metrics in memory, with ids and times that are the same each run.

In: `with recording() as recorder:`, or pytest's fixture `otel_ax_recorder`. Out: `recorder.spans`, `.logs`,
`.metrics`, and `recorder.story()`, all spans as one tree of plain values, for snapshots.

    def test_my_agent(otel_ax_recorder):
        my_agent("What is the weather?")
        assert otel_ax_recorder.span("chat gpt-5").attributes["gen_ai.usage.input_tokens"] == 12

OpenTelemetry's providers can be set once in a process, and tracers hold on to them. So the first recorder sets them (or
adds to those that are there, whose ids then stay random), and each later one is a window on the same.
"""

import threading
import timeit
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Final

from opentelemetry import _logs, metrics, trace
from opentelemetry.context import Context, attach, detach
from opentelemetry.sdk._logs import LoggerProvider, LogRecordProcessor, ReadableLogRecord, ReadWriteLogRecord
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader, NumberDataPoint
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan, Span, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.id_generator import IdGenerator, RandomIdGenerator
from opentelemetry.sdk.trace.sampling import ALWAYS_ON

from otel_ax import semconv
from otel_ax.logs import ScopeLogs
from otel_ax.processors.enrich import Enrich

__all__ = ["Clock", "Point", "Recorder", "recording"]

START_NS: Final = 1_767_225_600_000_000_000
"""2026-01-01 00:00 UTC: when every recording begins."""
TICK_NS: Final = 1_000_000
"""What passes between two readings of the clock: 1 ms."""

_CLOCKS: Final = (("opentelemetry.sdk.trace", "time_ns"), ("opentelemetry._logs._internal", "time_ns"))
"""Where OpenTelemetry reads the time of spans, events and logs. Durations (`gen_ai.response.time_to_first_chunk` and
others) are read from `timeit.default_timer()`, by util-genai and by `otel_ax`."""

_RESOURCE: Final = Resource({semconv.SERVICE_NAME: "under-test"})


class Clock:
    """A clock that only moves when it is read (1 ms) or told to."""

    def __init__(self) -> None:
        self._now_ns = START_NS
        self._lock = threading.Lock()

    def now_ns(self) -> int:
        """Unix nanoseconds."""
        with self._lock:
            self._now_ns += TICK_NS
            return self._now_ns

    def timer_s(self) -> float:
        """Seconds since the recording began."""
        return (self.now_ns() - START_NS) / 1e9

    def advance(self, seconds: float) -> None:
        """Lets time pass."""
        with self._lock:
            self._now_ns += round(seconds * 1e9)


@dataclass(frozen=True, slots=True)
class Point:
    """A series of a metric: `value` is a counter's or gauge's value, or a histogram's sum of `count` measurements."""

    name: str
    unit: str
    attributes: Mapping[str, Any]
    value: float
    count: int | None = None


class Recorder:
    """What was told since the recording began."""

    def __init__(self) -> None:
        self.clock: Final = Clock()
        self._spans: list[ReadableSpan] = []
        self._logs: list[ReadableLogRecord] = []
        self._reader = InMemoryMetricReader()

    @property
    def spans(self) -> tuple[ReadableSpan, ...]:
        """The spans that have ended, in the order of their ends."""
        return tuple(self._spans)

    @property
    def logs(self) -> tuple[ReadableLogRecord, ...]:
        """The log records, events among them, in the order in which they were emitted."""
        return tuple(self._logs)

    @property
    def metrics(self) -> tuple[Point, ...]:
        """The metrics' series, by name."""
        return tuple(
            sorted(_points(self._reader), key=lambda point: (point.name, str(sorted(point.attributes.items()))))
        )

    def span(self, name: str) -> ReadableSpan:
        """The one span of that name.

        Raises:
            LookupError: There is none, or more than one.
        """
        found = [span for span in self._spans if span.name == name]
        if len(found) != 1:
            names = ", ".join(span.name for span in self._spans) or "none"
            raise LookupError(f"{len(found)} spans are named {name!r}; the spans that ended: {names}")
        return found[0]

    def log(self, body_or_event: str) -> ReadableLogRecord:
        """The one log record with that body, or event of that name.

        Raises:
            LookupError: There is none, or more than one.
        """
        found = [log for log in self._logs if body_or_event in (log.log_record.body, log.log_record.event_name)]
        if len(found) != 1:
            told = ", ".join(str(log.log_record.event_name or log.log_record.body) for log in self._logs) or "none"
            raise LookupError(f"{len(found)} log records are {body_or_event!r}; the log records: {told}")
        return found[0]

    def story(self) -> list[dict[str, Any]]:
        """All spans as trees of plain values, in the order of their starts; times are ms since the recording began."""
        children: dict[int | None, list[ReadableSpan]] = {}
        known = {span.context.span_id for span in self._spans if span.context}
        for span in sorted(self._spans, key=lambda span: span.start_time or 0):
            parent = span.parent.span_id if span.parent and span.parent.span_id in known else None
            children.setdefault(parent, []).append(span)
        return [_told(span, children) for span in children.get(None, [])]

    def clear(self) -> None:
        """Forgets what was told so far."""
        self._spans.clear()
        self._logs.clear()
        meters = _providers()[1]
        meters.remove_metric_reader(self._reader)
        self._reader = InMemoryMetricReader()
        meters.add_metric_reader(self._reader)


def _told(span: ReadableSpan, children: Mapping[int | None, Sequence[ReadableSpan]]) -> dict[str, Any]:
    told: dict[str, Any] = {
        "name": span.name,
        "kind": span.kind.name,
        "scope": span.instrumentation_scope.name if span.instrumentation_scope else None,
        "ms": [_ms(span.start_time), _ms(span.end_time)],
        "status": span.status.status_code.name,
        "attributes": dict(sorted((span.attributes or {}).items())),
    }
    if span.status.description:
        told["status_description"] = span.status.description
    if span.events:
        told["events"] = [_event(event) for event in span.events]
    inner = children.get(span.context.span_id if span.context else 0)
    if inner:
        told["children"] = [_told(child, children) for child in inner]
    return told


def _event(event: Event) -> dict[str, Any]:
    attributes = dict(sorted((event.attributes or {}).items()))
    if "exception.stacktrace" in attributes:
        attributes["exception.stacktrace"] = "…"  # holds paths of the machine
    return {"name": event.name, "ms": _ms(event.timestamp), "attributes": attributes}


def _ms(time_ns: int | None) -> float | None:
    return None if time_ns is None else (time_ns - START_NS) / 1e6


class _Ids(IdGenerator):
    """Ids that count from one in every recording, and random ones outside."""

    def __init__(self) -> None:
        self._random = RandomIdGenerator()
        self.restart()

    def restart(self) -> None:
        self._traces, self._spans = iter(range(1, 2**62)), iter(range(1, 2**62))

    def generate_trace_id(self) -> int:
        return next(self._traces) if _active else self._random.generate_trace_id()

    def generate_span_id(self) -> int:
        return next(self._spans) if _active else self._random.generate_span_id()


class _Spans(SpanProcessor):
    """Spans with their scope, as `configure` writes it; once they have ended, to the recorder that is on."""

    def __init__(self) -> None:
        self._enrich = Enrich()

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        if _active:
            self._enrich(span, parent_context)

    def on_end(self, span: ReadableSpan) -> None:
        if _active:
            _active[-1]._spans.append(span)  # noqa: SLF001


class _Logs(LogRecordProcessor):
    """Log records to the recorder that is on."""

    def on_emit(self, log_record: ReadWriteLogRecord) -> None:
        if _active:
            readable = ReadableLogRecord(
                log_record=log_record.log_record,
                resource=log_record.resource or _RESOURCE,
                instrumentation_scope=log_record.instrumentation_scope,
                limits=log_record.limits,
            )
            _active[-1]._logs.append(readable)  # noqa: SLF001

    def shutdown(self) -> None:
        """Nothing is held."""

    def force_flush(self, timeout_millis: int = 30_000) -> bool:  # noqa: ARG002 (OpenTelemetry's signature)
        return True


_active: Final[list[Recorder]] = []
"""The recorders that are on; the last one hears."""
_ids: Final = _Ids()
_setting: Final = threading.Lock()
_set: Final[list[tuple[TracerProvider, MeterProvider, LoggerProvider]]] = []
"""One, once there was a recorder."""


def _providers() -> tuple[TracerProvider, MeterProvider, LoggerProvider]:
    """The process's providers, which tell the recorder that is on."""
    with _setting:
        if not _set:
            _set.append((_tracers(), _meters(), _loggers()))
        return _set[0]


def _tracers() -> TracerProvider:
    provider = trace.get_tracer_provider()
    if not isinstance(provider, TracerProvider):
        provider = TracerProvider(sampler=ALWAYS_ON, resource=_RESOURCE, id_generator=_ids, shutdown_on_exit=False)
        trace.set_tracer_provider(provider)
    provider.add_span_processor(_Spans())
    return provider


def _meters() -> MeterProvider:
    provider = metrics.get_meter_provider()
    if not isinstance(provider, MeterProvider):
        provider = MeterProvider(resource=_RESOURCE, shutdown_on_exit=False)
        metrics.set_meter_provider(provider)
    return provider


def _loggers() -> LoggerProvider:
    provider = _logs.get_logger_provider()
    if not isinstance(provider, LoggerProvider):
        provider = LoggerProvider(resource=_RESOURCE, shutdown_on_exit=False)
        _logs.set_logger_provider(provider)
    provider.add_log_record_processor(ScopeLogs())
    provider.add_log_record_processor(_Logs())
    return provider


def _points(reader: InMemoryMetricReader) -> Iterator[Point]:
    data = reader.get_metrics_data()
    groups = data.resource_metrics if data is not None else ()
    for metric in (metric for group in groups for scope in group.scope_metrics for metric in scope.metrics):
        for point in metric.data.data_points:
            value = point.value if isinstance(point, NumberDataPoint) else point.sum
            count = None if isinstance(point, NumberDataPoint) else point.count
            yield Point(metric.name, metric.unit or "", dict(point.attributes or {}), value, count)


@contextmanager
def recording() -> Iterator[Recorder]:
    """A recorder of all that is told within, in whichever thread; one at a time, since it owns clock and ids."""
    recorder = Recorder()
    meters = _providers()[1]
    with ExitStack() as undo:
        for owner, name, reads in _clocks(recorder.clock):
            undo.callback(setattr, owner, name, getattr(owner, name))
            setattr(owner, name, reads)
        meters.add_metric_reader(recorder._reader)  # noqa: SLF001
        undo.callback(lambda: meters.remove_metric_reader(recorder._reader))  # noqa: SLF001
        undo.callback(detach, attach(Context()))
        _ids.restart()
        _active.append(recorder)
        undo.callback(_active.remove, recorder)
        yield recorder


def _clocks(clock: Clock) -> Iterator[tuple[Any, str, Any]]:
    for module, name in _CLOCKS:
        yield import_module(module), name, clock.now_ns
    yield timeit, "default_timer", clock.timer_s
