"""The oracle's half about metrics: what the columns of the five kinds of points hold.

In: protobuf metrics with their resource and scope. Out: rows as `oracle.decode` gives them.
"""

from collections.abc import Callable, Iterable
from typing import Any, Final

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.metrics.v1.metrics_pb2 import (
    Exemplar,
    ExponentialHistogramDataPoint,
    HistogramDataPoint,
    Metric,
    NumberDataPoint,
    SummaryDataPoint,
)

from exporter.config import Limits, Retention
from exporter.model import PROMOTED_POINT, Request
from tests.oracle_records import Found, context, hex_of, name_of, odd_of, signed
from tests.oracle_values import Attributes, Row, attributes_of, literal, promote
from tests.otlp import Point, points_of

TEMPORALITIES: Final = ("UNSPECIFIED", "DELTA", "CUMULATIVE")


def points(request: Request, limits: Limits, retention: Retention) -> Found:
    """The rows of a metrics request."""
    for group in ExportMetricsServiceRequest.FromString(request.payload).resource_metrics:
        for scope_group in group.scope_metrics:
            shared = context(request, limits, group, scope_group)
            for metric in scope_group.metrics:
                described = metric_columns(metric, limits)
                for point in points_of(metric):
                    table, columns_of = _KINDS[metric.WhichOneof("data") or ""]
                    found = attributes_of(point.attributes, limits)
                    exemplars = [attributes_of(item.filtered_attributes, limits) for item in exemplars_of(point)]
                    row = described | columns_of(point, metric, limits) | point_columns(point, found, exemplars)
                    yield table, shared.complete(row, found, point.time_unix_nano, retention.metrics)


def metric_columns(metric: Metric, limits: Limits) -> Row:
    """The columns of the metric, which its points share."""
    metadata = attributes_of(metric.metadata, limits)
    return {
        "metric_name": metric.name,
        "metric_description": metric.description,
        "metric_unit": metric.unit,
        "metric_metadata": literal(metadata.pairs),
        "metric_metadata_types": metadata.types,
    }


def point_columns(point: Point, found: Attributes, exemplars: Iterable[Attributes]) -> Row:
    """The columns that points of all kinds have; what is odd about an exemplar is odd about its point."""
    odd = found.odd.union(*(exemplar.odd for exemplar in exemplars))
    if point.time_unix_nano >= 2**63:
        odd.add("time")
    return promote(found, PROMOTED_POINT) | {
        "start_time_unix_nano": signed(point.start_time_unix_nano),
        "start_time": point.start_time_unix_nano // 1000,
        "time_unix_nano": signed(point.time_unix_nano),
        "time": point.time_unix_nano // 1000,
        "flags": point.flags,
        "odd": odd_of(odd),
    }


def number(sample: NumberDataPoint | Exemplar) -> Row:
    """The columns `value` and `value_int`: what was sent as an integer is in both."""
    match sample.WhichOneof("value"):
        case "as_double":
            return {"value": sample.as_double, "value_int": None}
        case "as_int":
            return {"value": float(sample.as_int), "value_int": sample.as_int}
    return {"value": None, "value_int": None}


def exemplars_of(point: Point) -> Iterable[Exemplar]:
    """The exemplars of a point; a summary has none."""
    return () if isinstance(point, SummaryDataPoint) else point.exemplars


def exemplar_of(exemplar: Exemplar, limits: Limits) -> Row:
    """One element of `exemplars`."""
    found = attributes_of(exemplar.filtered_attributes, limits)
    return number(exemplar) | {
        "time_unix_nano": signed(exemplar.time_unix_nano),
        "trace_id": hex_of(exemplar.trace_id),
        "span_id": hex_of(exemplar.span_id),
        "filtered_attributes": found.pairs,
        "filtered_attribute_types": found.types,
    }


def gauge(point: NumberDataPoint, _: Metric, limits: Limits) -> Row:
    """The columns that only a gauge's points have."""
    return number(point) | {"exemplars": [exemplar_of(item, limits) for item in point.exemplars]}


def cumulated(point: NumberDataPoint, metric: Metric, limits: Limits) -> Row:
    """The columns that only a sum's points have."""
    return gauge(point, metric, limits) | {
        "aggregation_temporality": name_of(metric.sum.aggregation_temporality, TEMPORALITIES),
        "is_monotonic": metric.sum.is_monotonic,
    }


def distribution(point: HistogramDataPoint | ExponentialHistogramDataPoint, limits: Limits) -> Row:
    """The columns that both kinds of histogram have."""
    return {
        "count": signed(point.count),
        "sum": point.sum if point.HasField("sum") else None,
        "min": point.min if point.HasField("min") else None,
        "max": point.max if point.HasField("max") else None,
        "exemplars": [exemplar_of(item, limits) for item in point.exemplars],
    }


def histogram(point: HistogramDataPoint, metric: Metric, limits: Limits) -> Row:
    """The columns that only a histogram's points have."""
    return distribution(point, limits) | {
        "bucket_counts": [signed(count) for count in point.bucket_counts],
        "explicit_bounds": list(point.explicit_bounds),
        "aggregation_temporality": name_of(metric.histogram.aggregation_temporality, TEMPORALITIES),
    }


def exponential_histogram(point: ExponentialHistogramDataPoint, metric: Metric, limits: Limits) -> Row:
    """The columns that only an exponential histogram's points have."""
    return distribution(point, limits) | {
        "scale": point.scale,
        "zero_count": signed(point.zero_count),
        "zero_threshold": point.zero_threshold,
        "positive_offset": point.positive.offset,
        "positive_bucket_counts": [signed(count) for count in point.positive.bucket_counts],
        "negative_offset": point.negative.offset,
        "negative_bucket_counts": [signed(count) for count in point.negative.bucket_counts],
        "aggregation_temporality": name_of(metric.exponential_histogram.aggregation_temporality, TEMPORALITIES),
    }


def summary(point: SummaryDataPoint, _: Metric, __: Limits) -> Row:
    """The columns that only a summary's points have."""
    return {
        "count": signed(point.count),
        "sum": point.sum,
        "quantile_values": [{"quantile": item.quantile, "value": item.value} for item in point.quantile_values],
    }


_KINDS: Final[dict[str, tuple[str, Callable[[Any, Metric, Limits], Row]]]] = {
    "gauge": ("metrics_gauge", gauge),
    "sum": ("metrics_sum", cumulated),
    "histogram": ("metrics_histogram", histogram),
    "exponential_histogram": ("metrics_exp_histogram", exponential_histogram),
    "summary": ("metrics_summary", summary),
}
