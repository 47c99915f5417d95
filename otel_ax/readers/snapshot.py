"""A reader that answers in the process: what do the metrics say now?

In: a `MeterProvider`'s instruments, collected when somebody asks. Out: `Snapshot`: sums, counts and percentiles since
the start of the process, by attributes. What was spent of late, and what is left of a budget, is `otel_ax.spend` and
`otel_ax.budget`, whose ledger also knows the spans that are not exported yet.
"""

import math
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from opentelemetry.sdk.metrics import (
    Counter,
    Histogram,
    ObservableCounter,
    ObservableGauge,
    ObservableUpDownCounter,
    UpDownCounter,
)
from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    ExponentialHistogramDataPoint,
    HistogramDataPoint,
    MetricReader,
    MetricsData,
    NumberDataPoint,
)
from opentelemetry.sdk.metrics.view import ExponentialBucketHistogramAggregation

__all__ = ["Snapshot", "SnapshotReader"]

Point = NumberDataPoint | HistogramDataPoint | ExponentialHistogramDataPoint

_CUMULATIVE: Final[dict[type, AggregationTemporality]] = dict.fromkeys(
    (Counter, UpDownCounter, Histogram, ObservableCounter, ObservableUpDownCounter, ObservableGauge),
    AggregationTemporality.CUMULATIVE,
)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The points of all metrics at one time; `where` names attributes and their values, and none means all points."""

    points: Mapping[str, tuple[Point, ...]]

    def _points(self, metric: str, where: Mapping[str, Any] | None) -> Iterator[Point]:
        for point in self.points.get(metric, ()):
            attributes = point.attributes or {}
            if all(attributes.get(name) == value for name, value in (where or {}).items()):
                yield point

    def total(self, metric: str, where: Mapping[str, Any] | None = None) -> float:
        """Sum of a counter's or a gauge's values, or of all that a histogram took; 0 where nothing was recorded."""
        return math.fsum(p.value if isinstance(p, NumberDataPoint) else p.sum for p in self._points(metric, where))

    def count(self, metric: str, where: Mapping[str, Any] | None = None) -> int:
        """How many values a histogram took."""
        return sum(0 if isinstance(p, NumberDataPoint) else p.count for p in self._points(metric, where))

    def percentile(self, metric: str, ratio: float, where: Mapping[str, Any] | None = None) -> float | None:
        """Nearest-rank percentile of a histogram, within the bucket that holds it; None where nothing was recorded."""
        buckets: list[tuple[float, int]] = []
        for point in self._points(metric, where):
            if isinstance(point, ExponentialHistogramDataPoint):
                buckets.extend(_exponential(point))
            elif isinstance(point, HistogramDataPoint):
                buckets.extend(_explicit(point))
        rank = max(1, math.ceil(sum(count for _, count in buckets) * ratio))
        for value, count in sorted(buckets):
            rank -= count
            if rank <= 0:
                return value
        return None

    def by(self, metric: str, attribute: str, where: Mapping[str, Any] | None = None) -> dict[Any, float]:
        """Totals by the values of one attribute."""
        told: dict[Any, float] = {}
        for point in self._points(metric, where):
            key = (point.attributes or {}).get(attribute)
            told[key] = told.get(key, 0.0) + (point.value if isinstance(point, NumberDataPoint) else point.sum)
        return told


def _exponential(point: ExponentialHistogramDataPoint) -> Iterator[tuple[float, int]]:
    """Middles of buckets, on the scale on which they are equally wide, and counts."""
    step = 2.0**-point.scale
    if point.zero_count:
        yield 0.0, point.zero_count
    for buckets, sign in ((point.positive, 1), (point.negative, -1)):
        for at, count in enumerate(buckets.bucket_counts):
            if count:
                middle = sign * 2.0 ** ((buckets.offset + at + 0.5) * step)
                yield min(max(middle, point.min), point.max), count


def _explicit(point: HistogramDataPoint) -> Iterator[tuple[float, int]]:
    bounds = (point.min, *point.explicit_bounds, point.max)
    for at, count in enumerate(point.bucket_counts):
        if count:
            middle = (bounds[at] + bounds[at + 1]) / 2
            yield min(max(middle, point.min), point.max), count


class SnapshotReader(MetricReader):
    """Pull only: it costs nothing until `read` is called."""

    def __init__(self) -> None:
        super().__init__(
            preferred_temporality=_CUMULATIVE,
            preferred_aggregation={Histogram: ExponentialBucketHistogramAggregation()},
        )
        self._told = threading.local()

    def read(self, timeout_s: float = 1.0) -> Snapshot:
        """All metrics as of now; empty once the provider is shut down."""
        self._told.data = None
        self.collect(timeout_millis=timeout_s * 1000)
        points: dict[str, list[Point]] = {}
        data: MetricsData | None = self._told.data
        for resource in data.resource_metrics if data else ():
            for scope in resource.scope_metrics:
                for metric in scope.metrics:
                    points.setdefault(metric.name, []).extend(metric.data.data_points)
        return Snapshot({name: tuple(found) for name, found in points.items()})

    def _receive_metrics(self, metrics_data: MetricsData, timeout_millis: float = 10_000, **kwargs: Any) -> None:
        # Collecting calls this on its own thread, so that two that read at once get each their own.
        del timeout_millis, kwargs
        self._told.data = metrics_data

    def shutdown(self, timeout_millis: float = 30_000, **kwargs: Any) -> None:
        """Nothing is held."""
