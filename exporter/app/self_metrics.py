"""Our own figures as OTLP, stored beside everybody else's.

In: figures of the processes. Out: one metrics request: counters as cumulative monotonic sums, gauges as gauges.
"""

import platform
import uuid
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.metrics.v1 import metrics_pb2 as pb

from exporter.dimensions import DEFAULT_TENANT
from exporter.figures import METRICS, Figures, Sample
from exporter.signals import Request, Signal
from otel_ax import __version__, semconv

SERVICE: Final = "otel-ax"


def instance_of(data: Path) -> str:
    """The same id whenever this machine serves `data`; another for another machine or directory."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"otel-ax://{platform.node()}{data}"))


def request(parts: Iterable[Figures], instance: str, now: int) -> Request:
    """The figures of `parts` as a request received at `now`, Unix nanoseconds."""
    export = ExportMetricsServiceRequest()
    resource = export.resource_metrics.add()
    resource.resource.attributes.extend(
        _attributes(
            {
                semconv.SERVICE_NAME: SERVICE,
                "service.version": __version__,
                "service.instance.id": instance,
                "host.name": platform.node(),
            }
        )
    )
    scope = resource.scope_metrics.add()
    scope.scope.name = SERVICE
    scope.scope.version = __version__
    metrics: dict[str, pb.Metric] = {}
    items = 0
    for part in parts:
        for sample in (*part.counters, *part.gauges):
            if sample.name in METRICS:
                _add_point(_metric(scope, metrics, sample.name), sample, part)
                items += 1
    return Request(Signal.METRICS, DEFAULT_TENANT, now, items, export.SerializeToString())


def _metric(scope: pb.ScopeMetrics, metrics: dict[str, pb.Metric], name: str) -> pb.Metric:
    if name not in metrics:
        shape = METRICS[name]
        metric = scope.metrics.add(name=shape.otel, unit=shape.unit, description=shape.description)
        if shape.kind == "counter":
            metric.sum.is_monotonic = True
            metric.sum.aggregation_temporality = pb.AGGREGATION_TEMPORALITY_CUMULATIVE
        metrics[name] = metric
    return metrics[name]


def _add_point(metric: pb.Metric, sample: Sample, part: Figures) -> None:
    is_sum = metric.HasField("sum")
    point = (metric.sum if is_sum else metric.gauge).data_points.add(time_unix_nano=part.time)
    if is_sum:
        point.start_time_unix_nano = part.started
    point.attributes.extend(_attributes(sample.labels))
    if isinstance(sample.value, int):
        point.as_int = sample.value
    else:
        point.as_double = sample.value


def _attributes(labels: Mapping[str, str]) -> list[KeyValue]:
    return [KeyValue(key=key, value=AnyValue(string_value=value)) for key, value in labels.items()]
