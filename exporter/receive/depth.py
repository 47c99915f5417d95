"""How deeply values nest.

In: a parsed request in which something may. Out: the request without the items whose values, or whose resource's,
scope's or metric's values, nest too deeply.
"""

from collections.abc import Callable, Iterable
from typing import Any, Final

from google.protobuf.message import Message
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from exporter.errors import Reason, Refused
from exporter.receive.messages import Export

_MOST_VALUES: Final = 100_000
"""Values looked at, 2 µs each. Only those of suspects are."""


def cut(export: Export, depth: int, is_suspect: Callable[[Message], bool]) -> None:
    """Removes the items that more than `depth` arrays and lists, one in another, belong to.

    `is_suspect` of a span, a log record or a metric is False where nothing in it nests too deeply. Raises `Refused`,
    TOO_DEEP, where so much is suspect that to look at all of it would take too long.
    """
    walk = _Walk(depth, is_suspect)
    if isinstance(export, ExportTraceServiceRequest):
        for traces in walk.groups(export.resource_spans):
            for spans in walk.groups(traces.scope_spans):
                _keep(spans.spans, walk.keeps_span)
    elif isinstance(export, ExportLogsServiceRequest):
        for records in walk.groups(export.resource_logs):
            for logs in walk.groups(records.scope_logs):
                _keep(logs.log_records, walk.keeps_log)
    else:
        for points in walk.groups(export.resource_metrics):
            for metrics in walk.groups(points.scope_metrics):
                _keep(metrics.metrics, walk.keeps_metric)


class _Walk:
    def __init__(self, depth: int, is_suspect: Callable[[Message], bool]) -> None:
        self._depth = depth
        self._is_suspect = is_suspect
        self._values_left = _MOST_VALUES

    def groups(self, groups: Any) -> Any:
        """What is kept of the groups of one resource each, or one scope each: the first field of either is that."""
        _keep(groups, lambda group: not self._has_deep(getattr(group, group.DESCRIPTOR.fields[0].name).attributes))
        return groups

    def keeps_span(self, span: Span) -> bool:
        if not self._is_suspect(span):
            return True
        parts: tuple[Any, ...] = (span, *span.events, *span.links)
        return not any(self._has_deep(part.attributes) for part in parts)

    def keeps_log(self, log: LogRecord) -> bool:
        return not (self._is_suspect(log) and (self._is_deep(log.body, self._depth) or self._has_deep(log.attributes)))

    def keeps_metric(self, metric: Metric) -> bool:
        """Whether the metric is kept, of which it may be that not all points are."""
        if not self._is_suspect(metric):
            return True
        if kind := metric.WhichOneof("data"):
            _keep(getattr(metric, kind).data_points, self._keeps_point)
        return not self._has_deep(metric.metadata)

    def _keeps_point(self, point: Any) -> bool:
        exemplars = getattr(point, "exemplars", ())  # a summary's point has none
        is_deep = any(self._has_deep(exemplar.filtered_attributes) for exemplar in exemplars)
        return not (is_deep or self._has_deep(point.attributes))

    def _has_deep(self, attributes: Iterable[KeyValue]) -> bool:
        return any(self._is_deep(attribute.value, self._depth) for attribute in attributes)

    def _is_deep(self, value: AnyValue, depth: int) -> bool:
        self._values_left -= 1
        if self._values_left < 0:
            message = f"values nest deeper than {self._depth}, in too many places to leave those out"
            raise Refused(Reason.TOO_DEEP, message, mend="send deep values as strings of JSON")
        kind = value.WhichOneof("value")
        if kind == "array_value":
            return depth == 0 or any(self._is_deep(item, depth - 1) for item in value.array_value.values)
        if kind == "kvlist_value":
            return depth == 0 or any(self._is_deep(item.value, depth - 1) for item in value.kvlist_value.values)
        return False


def _keep(repeated: Any, is_kept: Callable[[Any], bool]) -> None:
    kept = [part for part in repeated if is_kept(part)]
    if len(kept) < len(repeated):
        del repeated[:]  # at once: one by one would take the square of their number
        repeated.extend(kept)
