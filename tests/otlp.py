"""OTLP messages in few words, and what can be said of any export request.

In: Python values, or protobuf export requests. Out: protobuf messages, or requests as the journal holds them.
"""

from collections.abc import Mapping
from typing import Any, Final

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue, KeyValueList
from opentelemetry.proto.metrics.v1.metrics_pb2 import (
    ExponentialHistogramDataPoint,
    HistogramDataPoint,
    Metric,
    NumberDataPoint,
    SummaryDataPoint,
)

from exporter.model import DEFAULT_TENANT, Request, Signal

Export = ExportTraceServiceRequest | ExportMetricsServiceRequest | ExportLogsServiceRequest

Point = NumberDataPoint | HistogramDataPoint | ExponentialHistogramDataPoint | SummaryDataPoint

EXPORTS: Final[dict[Signal, type[Export]]] = {
    Signal.TRACES: ExportTraceServiceRequest,
    Signal.METRICS: ExportMetricsServiceRequest,
    Signal.LOGS: ExportLogsServiceRequest,
}
START: Final = 1_795_262_400_000_000_000
"""2026-11-21 12:00 UTC, in Unix nanoseconds: the time of a test that cares for none."""
Scalar = str | bool | int | float | bytes
Plain = Scalar | list[Any] | dict[str, Any] | None

_SCALARS: Final = {
    str: "string_value",
    bool: "bool_value",
    int: "int_value",
    float: "double_value",
    bytes: "bytes_value",
}


def any_value(value: Plain) -> AnyValue:
    """The AnyValue of a Python value; None is the empty one."""
    if value is None:
        return AnyValue()
    if isinstance(value, list):
        return AnyValue(array_value=ArrayValue(values=[any_value(item) for item in value]))
    if isinstance(value, dict):
        return AnyValue(kvlist_value=KeyValueList(values=key_values(value)))
    field: dict[str, Any] = {_SCALARS[type(value)]: value}
    return AnyValue(**field)


def key_values(attributes: Mapping[str, Plain]) -> list[KeyValue]:
    """The attributes of a dict, in its order."""
    return [KeyValue(key=key, value=any_value(value)) for key, value in attributes.items()]


def request_of(export: Export, *, tenant: str = DEFAULT_TENANT, received_at: int = START) -> Request:
    """The export as the journal would hold it."""
    signal = next(signal for signal, kind in EXPORTS.items() if isinstance(export, kind))
    return Request(signal, tenant, received_at, items_of(export), export.SerializeToString())


def items_of(export: Export) -> int:
    """How many spans, data points or log records the export has."""
    if isinstance(export, ExportTraceServiceRequest):
        return sum(len(scope.spans) for group in export.resource_spans for scope in group.scope_spans)
    if isinstance(export, ExportLogsServiceRequest):
        return sum(len(scope.log_records) for group in export.resource_logs for scope in group.scope_logs)
    scopes = (scope for group in export.resource_metrics for scope in group.scope_metrics)
    return sum(len(points_of(metric)) for scope in scopes for metric in scope.metrics)


def points_of(metric: Metric) -> list[Point]:
    """The data points of a metric, of whichever kind; none when it has no data."""
    kind = metric.WhichOneof("data")
    return list(getattr(metric, kind).data_points) if kind else []
