"""Metric requests to the five tables `metrics_*`, one row a data point."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
from opentelemetry.proto.common.v1.common_pb2 import KeyValue

from exporter.config import Limits, Retention
from exporter.decode import columns as c
from exporter.decode import odd
from exporter.decode.attributes import read_attributes
from exporter.decode.context import Bag, Scopes, bag_of, read_scopes, scope_columns
from exporter.decode.spans import flags_of_parents, table_of
from exporter.decode.wire import TwoMembers, read_messages, read_values
from exporter.model import EXEMPLARS, PROMOTED_POINT, QUANTILES, Request, column_of
from otel_ax import semconv

TEMPORALITIES: Final = {0: "UNSPECIFIED", 1: "DELTA", 2: "CUMULATIVE"}


@dataclass(frozen=True, slots=True)
class _Points:
    """The data points of one kind: `of_metric` is the metric of each; `kind` the message (Gauge, Sum …) of a metric."""

    points: pa.StructArray
    of_metric: c.Codes
    kind: pa.StructArray
    limits: Limits


def decode_metrics(requests: Sequence[Request], limits: Limits, retention: Retention) -> dict[str, pa.Table]:
    """Rows of the tables `metrics_*` that have any, each in the order of the requests."""
    batch = read_messages("ExportMetricsServiceRequest", [request.payload for request in requests])
    scopes = read_scopes(batch, requests, ("scope_metrics", "metrics"), limits)
    tables: dict[str, pa.Table] = {}
    members = sum(c.valid(c.field(scopes.messages, kind)).astype(np.int8) for kind, _ in _KINDS.values())
    if np.any(members > 1):
        raise TwoMembers
    described = _described(scopes.messages, limits)
    for name, (kind, columns_of) in _KINDS.items():
        of_kind = c.field(scopes.messages, kind)
        lists = c.field(of_kind, "data_points")
        if lists.null_count:
            lists = lists.fill_null([])
        points = lists.flatten()
        if len(points):
            found = _Points(points, c.parents_of(lists), of_kind, limits)
            tables[name] = table_of(name, _common(scopes, described, found, retention) | columns_of(found))
    return tables


def _described(metrics: pa.StructArray, limits: Limits) -> dict[str, pa.Array]:
    """The columns that the points of a metric share, one value a metric."""
    metadata = [
        bag_of((KeyValue.FromString(pair) for pair in pairs), limits) if pairs else _NO_METADATA
        for pairs in c.field(metrics, "metadata").to_pylist()
    ]
    return {
        **{f"metric_{name}": c.low(c.field(metrics, name)) for name in ("name", "description", "unit")},
        "metric_metadata": c.low(pa.array([bag.literal for bag in metadata], pa.string())),
        "metric_metadata_types": c.low(pa.array([bag.types for bag in metadata], pa.string())),
    }


def _common(
    scopes: Scopes, described: dict[str, pa.Array], found: _Points, retention: Retention
) -> dict[str, pa.Array]:
    """The columns that every kind has."""
    points, metric = found.points, pa.array(found.of_metric)
    of_scope = scopes.parents[found.of_metric]
    attributes = read_attributes(c.field(points, "attributes"), PROMOTED_POINT, found.limits)
    start = c.signed(c.field(points, "start_time_unix_nano"))
    time = c.signed(c.field(points, "time_unix_nano"))
    flags = odd.attribute_flags(attributes, len(points))
    exemplars = {}
    if "exemplars" in points.type.names:
        exemplars["exemplars"], exemplar_flags = _exemplars(found)
        flags |= exemplar_flags
    odd.mark(flags, "time", odd.beyond_signed(time))
    return {
        **{name: column.take(metric) for name, column in described.items()},
        "start_time_unix_nano": pa.array(start),
        "start_time": c.micros(start),
        "time_unix_nano": pa.array(time),
        "time": c.micros(time),
        "flags": c.field(points, "flags").cast(pa.int64()),
        "clock_skew": pa.array(odd.skewed(time, scopes.received[of_scope], retention.metrics)),
        "odd": odd.odd_column(flags),
        "attributes": attributes.maps,
        "attribute_types": attributes.types,
        **exemplars,
        **scope_columns(scopes, of_scope, attributes.strings(semconv.TENANT_ID)),
        **{column_of(name): column for name, column in attributes.promoted.items()},
    }


_NO_METADATA: Final = Bag("{}", "", 0, {}, {})


def _number(points: pa.StructArray) -> tuple[pa.Array, pa.Array]:
    """`value` and `value_int` of number points and exemplars."""
    real, whole = c.field(points, "as_double"), c.field(points, "as_int")
    if whole.null_count == len(whole):
        return real, whole
    has_int = c.valid(whole)
    if np.any(has_int & c.valid(real)):
        raise TwoMembers
    value = np.where(has_int, c.to_numpy(whole.fill_null(0)).astype(np.float64), c.to_numpy(real.fill_null(0.0)))
    return pa.array(value, mask=~(has_int | c.valid(real))), whole


def _exemplars(found: _Points) -> tuple[pa.ListArray, odd.Flags]:
    lists = c.field(found.points, "exemplars")
    serialised = lists.flatten()
    if len(serialised) == 0:
        return c.relisted(lists, pa.nulls(0, EXEMPLARS.value_type)), np.zeros(len(lists), dtype=np.uint8)
    exemplars = read_values("Exemplar", serialised)
    attributes = read_attributes(c.field(exemplars, "filtered_attributes"), {}, found.limits)
    value, value_int = _number(exemplars)
    values = pa.StructArray.from_arrays(
        [
            pa.array(c.signed(c.field(exemplars, "time_unix_nano"))),
            value,
            value_int,
            c.hex_of(c.field(exemplars, "trace_id")),
            c.hex_of(c.field(exemplars, "span_id")),
            attributes.maps,
            attributes.types,
        ],
        fields=list(EXEMPLARS.value_type),
    )
    return c.relisted(lists, values), flags_of_parents(lists, attributes)


def _temporality(found: _Points) -> pa.Array:
    codes = c.field(found.kind, "aggregation_temporality").fill_null(0)
    return c.named(codes, TEMPORALITIES).take(pa.array(found.of_metric))


def _gauge(found: _Points) -> dict[str, pa.Array]:
    value, value_int = _number(found.points)
    return {"value": value, "value_int": value_int}


def _sum(found: _Points) -> dict[str, pa.Array]:
    return _gauge(found) | {
        "aggregation_temporality": _temporality(found),
        "is_monotonic": c.field(found.kind, "is_monotonic").take(pa.array(found.of_metric)),
    }


def _distribution(found: _Points) -> dict[str, pa.Array]:
    """What both kinds of histogram have."""
    return {
        "count": pa.array(c.signed(c.field(found.points, "count"))),
        **{name: c.field(found.points, name) for name in ("sum", "min", "max")},
        "aggregation_temporality": _temporality(found),
    }


def _counts(lists: pa.ListArray) -> pa.ListArray:
    if lists.null_count:
        lists = lists.fill_null([])
    return c.relisted(lists, pa.array(c.signed(lists.flatten())))


def _histogram(found: _Points) -> dict[str, pa.Array]:
    bounds = c.field(found.points, "explicit_bounds")
    return _distribution(found) | {
        "bucket_counts": _counts(c.field(found.points, "bucket_counts")),
        "explicit_bounds": c.relisted(bounds, bounds.flatten()),
    }


def _exp_histogram(found: _Points) -> dict[str, pa.Array]:
    columns = _distribution(found) | {
        "scale": c.field(found.points, "scale"),
        "zero_count": pa.array(c.signed(c.field(found.points, "zero_count"))),
        "zero_threshold": c.field(found.points, "zero_threshold"),
    }
    for side in ("positive", "negative"):
        buckets = c.field(found.points, side)
        columns[f"{side}_offset"] = c.field(buckets, "offset").fill_null(0)
        columns[f"{side}_bucket_counts"] = _counts(c.field(buckets, "bucket_counts"))
    return columns


def _summary(found: _Points) -> dict[str, pa.Array]:
    lists = c.field(found.points, "quantile_values")
    return {
        "count": pa.array(c.signed(c.field(found.points, "count"))),
        "sum": c.field(found.points, "sum"),
        "quantile_values": c.relisted(lists, lists.flatten().cast(QUANTILES.value_type)),
    }


_KINDS: Final[dict[str, tuple[str, Callable[[_Points], dict[str, pa.Array]]]]] = {
    "metrics_gauge": ("gauge", _gauge),
    "metrics_sum": ("sum", _sum),
    "metrics_histogram": ("histogram", _histogram),
    "metrics_exp_histogram": ("exponential_histogram", _exp_histogram),
    "metrics_summary": ("summary", _summary),
}
