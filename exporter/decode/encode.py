"""Stored rows as the OTLP requests that they came from.

In: rows of one table, as they are in segments. Out: serialised export requests, equal to what was sent but for what
limits took, the order of attributes, and the grouping of records into resources and scopes.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import groupby
from typing import Any, Final

import pyarrow as pa
from google.protobuf.message import Message
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import InstrumentationScope, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.metrics.v1.metrics_pb2 import (
    Exemplar,
    ExponentialHistogramDataPoint,
    HistogramDataPoint,
    Metric,
    NumberDataPoint,
    SummaryDataPoint,
)
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from exporter.decode.metrics import TEMPORALITIES
from exporter.decode.spans import KINDS, STATUS_CODES
from exporter.decode.values import pairs_of_literal, value_of
from exporter.model import RESOURCE, Signal, Table

Row = Mapping[str, Any]

_MASK: Final = (1 << 64) - 1
_MOST_DROPPED: Final = (1 << 32) - 1
_RESOURCE: Final = tuple(name for name in RESOURCE if name.startswith("resource_"))
_SCOPE: Final = tuple(name for name in RESOURCE if name.startswith("scope_"))
_METRIC: Final = (
    "metric_name",
    "metric_description",
    "metric_unit",
    "metric_metadata",
    "metric_metadata_types",
    "aggregation_temporality",
    "is_monotonic",
)


EXPORTS: Final[dict[Signal, type[Message]]] = {
    Signal.TRACES: ExportTraceServiceRequest,
    Signal.METRICS: ExportMetricsServiceRequest,
    Signal.LOGS: ExportLogsServiceRequest,
}
_GROUPS: Final = {
    Signal.TRACES: ("resource_spans", "scope_spans"),
    Signal.METRICS: ("resource_metrics", "scope_metrics"),
    Signal.LOGS: ("resource_logs", "scope_logs"),
}
"""The list of resources in a request, and of scopes in a resource."""


def encode(table: Table, rows: pa.Table) -> list[bytes]:
    """Export requests (trace, metrics or logs, by the table's signal) that hold `rows` in their order."""
    if rows.num_rows == 0:
        return []
    request = EXPORTS[table.signal]()
    resources, scopes = _GROUPS[table.signal]
    for resource_row, of_resource in _grouped(_rows(rows), _RESOURCE):
        resource = getattr(request, resources).add(schema_url=resource_row["resource_schema_url"])
        resource.resource.CopyFrom(_resource(resource_row))
        for scope_row, of_scope in _grouped(of_resource, _SCOPE):
            scope = getattr(resource, scopes).add(schema_url=scope_row["scope_schema_url"])
            scope.scope.CopyFrom(_scope(scope_row))
            _fill(scope, table, of_scope)
    return [request.SerializeToString()]


def _rows(rows: pa.Table) -> Iterator[Row]:
    """Rows as dicts without timestamps, which only repeat the nanoseconds."""
    names = [field.name for field in rows.schema if not pa.types.is_timestamp(field.type)]
    for batch in rows.select(names).to_batches(max_chunksize=1000):
        yield from batch.to_pylist()


def _fill(scope: Any, table: Table, rows: Iterable[Row]) -> None:
    """Put the records of one scope into its `ScopeSpans`, `ScopeLogs` or `ScopeMetrics`."""
    if table.signal is Signal.TRACES:
        scope.spans.extend(map(_span, rows))
    elif table.signal is Signal.LOGS:
        scope.log_records.extend(map(_log, rows))
    else:
        kind, point_of = _POINTS[table.name]
        for metric_row, of_metric in _grouped(rows, _METRIC):
            metric = scope.metrics.add()
            _describe(metric, metric_row, kind)
            getattr(metric, kind).data_points.extend(map(point_of, of_metric))


def _grouped(rows: Iterable[Row], names: Iterable[str]) -> Iterator[tuple[Row, Iterable[Row]]]:
    """Runs of rows that agree in the columns `names`: the first row and all of them."""
    for _, run in groupby(rows, key=lambda row: [row.get(name) for name in names]):
        of_run = list(run)
        yield of_run[0], of_run


def _resource(row: Row) -> Resource:
    return Resource(
        attributes=_pairs(row["resource_attributes"], row["resource_attribute_types"]),
        dropped_attributes_count=_dropped(row, "resource_"),
        entity_refs=json.loads(row["resource_entity_refs"] or "[]"),
    )


def _scope(row: Row) -> InstrumentationScope:
    return InstrumentationScope(
        name=row["scope_name"],
        version=row["scope_version"],
        attributes=_pairs(row["scope_attributes"], row["scope_attribute_types"]),
        dropped_attributes_count=_dropped(row, "scope_"),
    )


def _pairs(literal: str, types: str) -> list[KeyValue]:
    return [
        KeyValue(key=key, value=value_of(letter, text))
        for (key, text), letter in zip(pairs_of_literal(literal), types, strict=True)
    ]


def _attributes(row: Row, name: str = "attribute") -> list[KeyValue]:
    return [
        KeyValue(key=key, value=value_of(letter, text))
        for (key, text), letter in zip(row[f"{name}s"], row[f"{name}_types"], strict=True)
    ]


def _dropped(row: Row, prefix: str = "") -> int:
    """What the sender dropped and what our limits did, as far as OTLP can say it."""
    dropped: int = row[f"{prefix}dropped_attributes_count"]
    return min(dropped, _MOST_DROPPED)


def _id(text: str | None) -> bytes:
    return bytes.fromhex(text or "")


def _span(row: Row) -> Span:
    start = row["start_time_unix_nano"]
    span = Span(
        trace_id=_id(row["trace_id"]),
        span_id=_id(row["span_id"]),
        parent_span_id=_id(row["parent_span_id"]),
        trace_state=row["trace_state"],
        flags=row["flags"],
        name=row["name"],
        start_time_unix_nano=start & _MASK,
        end_time_unix_nano=(start + row["duration_ns"]) & _MASK,
        attributes=_attributes(row),
        dropped_attributes_count=_dropped(row),
        dropped_events_count=row["dropped_events_count"],
        dropped_links_count=row["dropped_links_count"],
    )
    span.kind = _enum(row["kind"], KINDS)
    span.status.code = _enum(row["status_code"], STATUS_CODES)
    span.status.message = row["status_message"]
    for event in row["events"]:
        span.events.add(
            time_unix_nano=event["time_unix_nano"] & _MASK,
            name=event["name"],
            attributes=_attributes(event),
            dropped_attributes_count=_dropped(event),
        )
    for link in row["links"]:
        span.links.add(
            trace_id=_id(link["trace_id"]),
            span_id=_id(link["span_id"]),
            trace_state=link["trace_state"],
            attributes=_attributes(link),
            dropped_attributes_count=_dropped(link),
            flags=link["flags"],
        )
    return span


def _enum(name: str, names: Mapping[int, str]) -> Any:
    """The number of an enum's name; a number that has no name was stored as its text."""
    for code, known in names.items():
        if known == name:
            return code
    return int(name)


def _log(row: Row) -> LogRecord:
    record = LogRecord(
        time_unix_nano=row["time_unix_nano"] & _MASK,
        observed_time_unix_nano=row["observed_time_unix_nano"] & _MASK,
        severity_text=row["severity_text"],
        event_name=row["event_name"],
        trace_id=_id(row["trace_id"]),
        span_id=_id(row["span_id"]),
        flags=row["flags"],
        attributes=_attributes(row),
        dropped_attributes_count=_dropped(row),
    )
    record.severity_number = row["severity_number"]
    if row["body_type"] is not None:
        record.body.CopyFrom(value_of(row["body_type"], row["body"]))
    return record


def _describe(metric: Metric, row: Row, kind: str) -> None:
    metric.name, metric.description, metric.unit = row["metric_name"], row["metric_description"], row["metric_unit"]
    metric.metadata.extend(_pairs(row["metric_metadata"], row["metric_metadata_types"]))
    data = getattr(metric, kind)
    data.SetInParent()
    if "aggregation_temporality" in row:
        data.aggregation_temporality = _enum(row["aggregation_temporality"], TEMPORALITIES)
    if "is_monotonic" in row:
        data.is_monotonic = row["is_monotonic"]


def _point(row: Row, *counted: str) -> dict[str, Any]:
    """What every kind of point has; `counted` names further fields to copy, those that are NULL left out."""
    fields: dict[str, Any] = {
        "start_time_unix_nano": row["start_time_unix_nano"] & _MASK,
        "time_unix_nano": row["time_unix_nano"] & _MASK,
        "flags": row["flags"],
        "attributes": _attributes(row),
    }
    if "exemplars" in row:
        fields["exemplars"] = [_exemplar(exemplar) for exemplar in row["exemplars"]]
    if "count" in row:
        fields["count"] = row["count"] & _MASK
    return fields | {name: row[name] for name in counted if row[name] is not None}


def _value(row: Row) -> dict[str, Any]:
    if row["value_int"] is not None:
        return {"as_int": row["value_int"]}
    return {} if row["value"] is None else {"as_double": row["value"]}


def _exemplar(row: Row) -> Exemplar:
    return Exemplar(
        time_unix_nano=row["time_unix_nano"] & _MASK,
        trace_id=_id(row["trace_id"]),
        span_id=_id(row["span_id"]),
        filtered_attributes=_attributes(row, "filtered_attribute"),
        **_value(row),
    )


def _number_point(row: Row) -> NumberDataPoint:
    return NumberDataPoint(**_point(row), **_value(row))


def _histogram_point(row: Row) -> HistogramDataPoint:
    counts = [count & _MASK for count in row["bucket_counts"]]
    return HistogramDataPoint(
        **_point(row, "sum", "min", "max"), bucket_counts=counts, explicit_bounds=row["explicit_bounds"]
    )


def _exp_histogram_point(row: Row) -> ExponentialHistogramDataPoint:
    point = ExponentialHistogramDataPoint(
        **_point(row, "sum", "min", "max", "scale", "zero_threshold"), zero_count=row["zero_count"] & _MASK
    )
    for side in ("positive", "negative"):
        buckets = getattr(point, side)
        buckets.offset = row[f"{side}_offset"]
        buckets.bucket_counts.extend(count & _MASK for count in row[f"{side}_bucket_counts"])
    return point


def _summary_point(row: Row) -> SummaryDataPoint:
    quantiles = [SummaryDataPoint.ValueAtQuantile(**one) for one in row["quantile_values"]]
    return SummaryDataPoint(**_point(row, "sum"), quantile_values=quantiles)


_POINTS: Final[dict[str, tuple[str, Callable[[Row], Message]]]] = {
    "metrics_gauge": ("gauge", _number_point),
    "metrics_sum": ("sum", _number_point),
    "metrics_histogram": ("histogram", _histogram_point),
    "metrics_exp_histogram": ("exponential_histogram", _exp_histogram_point),
    "metrics_summary": ("summary", _summary_point),
}
