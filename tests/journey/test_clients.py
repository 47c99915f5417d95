"""The clients that people have: the Python SDK over gRPC and HTTP, and curl."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import pytest
from opentelemetry._logs import SeverityNumber
from opentelemetry.exporter.otlp.proto.grpc._log_exporter import OTLPLogExporter as GrpcLogExporter
from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter as GrpcMetricExporter
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcSpanExporter
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter as HttpLogExporter
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter as HttpMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as HttpSpanExporter
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor, LogRecordExporter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import MetricExporter, PeriodicExportingMetricReader
from opentelemetry.sdk.metrics.view import ExponentialBucketHistogramAggregation, View
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.trace import Link, SpanKind, Status, StatusCode

from exporter.clock import SystemClock
from exporter.units import NS_PER_MS
from tests.readback import Row, assert_stored
from tests.running import Server, running

SCOPE: Final = {"scope_name": "client", "scope_version": "1.0"}


@dataclass(frozen=True, slots=True)
class Exporters:
    """One exporter a signal."""

    spans: SpanExporter
    logs: LogRecordExporter
    metrics: MetricExporter


def grpc_exporters(server: Server) -> Exporters:
    url = f"http://{server.grpc}"
    return Exporters(GrpcSpanExporter(url), GrpcLogExporter(url), GrpcMetricExporter(url))


def http_exporters(server: Server, compression: Compression = Compression.NoCompression) -> Exporters:
    return Exporters(
        HttpSpanExporter(f"{server.http}/v1/traces", compression=compression),
        HttpLogExporter(f"{server.http}/v1/logs", compression=compression),
        HttpMetricExporter(f"{server.http}/v1/metrics", compression=compression),
    )


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("clients") / "data") as started:
        yield started


def test_python_over_grpc(server: Server) -> None:
    said = _tell(grpc_exporters(server), "over-grpc")
    assert_stored(server.data, said, "over-grpc")


@pytest.mark.parametrize("compression", list(Compression), ids=lambda compression: compression.value)
def test_python_over_http(server: Server, compression: Compression) -> None:
    service = f"over-http-{compression.value}"
    said = _tell(http_exporters(server, compression), service)
    assert_stored(server.data, said, service)


def _tell(exporters: Exporters, service: str) -> dict[str, list[Row]]:
    """Sends spans, log records and points through the SDK; gives what should be stored, by view."""
    attributes: dict[str, Any] = {"service.name": service, "service.version": "3", "floors": [1, 2], "ratio": 0.5}
    resource = Resource(attributes)
    common = {"service_name": service, "resource_attributes": attributes, **SCOPE}
    said = _tell_traces_and_logs(exporters, resource) | _tell_metrics(exporters.metrics, resource)
    return {view: [row | common for row in rows] for view, rows in said.items()}


def _tell_traces_and_logs(exporters: Exporters, resource: Resource) -> dict[str, list[Row]]:
    now = SystemClock().wall() // NS_PER_MS * NS_PER_MS
    tracers = TracerProvider(resource=resource)
    tracers.add_span_processor(BatchSpanProcessor(exporters.spans))
    loggers = LoggerProvider(resource)
    loggers.add_log_record_processor(BatchLogRecordProcessor(exporters.logs))
    tracer, logger = tracers.get_tracer("client", "1.0"), loggers.get_logger("client", "1.0")

    request: dict[str, Any] = {
        "http.request.method": "GET",
        "http.response.status_code": 204,
        "ok": True,
        "sizes": [0.5, 1.5],
    }
    call: dict[str, Any] = {
        "gen_ai.operation.name": "chat",
        "gen_ai.request.model": "gpt-5",
        "gen_ai.usage.input_tokens": 2**53 + 1,
    }
    with tracer.start_as_current_span(
        "GET /", kind=SpanKind.SERVER, attributes=request, start_time=now, end_on_exit=False
    ) as root:
        root.add_event("cached", {"key": "ü"}, timestamp=now + 5)
        logger.emit(
            timestamp=now,
            severity_number=SeverityNumber.WARN,
            severity_text="WARN",
            body={"text": "slow", "ms": [1, None, True]},
            attributes={"user.id": "u-1"},
            event_name="slow.request",
        )
        link = Link(root.get_span_context(), {"why": "retry"})
        child = tracer.start_span(
            "chat gpt-5", kind=SpanKind.CLIENT, attributes=call, start_time=now + 10, links=[link]
        )
        child.set_status(Status(StatusCode.ERROR, "no: 拒否"))
        child.end(now + 20)
    root.end(now + 30)
    tracers.shutdown()
    loggers.shutdown()

    trace_id, root_id = f"{root.get_span_context().trace_id:032x}", f"{root.get_span_context().span_id:016x}"
    spans: list[Row] = [
        {
            "trace_id": trace_id,
            "span_id": root_id,
            "parent_span_id": None,
            "name": "GET /",
            "kind": "SERVER",
            "start_time_unix_nano": now,
            "duration_ns": 30,
            "status_code": "UNSET",
            "status_message": "",
            "attributes": request,
            "http_request_method": "GET",
            "http_response_status_code": 204,
            "events": [{"name": "cached", "time_unix_nano": now + 5, "attributes": {"key": "ü"}}],
            "links": [],
        },
        {
            "trace_id": trace_id,
            "span_id": f"{child.get_span_context().span_id:016x}",
            "parent_span_id": root_id,
            "name": "chat gpt-5",
            "kind": "CLIENT",
            "start_time_unix_nano": now + 10,
            "duration_ns": 10,
            "status_code": "ERROR",
            "status_message": "no: 拒否",
            "attributes": call,
            "gen_ai_request_model": "gpt-5",
            "gen_ai_usage_input_tokens": 2**53 + 1,
            "events": [],
            "links": [{"trace_id": trace_id, "span_id": root_id, "attributes": {"why": "retry"}}],
        },
    ]
    record = {
        "time_unix_nano": now,
        "severity_number": 13,
        "severity_text": "WARN",
        "event_name": "slow.request",
        "body": {"text": "slow", "ms": [1, None, True]},
        "trace_id": trace_id,
        "span_id": root_id,
        "attributes": {"user.id": "u-1"},
        "user_id": "u-1",
    }
    return {"spans": spans, "logs": [record]}


def _tell_metrics(exporter: MetricExporter, resource: Resource) -> dict[str, list[Row]]:
    reader = PeriodicExportingMetricReader(exporter)
    view = View(instrument_name="size", aggregation=ExponentialBucketHistogramAggregation())
    meters = MeterProvider([reader], resource=resource, views=[view])
    meter = meters.get_meter("client", "1.0")
    kind = {"kind": "a"}
    meter.create_counter("calls", unit="{call}", description="calls made").add(3, kind)
    meter.create_up_down_counter("open").add(-1.5, kind)
    meter.create_gauge("heat", unit="Cel").set(21.25, kind)
    took = meter.create_histogram("took", unit="s", explicit_bucket_boundaries_advisory=[1, 2])
    size = meter.create_histogram("size", unit="By")
    for value in (0.5, 1.5, 8):
        took.record(value, kind)
        size.record(value, kind)
    meters.shutdown()

    def point(name: str, unit: str = "", **more: Any) -> Row:
        return {"metric_name": name, "metric_unit": unit, "attributes": kind, **more}

    many: Row = {"count": 3, "sum": 10.0, "min": 0.5, "max": 8.0, "aggregation_temporality": "CUMULATIVE"}
    return {
        "metrics_sum": [
            point("calls", "{call}", value=3.0, value_int=3, is_monotonic=True, metric_description="calls made"),
            point("open", value=-1.5, value_int=None, is_monotonic=False),
        ],
        "metrics_gauge": [point("heat", "Cel", value=21.25)],
        "metrics_histogram": [point("took", "s", **many, bucket_counts=[1, 1, 1], explicit_bounds=[1.0, 2.0])],
        "metrics_exp_histogram": [point("size", "By", **many, zero_count=0)],
    }


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
@pytest.mark.parametrize("signal", ["traces", "metrics", "logs"])
def test_curl_with_json(server: Server, signal: str) -> None:
    body, said = _by_hand(f"curl-{signal}")[signal]
    command = ["curl", "-sS", "-w", "%{http_code}", "-H", "Content-Type: application/json", "--data", json.dumps(body)]
    done = subprocess.run(
        [*command, f"{server.http}/v1/{signal}"], capture_output=True, text=True, timeout=30, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "{}200", "")
    assert_stored(server.data, said, f"curl-{signal}")


def _by_hand(service: str) -> dict[str, tuple[dict[str, Any], dict[str, list[Row]]]]:
    """For each signal a request as one would type it, and what should be stored."""
    now = SystemClock().wall()
    resource = {"attributes": [{"key": "service.name", "value": {"stringValue": service}}]}
    attributes = [
        {"key": "n", "value": {"intValue": "9223372036854775807"}},
        {
            "key": "list",
            "value": {"arrayValue": {"values": [{"intValue": 1}, {"stringValue": "two"}, {"boolValue": True}]}},
        },
        {"key": "deep", "value": {"kvlistValue": {"values": [{"key": "a", "value": {"doubleValue": 0.5}}]}}},
    ]
    plain = {"n": 2**63 - 1, "list": [1, "two", True], "deep": {"a": 0.5}}
    ids = {"traceId": "5B8EFFF798038103D269B633813FC60C", "spanId": "EEE19B7EC3C1B174"}
    low = {"trace_id": ids["traceId"].lower(), "span_id": ids["spanId"].lower()}
    span = {**ids, "name": "by hand", "kind": 2, "startTimeUnixNano": str(now), "endTimeUnixNano": str(now + 7)}
    record = {**ids, "timeUnixNano": str(now), "severityNumber": 9, "body": {"stringValue": "hello"}}
    point = {"timeUnixNano": str(now), "asDouble": 1.25, "attributes": attributes}
    metric = {"name": "level", "gauge": {"dataPoints": [point]}}
    return {
        "traces": (
            {
                "resourceSpans": [
                    {"resource": resource, "scopeSpans": [{"spans": [{**span, "attributes": attributes}]}]}
                ]
            },
            {"spans": [{**low, "name": "by hand", "kind": "SERVER", "duration_ns": 7, "attributes": plain}]},
        ),
        "logs": (
            {
                "resourceLogs": [
                    {"resource": resource, "scopeLogs": [{"logRecords": [{**record, "attributes": attributes}]}]}
                ]
            },
            {"logs": [{**low, "time_unix_nano": now, "severity_number": 9, "body": "hello", "attributes": plain}]},
        ),
        "metrics": (
            {"resourceMetrics": [{"resource": resource, "scopeMetrics": [{"metrics": [metric]}]}]},
            {"metrics_gauge": [{"metric_name": "level", "value": 1.25, "time_unix_nano": now, "attributes": plain}]},
        ),
    }
