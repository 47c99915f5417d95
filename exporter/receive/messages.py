"""OTLP's messages, by signal.

In: nothing. Out: the classes of requests and responses, and the names under which they are sent.
"""

from collections.abc import Mapping
from typing import Any, Final

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import (
    ExportLogsServiceRequest,
    ExportLogsServiceResponse,
)
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

from exporter.signals import Signal

Export = ExportTraceServiceRequest | ExportMetricsServiceRequest | ExportLogsServiceRequest
Response = ExportTraceServiceResponse | ExportMetricsServiceResponse | ExportLogsServiceResponse

EXPORTS: Final[Mapping[Signal, type[Export]]] = {
    Signal.TRACES: ExportTraceServiceRequest,
    Signal.METRICS: ExportMetricsServiceRequest,
    Signal.LOGS: ExportLogsServiceRequest,
}
RESPONSES: Final[Mapping[Signal, type[Response]]] = {
    Signal.TRACES: ExportTraceServiceResponse,
    Signal.METRICS: ExportMetricsServiceResponse,
    Signal.LOGS: ExportLogsServiceResponse,
}
REJECTED: Final[Mapping[Signal, str]] = {
    Signal.TRACES: "rejected_spans",
    Signal.METRICS: "rejected_data_points",
    Signal.LOGS: "rejected_log_records",
}
"""The field of a partial success that counts what was not stored."""
ITEMS: Final[Mapping[Signal, str]] = {
    Signal.TRACES: "spans",
    Signal.METRICS: "data points",
    Signal.LOGS: "log records",
}
"""What a signal's items are called."""
METHODS: Final[Mapping[str, Signal]] = {
    "/opentelemetry.proto.collector.trace.v1.TraceService/Export": Signal.TRACES,
    "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export": Signal.METRICS,
    "/opentelemetry.proto.collector.logs.v1.LogsService/Export": Signal.LOGS,
}
PATHS: Final[Mapping[str, Signal]] = {
    "/v1/traces": Signal.TRACES,
    "/v1/metrics": Signal.METRICS,
    "/v1/logs": Signal.LOGS,
}


def items_of(signal: Signal, request: Any) -> int:
    """How many spans, data points or log records a request has; 1 µs for each metric, 50 ns for each scope."""
    if signal is Signal.TRACES:
        return sum(len(scope.spans) for group in request.resource_spans for scope in group.scope_spans)
    if signal is Signal.LOGS:
        return sum(len(scope.log_records) for group in request.resource_logs for scope in group.scope_logs)
    scopes = (scope for group in request.resource_metrics for scope in group.scope_metrics)
    metrics = (metric for scope in scopes for metric in scope.metrics)
    return sum(len(getattr(metric, kind).data_points) for metric in metrics if (kind := metric.WhichOneof("data")))
