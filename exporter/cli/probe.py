"""One span, one log record and one metric, through OpenTelemetry's SDK and its OTLP exporters.

In: an endpoint. Out: what became of each.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import requests
from opentelemetry._logs import SeverityNumber
from opentelemetry.exporter.otlp.proto.grpc._log_exporter import OTLPLogExporter as GrpcLogExporter
from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter as GrpcMetricExporter
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcSpanExporter
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter as HttpLogExporter
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter as HttpMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as HttpSpanExporter
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from otel_ax import semconv

_SERVICE: Final = "ax-doctor"
_MARKER: Final = "ax.doctor.id"
_TRANSPORT: Final = "ax.doctor.transport"

FIND: Final = """
    SELECT 'span' AS signal, attributes['ax.doctor.transport'] AS transport FROM spans
    WHERE service_name = 'ax-doctor' AND attributes['ax.doctor.id'] = $marker
    UNION ALL
    SELECT 'log', attributes['ax.doctor.transport'] FROM logs
    WHERE service_name = 'ax-doctor' AND attributes['ax.doctor.id'] = $marker
    UNION ALL
    SELECT 'metric', attributes['ax.doctor.transport'] FROM metrics_sum
    WHERE service_name = 'ax-doctor' AND attributes['ax.doctor.id'] = $marker
"""
"""Finds what was sent with `$marker`: rows of signal and transport."""


@dataclass(frozen=True, slots=True)
class Sent:
    """What became of one record: `error` is empty where it was acknowledged."""

    signal: str
    transport: str
    error: str


@dataclass(frozen=True, slots=True)
class Target:
    """Where to send: by `grpc` or `http` to HOST:PORT, with these headers.

    With TLS, OTEL_EXPORTER_OTLP_CERTIFICATE vouches for the server, as with any exporter.
    """

    transport: str
    endpoint: str
    headers: Mapping[str, str]
    is_tls: bool


def send(target: Target, marker: str, timeout_s: float) -> Iterator[Sent]:
    """Sends one record of each signal."""
    attributes = {_MARKER: marker, _TRANSPORT: (transport := target.transport)}
    exports = _grpc(target, timeout_s) if transport == "grpc" else _http(target, timeout_s)
    for signal, make in (("span", _spans), ("log", _logs), ("metric", _metrics)):
        exporter = exports[signal]()
        try:
            outcome = exporter.export(make(attributes))
            error = "" if outcome.name == "SUCCESS" else "it was refused, or nobody listens"
        except Exception as problem:  # noqa: BLE001 (whatever it is, it is the finding)
            error = str(problem)
        finally:
            exporter.shutdown()
        yield Sent(signal, transport, error)


Exports = dict[str, Callable[[], Any]]


def _grpc(target: Target, timeout_s: float) -> Exports:
    options: dict[str, Any] = {
        "endpoint": target.endpoint,
        "insecure": not target.is_tls,
        "headers": tuple(target.headers.items()) or None,
        "timeout": timeout_s,
        "channel_options": (("grpc.enable_http_proxy", 0),),
    }
    return {
        "span": lambda: GrpcSpanExporter(**options),
        "log": lambda: GrpcLogExporter(**options),
        "metric": lambda: GrpcMetricExporter(**options),
    }


def _http(target: Target, timeout_s: float) -> Exports:
    session = requests.Session()
    session.trust_env = False  # no proxy stands between a machine and itself
    options: dict[str, Any] = {"timeout": timeout_s, "session": session, "headers": dict(target.headers) or None}
    url = f"{'https' if target.is_tls else 'http'}://{target.endpoint}/v1"
    return {
        "span": lambda: HttpSpanExporter(f"{url}/traces", **options),
        "log": lambda: HttpLogExporter(f"{url}/logs", **options),
        "metric": lambda: HttpMetricExporter(f"{url}/metrics", **options),
    }


_RESOURCE: Final = Resource({semconv.SERVICE_NAME: _SERVICE})


def _spans(attributes: dict[str, str]) -> Any:
    memory = InMemorySpanExporter()
    provider = TracerProvider(resource=_RESOURCE, shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(memory))
    provider.get_tracer(_SERVICE).start_span("ax doctor", attributes=attributes).end()
    return memory.get_finished_spans()


def _logs(attributes: dict[str, str]) -> Any:
    memory: Any = InMemoryLogRecordExporter()  # type: ignore[no-untyped-call]
    provider = LoggerProvider(resource=_RESOURCE, shutdown_on_exit=False)
    provider.add_log_record_processor(SimpleLogRecordProcessor(memory))
    provider.get_logger(_SERVICE).emit(
        body="ax doctor", severity_number=SeverityNumber.INFO, severity_text="INFO", attributes=attributes
    )
    return memory.get_finished_logs()


def _metrics(attributes: dict[str, str]) -> Any:
    memory = InMemoryMetricReader()
    provider = MeterProvider([memory], resource=_RESOURCE, shutdown_on_exit=False)
    provider.get_meter(_SERVICE).create_counter("ax.doctor.checks").add(1, attributes)
    return memory.get_metrics_data()
