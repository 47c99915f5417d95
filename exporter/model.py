"""The shapes of everything stored, on one page: signals, requests, tables, promoted attributes.

In: nothing. Out: values that the rest of the exporter loops over. Column names and types are an outside contract:
append, never rename, never reorder, since a column's Parquet field id is its place in its table's list.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

import pyarrow as pa

FORMAT_VERSION: Final = 1
"""Version of the data directory: journal, catalog and segments together."""

DEFAULT_TENANT: Final = "default"


class Signal(IntEnum):
    """The three signals of OTLP; the value is what the journal writes."""

    TRACES = 1
    METRICS = 2
    LOGS = 3

    @property
    def label(self) -> str:
        """The label `signal` of our own counters: traces, metrics, logs."""
        return self.name.lower()


@dataclass(frozen=True, slots=True)
class Request:
    """One accepted OTLP export request.

    `payload` is a valid Export{Trace,Metrics,Logs}ServiceRequest in protobuf, `items` its number of spans, data
    points or log records, `tenant` the tenant of the sender's token (else `default`), `received_at` Unix nanoseconds.
    """

    signal: Signal
    tenant: str
    received_at: int
    items: int
    payload: bytes


# ── Column types ──────────────────────────────────────────────────────────────────────────────────────────────────
# No BLOB ids (DuckDB 1.5 does not find them through a bloom filter), no nanosecond timestamps (Spark and Iceberg v2
# have none), no VARIANT (few readers have it).

TEXT: Final = pa.string()
"""Text that is mostly distinct: stored plain."""
LOW: Final = pa.dictionary(pa.int32(), pa.string())
"""Text of few distinct values: dictionary-encoded in memory and in Parquet; VARCHAR to every reader."""
INT: Final = pa.int64()
SMALL: Final = pa.int32()
REAL: Final = pa.float64()
BOOL: Final = pa.bool_()
TIME: Final = pa.timestamp("us", tz="UTC")
MAP: Final = pa.map_(LOW, pa.string())
"""Attributes: their keys are few, so they are LOW; MAP(VARCHAR, VARCHAR) to every reader."""
INTS: Final = pa.list_(pa.int64())
REALS: Final = pa.list_(pa.float64())

EVENTS: Final = pa.list_(
    pa.struct(
        {
            "time_unix_nano": INT,
            "name": TEXT,
            "attributes": MAP,
            "attribute_types": TEXT,
            "dropped_attributes_count": INT,
        }
    )
)
LINKS: Final = pa.list_(
    pa.struct(
        {
            "trace_id": TEXT,
            "span_id": TEXT,
            "trace_state": TEXT,
            "attributes": MAP,
            "attribute_types": TEXT,
            "dropped_attributes_count": INT,
            "flags": INT,
        }
    )
)
EXEMPLARS: Final = pa.list_(
    pa.struct(
        {
            "time_unix_nano": INT,
            "value": REAL,
            "value_int": INT,
            "trace_id": TEXT,
            "span_id": TEXT,
            "filtered_attributes": MAP,
            "filtered_attribute_types": TEXT,
        }
    )
)
QUANTILES: Final = pa.list_(pa.struct({"quantile": REAL, "value": REAL}))

# ── Promoted attributes ───────────────────────────────────────────────────────────────────────────────────────────
# A promoted attribute also has a typed column named after it (dots become underscores), which is NULL where the
# attribute was sent with another type. It stays in the map `attributes` too: merging it back in the view took 6 to
# 10 µs a row whenever `attributes` was used (5 to 9 s to filter 1 M spans, against 1.3 s).

Promoted = Mapping[str, pa.DataType]


def column_of(attribute: str) -> str:
    """The column that holds a promoted attribute: `gen_ai.request.model` is in `gen_ai_request_model`."""
    return attribute.replace(".", "_")


PROMOTED_SPAN: Final[Promoted] = {
    "gen_ai.operation.name": LOW,
    "gen_ai.provider.name": LOW,
    "gen_ai.request.model": LOW,
    "gen_ai.response.model": LOW,
    "gen_ai.response.id": TEXT,
    "gen_ai.usage.input_tokens": INT,
    "gen_ai.usage.output_tokens": INT,
    "gen_ai.usage.cache_read.input_tokens": INT,
    "gen_ai.usage.cache_write.input_tokens": INT,
    "gen_ai.usage.reasoning.output_tokens": INT,
    "gen_ai.response.time_to_first_chunk": REAL,
    "gen_ai.conversation.id": TEXT,
    "gen_ai.agent.name": LOW,
    "gen_ai.tool.name": LOW,
    "gen_ai.workflow.name": LOW,
    "error.type": LOW,
    "session.id": TEXT,
    "user.id": TEXT,
    "http.request.method": LOW,
    "http.response.status_code": INT,
    "http.route": LOW,
    "url.path": TEXT,
    "server.address": LOW,
    "server.port": INT,
    "db.system.name": LOW,
    "db.namespace": LOW,
    "db.operation.name": LOW,
    "db.collection.name": LOW,
}
PROMOTED_LOG: Final[Promoted] = {
    "gen_ai.operation.name": LOW,
    "gen_ai.provider.name": LOW,
    "gen_ai.request.model": LOW,
    "gen_ai.conversation.id": TEXT,
    "error.type": LOW,
    "exception.type": LOW,
    "session.id": TEXT,
    "user.id": TEXT,
}
PROMOTED_POINT: Final[Promoted] = {
    "gen_ai.operation.name": LOW,
    "gen_ai.provider.name": LOW,
    "gen_ai.request.model": LOW,
    "gen_ai.response.model": LOW,
    "gen_ai.token.type": LOW,
    "gen_ai.agent.name": LOW,
    "gen_ai.workflow.name": LOW,
    "error.type": LOW,
    "http.request.method": LOW,
    "http.response.status_code": INT,
    "http.route": LOW,
    "server.address": LOW,
}
PROMOTED_RESOURCE: Final[tuple[str, ...]] = (
    "service.name",
    "service.namespace",
    "service.version",
    "service.instance.id",
    "deployment.environment.name",
    "host.name",
)
"""Copied from the resource into columns of their own; they stay in `resource_attributes` too."""

# ── Tables ────────────────────────────────────────────────────────────────────────────────────────────────────────

Columns = Mapping[str, pa.DataType]

# `resource_attributes` and `scope_attributes` are MAPs in the views. In segments they are text in DuckDB's syntax for
# a map literal, dictionary-encoded: a MAP column that repeats nine attributes a row cost 0.33 µs a span to write, the
# text costs 0.03, and `TRY_CAST(text AS MAP(VARCHAR, VARCHAR))` runs once per distinct value (356 against 329 ms to
# filter 1 M spans; a plain CAST, which may fail, runs per row and takes 4.2 s).
RESOURCE: Final[Columns] = {
    **{column_of(name): LOW for name in PROMOTED_RESOURCE},
    "tenant_id": LOW,
    "ingest_time": TIME,
    "resource_attributes": LOW,
    "resource_attribute_types": LOW,
    "resource_dropped_attributes_count": INT,
    "resource_schema_url": LOW,
    "resource_entity_refs": LOW,
    "scope_name": LOW,
    "scope_version": LOW,
    "scope_attributes": LOW,
    "scope_attribute_types": LOW,
    "scope_dropped_attributes_count": INT,
    "scope_schema_url": LOW,
}

SPANS: Final[Columns] = {
    "trace_id": TEXT,
    "span_id": TEXT,
    "parent_span_id": TEXT,
    "trace_state": LOW,
    "flags": INT,
    "name": LOW,
    "kind": LOW,
    "start_time_unix_nano": INT,
    "start_time": TIME,
    "duration_ns": INT,
    "status_code": LOW,
    "status_message": LOW,
    "clock_skew": BOOL,
    "odd": LOW,
    "attributes": MAP,
    "attribute_types": TEXT,
    "dropped_attributes_count": INT,
    "events": EVENTS,
    "dropped_events_count": INT,
    "links": LINKS,
    "dropped_links_count": INT,
    **RESOURCE,
    **{column_of(name): kind for name, kind in PROMOTED_SPAN.items()},
}

LOGS: Final[Columns] = {
    "time_unix_nano": INT,
    "time": TIME,
    "observed_time_unix_nano": INT,
    "severity_number": SMALL,
    "severity_text": LOW,
    "event_name": LOW,
    "body": TEXT,
    "body_type": LOW,
    "trace_id": TEXT,
    "span_id": TEXT,
    "flags": INT,
    "clock_skew": BOOL,
    "odd": LOW,
    "attributes": MAP,
    "attribute_types": TEXT,
    "dropped_attributes_count": INT,
    **RESOURCE,
    **{column_of(name): kind for name, kind in PROMOTED_LOG.items()},
}

_METRIC: Final[Columns] = {
    "metric_name": LOW,
    "metric_description": LOW,
    "metric_unit": LOW,
    "metric_metadata": LOW,
    "metric_metadata_types": LOW,
    "start_time_unix_nano": INT,
    "start_time": TIME,
    "time_unix_nano": INT,
    "time": TIME,
    "flags": INT,
    "clock_skew": BOOL,
    "odd": LOW,
    "attributes": MAP,
    "attribute_types": TEXT,
}
_POINT: Final[Columns] = {**RESOURCE, **{column_of(name): kind for name, kind in PROMOTED_POINT.items()}}

METRICS_GAUGE: Final[Columns] = {**_METRIC, "value": REAL, "value_int": INT, "exemplars": EXEMPLARS, **_POINT}
METRICS_SUM: Final[Columns] = {
    **_METRIC,
    "value": REAL,
    "value_int": INT,
    "aggregation_temporality": LOW,
    "is_monotonic": BOOL,
    "exemplars": EXEMPLARS,
    **_POINT,
}
METRICS_HISTOGRAM: Final[Columns] = {
    **_METRIC,
    "count": INT,
    "sum": REAL,
    "min": REAL,
    "max": REAL,
    "bucket_counts": INTS,
    "explicit_bounds": REALS,
    "aggregation_temporality": LOW,
    "exemplars": EXEMPLARS,
    **_POINT,
}
METRICS_EXP_HISTOGRAM: Final[Columns] = {
    **_METRIC,
    "count": INT,
    "sum": REAL,
    "min": REAL,
    "max": REAL,
    "scale": SMALL,
    "zero_count": INT,
    "zero_threshold": REAL,
    "positive_offset": SMALL,
    "positive_bucket_counts": INTS,
    "negative_offset": SMALL,
    "negative_bucket_counts": INTS,
    "aggregation_temporality": LOW,
    "exemplars": EXEMPLARS,
    **_POINT,
}
METRICS_SUMMARY: Final[Columns] = {**_METRIC, "count": INT, "sum": REAL, "quantile_values": QUANTILES, **_POINT}


@dataclass(frozen=True, slots=True)
class Table:
    """One stored table.

    `columns` are in the order of their field ids; `time` is the column that queries restrict; two rows with equal
    `identity` are the same record, sent twice (empty: no two are); `sort` is the order of rows in the segment of a
    closed hour or day (empty: that in which they came in); `bloom` names the columns with a bloom filter; `promoted`
    maps attributes to the types of their own columns.
    """

    name: str
    signal: Signal
    columns: Columns
    promoted: Promoted
    time: str
    identity: tuple[str, ...]
    sort: tuple[str, ...]
    bloom: tuple[str, ...] = ()


_SPAN_IDENTITY: Final = ("trace_id", "span_id", "start_time_unix_nano")
_SERIES: Final = (
    "tenant_id",
    "resource_attributes",
    "scope_name",
    "scope_version",
    "scope_attributes",
    "metric_name",
    "metric_unit",
    "attributes",
    "attribute_types",
)
_POINT_IDENTITY: Final = (*_SERIES, "start_time_unix_nano", "time_unix_nano")
_POINT_SORT: Final = ("service_name", "metric_name", "time")


def _points(name: str, columns: Columns, *more: str) -> Table:
    identity = (*_POINT_IDENTITY, *more)
    return Table(name, Signal.METRICS, columns, PROMOTED_POINT, "time", identity, _POINT_SORT)


TABLES: Final[dict[str, Table]] = {
    table.name: table
    for table in (
        Table(
            "spans",
            Signal.TRACES,
            SPANS,
            PROMOTED_SPAN,
            "start_time",
            identity=_SPAN_IDENTITY,
            sort=(),
            bloom=("trace_id",),
        ),
        # A pending span is a span that has started: its later copies do not make it a duplicate.
        Table("spans_pending", Signal.TRACES, SPANS, PROMOTED_SPAN, "start_time", identity=(), sort=()),
        Table(
            "logs",
            Signal.LOGS,
            LOGS,
            PROMOTED_LOG,
            "time",
            identity=(),
            sort=(),
            bloom=("trace_id",),
        ),
        _points("metrics_gauge", METRICS_GAUGE),
        _points("metrics_sum", METRICS_SUM, "aggregation_temporality", "is_monotonic"),
        _points("metrics_histogram", METRICS_HISTOGRAM, "aggregation_temporality"),
        _points("metrics_exp_histogram", METRICS_EXP_HISTOGRAM, "aggregation_temporality"),
        _points("metrics_summary", METRICS_SUMMARY),
    )
}


def arrow_schema(table: Table) -> pa.Schema:
    """The schema that decode produces: what is `LOW` is dictionary arrays."""
    return pa.schema(list(table.columns.items()))


def parquet_schema(table: Table, *, plain: bool = True) -> pa.Schema:
    """The schema of a segment: every field, nested ones too, with its `PARQUET:field_id`; dictionaries unless `plain`.

    A top-level field's id is its place in `columns`, from 1; a nested field's is its parent's times 100 plus its
    place, so that ids stay put when columns are appended.
    """
    return pa.schema([_numbered(name, kind, i, plain=plain) for i, (name, kind) in enumerate(table.columns.items(), 1)])


def _numbered(name: str, kind: pa.DataType, field_id: int, *, plain: bool, nullable: bool = True) -> pa.Field:
    def child(place: int, inner: pa.Field) -> pa.Field:
        return _numbered(inner.name, inner.type, field_id * 100 + place, plain=plain, nullable=inner.nullable)

    if plain and pa.types.is_dictionary(kind):
        kind = kind.value_type
    elif pa.types.is_map(kind):
        kind = pa.map_(child(1, kind.key_field), child(2, kind.item_field))
    elif pa.types.is_list(kind):
        kind = pa.list_(child(1, kind.value_field))
    elif pa.types.is_struct(kind):
        kind = pa.struct([child(i, kind.field(i - 1)) for i in range(1, kind.num_fields + 1)])
    return pa.field(name, kind, nullable=nullable, metadata={"PARQUET:field_id": str(field_id)})
