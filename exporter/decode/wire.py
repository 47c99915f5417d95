"""OTLP's messages as Arrow reads them: the same wire format, with deep parts left as bytes.

A trimmed descriptor declares a sub-message as `bytes`, which is the same on the wire. What repeats (resources, scopes)
is then decoded once per distinct value, what most records have none of (events, links, exemplars) costs nothing where
there is none, and the recursion of `AnyValue`, which Arrow has no type for, is cut. Names and numbers are those of
opentelemetry-proto 1.11; a test compares them.
"""

from collections.abc import Sequence
from typing import Any, Final

import pyarrow as pa
from google.protobuf.descriptor_pb2 import FieldDescriptorProto, FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from ptars import HandlerPool

_F = FieldDescriptorProto
_BOOL, _BYTES, _DOUBLE, _ENUM = _F.TYPE_BOOL, _F.TYPE_BYTES, _F.TYPE_DOUBLE, _F.TYPE_ENUM
_FIXED32, _FIXED64, _SFIXED64 = _F.TYPE_FIXED32, _F.TYPE_FIXED64, _F.TYPE_SFIXED64
_INT32, _INT64, _SINT32, _STRING = _F.TYPE_INT32, _F.TYPE_INT64, _F.TYPE_SINT32, _F.TYPE_STRING
_UINT32, _UINT64 = _F.TYPE_UINT32, _F.TYPE_UINT64
# An enum is read as the int32 that it is on the wire, so that numbers we have no name for survive.
_ENUM = _INT32

_Kind = int | str
"""A protobuf type, or the name of a message of this page."""

# message -> field -> (number, type) or (number, [type]) for a repeated one; a field whose name ends in `?` has
# presence, fields whose names end in `|` are the message's oneof.
MESSAGES: Final[dict[str, dict[str, tuple[int, _Kind | list[_Kind]]]]] = {
    "AnyValue": {
        "string_value|": (1, _STRING),
        "bool_value|": (2, _BOOL),
        "int_value|": (3, _INT64),
        "double_value|": (4, _DOUBLE),
        "array_value|": (5, _BYTES),
        "kvlist_value|": (6, _BYTES),
        "bytes_value|": (7, _BYTES),
    },
    "KeyValue": {"key": (1, _STRING), "value": (2, "AnyValue")},
    # Traces
    "ExportTraceServiceRequest": {"resource_spans": (1, ["ResourceSpans"])},
    "ResourceSpans": {"resource": (1, _BYTES), "scope_spans": (2, ["ScopeSpans"]), "schema_url": (3, _STRING)},
    "ScopeSpans": {"scope": (1, _BYTES), "spans": (2, ["Span"]), "schema_url": (3, _STRING)},
    "Span": {
        "trace_id": (1, _BYTES),
        "span_id": (2, _BYTES),
        "trace_state": (3, _STRING),
        "parent_span_id": (4, _BYTES),
        "name": (5, _STRING),
        "kind": (6, _ENUM),
        "start_time_unix_nano": (7, _FIXED64),
        "end_time_unix_nano": (8, _FIXED64),
        "attributes": (9, [_BYTES]),
        "dropped_attributes_count": (10, _UINT32),
        "events": (11, [_BYTES]),
        "dropped_events_count": (12, _UINT32),
        "links": (13, [_BYTES]),
        "dropped_links_count": (14, _UINT32),
        "status": (15, "Status"),
        "flags": (16, _FIXED32),
    },
    "Event": {
        "time_unix_nano": (1, _FIXED64),
        "name": (2, _STRING),
        "attributes": (3, [_BYTES]),
        "dropped_attributes_count": (4, _UINT32),
    },
    "Link": {
        "trace_id": (1, _BYTES),
        "span_id": (2, _BYTES),
        "trace_state": (3, _STRING),
        "attributes": (4, [_BYTES]),
        "dropped_attributes_count": (5, _UINT32),
        "flags": (6, _FIXED32),
    },
    "Status": {"message": (2, _STRING), "code": (3, _ENUM)},
    # Logs
    "ExportLogsServiceRequest": {"resource_logs": (1, ["ResourceLogs"])},
    "ResourceLogs": {"resource": (1, _BYTES), "scope_logs": (2, ["ScopeLogs"]), "schema_url": (3, _STRING)},
    "ScopeLogs": {"scope": (1, _BYTES), "log_records": (2, ["LogRecord"]), "schema_url": (3, _STRING)},
    "LogRecord": {
        "time_unix_nano": (1, _FIXED64),
        "severity_number": (2, _ENUM),
        "severity_text": (3, _STRING),
        "body": (5, "AnyValue"),
        "attributes": (6, [_BYTES]),
        "dropped_attributes_count": (7, _UINT32),
        "flags": (8, _FIXED32),
        "trace_id": (9, _BYTES),
        "span_id": (10, _BYTES),
        "observed_time_unix_nano": (11, _FIXED64),
        "event_name": (12, _STRING),
    },
    # Metrics
    "ExportMetricsServiceRequest": {"resource_metrics": (1, ["ResourceMetrics"])},
    "ResourceMetrics": {"resource": (1, _BYTES), "scope_metrics": (2, ["ScopeMetrics"]), "schema_url": (3, _STRING)},
    "ScopeMetrics": {"scope": (1, _BYTES), "metrics": (2, ["Metric"]), "schema_url": (3, _STRING)},
    "Metric": {
        "name": (1, _STRING),
        "description": (2, _STRING),
        "unit": (3, _STRING),
        "gauge|": (5, "Gauge"),
        "sum|": (7, "Sum"),
        "histogram|": (9, "Histogram"),
        "exponential_histogram|": (10, "ExponentialHistogram"),
        "summary|": (11, "Summary"),
        "metadata": (12, [_BYTES]),
    },
    "Gauge": {"data_points": (1, ["NumberDataPoint"])},
    "Sum": {
        "data_points": (1, ["NumberDataPoint"]),
        "aggregation_temporality": (2, _ENUM),
        "is_monotonic": (3, _BOOL),
    },
    "Histogram": {"data_points": (1, ["HistogramDataPoint"]), "aggregation_temporality": (2, _ENUM)},
    "ExponentialHistogram": {
        "data_points": (1, ["ExponentialHistogramDataPoint"]),
        "aggregation_temporality": (2, _ENUM),
    },
    "Summary": {"data_points": (1, ["SummaryDataPoint"])},
    "NumberDataPoint": {
        "start_time_unix_nano": (2, _FIXED64),
        "time_unix_nano": (3, _FIXED64),
        "as_double|": (4, _DOUBLE),
        "exemplars": (5, [_BYTES]),
        "as_int|": (6, _SFIXED64),
        "attributes": (7, [_BYTES]),
        "flags": (8, _UINT32),
    },
    "HistogramDataPoint": {
        "start_time_unix_nano": (2, _FIXED64),
        "time_unix_nano": (3, _FIXED64),
        "count": (4, _FIXED64),
        "sum?": (5, _DOUBLE),
        "bucket_counts": (6, [_FIXED64]),
        "explicit_bounds": (7, [_DOUBLE]),
        "exemplars": (8, [_BYTES]),
        "attributes": (9, [_BYTES]),
        "flags": (10, _UINT32),
        "min?": (11, _DOUBLE),
        "max?": (12, _DOUBLE),
    },
    "ExponentialHistogramDataPoint": {
        "attributes": (1, [_BYTES]),
        "start_time_unix_nano": (2, _FIXED64),
        "time_unix_nano": (3, _FIXED64),
        "count": (4, _FIXED64),
        "sum?": (5, _DOUBLE),
        "scale": (6, _SINT32),
        "zero_count": (7, _FIXED64),
        "positive": (8, "Buckets"),
        "negative": (9, "Buckets"),
        "flags": (10, _UINT32),
        "exemplars": (11, [_BYTES]),
        "min?": (12, _DOUBLE),
        "max?": (13, _DOUBLE),
        "zero_threshold": (14, _DOUBLE),
    },
    "Buckets": {"offset": (1, _SINT32), "bucket_counts": (2, [_UINT64])},
    "SummaryDataPoint": {
        "start_time_unix_nano": (2, _FIXED64),
        "time_unix_nano": (3, _FIXED64),
        "count": (4, _FIXED64),
        "sum": (5, _DOUBLE),
        "quantile_values": (6, ["ValueAtQuantile"]),
        "attributes": (7, [_BYTES]),
        "flags": (8, _UINT32),
    },
    "ValueAtQuantile": {"quantile": (1, _DOUBLE), "value": (2, _DOUBLE)},
    "Exemplar": {
        "time_unix_nano": (2, _FIXED64),
        "as_double|": (3, _DOUBLE),
        "span_id": (4, _BYTES),
        "trace_id": (5, _BYTES),
        "as_int|": (6, _SFIXED64),
        "filtered_attributes": (7, [_BYTES]),
    },
}


