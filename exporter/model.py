"""The shapes of everything stored, on one page: signals, requests, tables, promoted attributes.

In: nothing. Out: values that the rest of the exporter loops over. Column names and types are an outside contract:
append, never rename, never reorder, since a column's Parquet field id is its place in its table's list.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import pyarrow as pa

from exporter.dimensions import DEFAULT_TENANT as DEFAULT_TENANT  # noqa: PLC0414 (it is of this page, too)
from exporter.dimensions import DIMENSIONS
from exporter.signals import Request as Request  # noqa: PLC0414 (likewise)
from exporter.signals import Signal as Signal  # noqa: PLC0414

FORMAT_VERSION: Final = 1
"""Version of the data directory: journal, catalog and segments together."""


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
# Of a span, the column also holds what other vendors call by another name (`decode/mapping.py`).

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

# What a span means, whoever sent it: computed in decode from its attributes, which stay as they were sent, and computed
# anew when segments are merged whose `mapping_version` is older than today's. Money is integer nano-dollars.
UNDERSTOOD: Final[Columns] = {
    "cost_nanos": INT,  # ours; NULL: unpriced, or not counted
    "cost_input_nanos": INT,  # the five parts are disjoint and add up to `cost_nanos`
    "cost_cache_read_nanos": INT,
    "cost_cache_write_nanos": INT,
    "cost_output_nanos": INT,  # reasoning too
    "cost_other_nanos": INT,  # audio and speech
    "cost_reported_nanos": INT,  # the sender's
    "price_version": LOW,
    "price_date": LOW,
    "unpriced": LOW,  # why `cost_nanos` is NULL, where the span is counted
    "tokens_inclusive": BOOL,  # false: the input tokens do not include the cached ones
    "workflow_run_id": TEXT,
    "step_key": LOW,
    "ax_kind": LOW,  # workflow, step, voice_turn, voice_call
    "is_counted": BOOL,  # a model was called, and no span inside this one says so too
    "mapping_version": SMALL,
    "gen_ai_usage_audio_input_tokens": INT,
    "gen_ai_usage_audio_output_tokens": INT,
    "speech_seconds": REAL,
    "speech_characters": INT,
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
    **UNDERSTOOD,
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

# Runs and steps of workflows outlive the spans that tell them: a copy of what matters of each such span, pending ones
# too. The views merge the copies of one run.
_RUN_OF_SPAN: Final = (
    "trace_id",
    "span_id",
    "parent_span_id",
    "name",
    "start_time_unix_nano",
    "start_time",
    "duration_ns",
    "status_code",
    "status_message",
    "clock_skew",
    "service_name",
    "tenant_id",
    "ingest_time",
    "gen_ai_workflow_name",
    "workflow_run_id",
    "gen_ai_agent_name",
    "gen_ai_conversation_id",
    "session_id",
    "user_id",
    "error_type",
)
RUNS: Final[Columns] = {
    **{name: SPANS[name] for name in _RUN_OF_SPAN},
    "is_pending": BOOL,
    "status": LOW,  # as the sender says: completed, failed, cancelled …
    "steps_total": INT,
    "steps_completed": INT,
    "steps_failed": INT,
}
STEPS: Final[Columns] = {
    **{name: SPANS[name] for name in _RUN_OF_SPAN},
    "is_pending": BOOL,
    "status": LOW,
    "step_key": LOW,
    "step_name": LOW,
    "retry_count": INT,
    "input_bytes": INT,
    "output_bytes": INT,
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
    maps attributes to the types of their own columns. Rows of a table that `is_derived` repeat what rows of others say:
    they are counted nowhere and never become OTLP again.
    """

    name: str
    signal: Signal
    columns: Columns
    promoted: Promoted
    time: str
    identity: tuple[str, ...]
    sort: tuple[str, ...]
    bloom: tuple[str, ...] = ()
    is_derived: bool = False


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


def _runs(name: str, columns: Columns) -> Table:
    identity = (*_SPAN_IDENTITY, "is_pending")
    return Table(
        name, Signal.TRACES, columns, {}, "start_time", identity, sort=(), bloom=("trace_id",), is_derived=True
    )


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
            bloom=("trace_id", "span_id"),
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
        _runs("runs", RUNS),
        _runs("steps", STEPS),
    )
}


# ── Rollups ───────────────────────────────────────────────────────────────────────────────────────────────────────
# Partial cells: two with equal keys are parts of one, and everything adds up. A cell of figures that are all zero says
# nothing; a negative one takes back what a removed row had added.

BUCKETS: Final = pa.list_(pa.struct({"bucket": SMALL, "count": INT}))
"""A sketch of durations: how many are in each bucket of `rollup.sketch`. No MAP: its parts can be strung together."""
BOUNDS: Final = pa.list_(pa.struct({"bound": REAL, "count": INT}))
"""A histogram: how many are in the bucket that ends at a bound, the last one infinite."""

CELL_KEYS: Final[Columns] = {
    "time": TIME,  # the start of the minute, hour or day in which spans ended or points were taken
    "source": LOW,  # call (of a model, counted once), span (any other), point (of a metric)
    "overflow": BOOL,  # of cells beyond `store.rollup.cells`: dimensions are lost, figures are not
    "tenant_id": LOW,
    **dict.fromkeys(DIMENSIONS, LOW),
}
CELL_SUMS: Final[Columns] = {
    "count": INT,  # spans, or points, or what the points of histograms count
    "failed": INT,
    "latency_sum_ns": INT,
    "tokens_input": INT,
    "tokens_output": INT,
    "tokens_cache_read": INT,
    "tokens_cache_write": INT,
    "tokens_reasoning": INT,
    "cost_nanos": INT,
    "cost_reported_nanos": INT,
    "unpriced": INT,
    "cache_hits": INT,
    "cache_misses": INT,
    "rate_limit_allowed": INT,
    "rate_limit_denied": INT,
    "sum": REAL,  # of points: of gauges all values, of sums the increments, of histograms what they say
}
CELL_LEAST: Final[Columns] = {"latency_min_ns": INT, "min": REAL}
CELL_GREATEST: Final[Columns] = {"latency_max_ns": INT, "max": REAL}
CELL_LAST: Final[Columns] = {"last_time_unix_nano": INT, "last": REAL}
CELL_SKETCHES: Final[Columns] = {"latency_buckets": BUCKETS, "value_buckets": BOUNDS}
CELLS: Final[Columns] = {
    **CELL_KEYS,
    **CELL_SUMS,
    **CELL_LEAST,
    **CELL_GREATEST,
    **CELL_LAST,
    **CELL_SKETCHES,
}

CELL_WIDTHS: Final[Mapping[str, int]] = {"cells_1min": 60, "cells_1hour": 3_600, "cells_1day": 86_400}
"""Seconds of a cell by table."""

FIGURES: Final[dict[str, Table]] = {
    name: Table(name, Signal.METRICS, CELLS, {}, "time", identity=(), sort=("time",), is_derived=True)
    for name in CELL_WIDTHS
}
"""Tables of what records add up to; no sender's items are counted by them."""

STORED: Final[dict[str, Table]] = TABLES | FIGURES
"""Every table that is stored."""


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