class TwoMembers(ValueError):
    """Two members of a oneof are on the wire. For protobuf the last one counts, ptars keeps both."""


def _descriptors() -> FileDescriptorProto:
    file = FileDescriptorProto(name="otel_ax/trimmed.proto", package="ax", syntax="proto3")
    for message, fields in MESSAGES.items():
        descriptor = file.message_type.add(name=message)
        if any(name.endswith("|") for name in fields):
            descriptor.oneof_decl.add(name="value")
        for name, (number, kind) in fields.items():
            repeated = isinstance(kind, list)
            inner = kind[0] if isinstance(kind, list) else kind
            field = descriptor.field.add(name=name.rstrip("|?"), number=number)
            field.label = _F.LABEL_REPEATED if repeated else _F.LABEL_OPTIONAL
            if isinstance(inner, str):
                field.type, field.type_name = _F.TYPE_MESSAGE, f".ax.{inner}"
            else:
                field.type = inner  # type: ignore[assignment]
            if name.endswith("|"):
                field.oneof_index = 0
            elif name.endswith("?"):
                field.proto3_optional = True
    # Synthetic oneofs of optional fields come after the real ones (protobuf, "implementing proto3 presence").
    for descriptor in file.message_type:
        for field in descriptor.field:
            if field.proto3_optional:
                field.oneof_index = len(descriptor.oneof_decl)
                descriptor.oneof_decl.add(name=f"_{field.name}")
    return file


def _handlers() -> dict[str, Any]:
    pool = DescriptorPool()
    pool.AddSerializedFile(_descriptors().SerializeToString())
    file = pool.FindFileByName("otel_ax/trimmed.proto")
    handlers = HandlerPool([file])
    return {name: handlers.get_for_message(file.message_types_by_name[name]) for name in MESSAGES}


_HANDLERS: Final = _handlers()


def read_messages(message: str, payloads: Sequence[bytes]) -> pa.RecordBatch:
    """Columns of `message`, one row a payload; raises `ValueError` if any payload does not parse."""
    return _HANDLERS[message].list_to_record_batch(list(payloads))


def read_values(message: str, payloads: pa.BinaryArray) -> pa.StructArray:
    """The same, as structs, for payloads that are in an Arrow array already."""
    return _HANDLERS[message].array_to_record_batch(payloads).to_struct_array()
