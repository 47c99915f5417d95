"""Metrics on their way out: deltas and exponential histograms, every so often, on a thread of ours.

In: a `MeterProvider`'s instruments. Out: to an exporter what was recorded since the last time, within bounds of memory
and time. Deltas because our endpoint adds them up, whatever process or fork they come from.
"""

import os
import weakref
from typing import Any, Final

from opentelemetry.sdk.metrics import Counter, Histogram, ObservableCounter, ObservableUpDownCounter, UpDownCounter
from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    MetricExporter,
    MetricExportResult,
    MetricReader,
    MetricsData,
)
from opentelemetry.sdk.metrics.view import Aggregation, ExponentialBucketHistogramAggregation

from otel_ax.forking import unforked
from otel_ax.guard import guarded
from otel_ax.processors.batch import Batch

__all__ = ["DELTA", "EXPONENTIAL", "PeriodicReader"]

DELTA: Final[dict[type, AggregationTemporality]] = {
    Counter: AggregationTemporality.DELTA,
    ObservableCounter: AggregationTemporality.DELTA,
    Histogram: AggregationTemporality.DELTA,
    UpDownCounter: AggregationTemporality.CUMULATIVE,
    ObservableUpDownCounter: AggregationTemporality.CUMULATIVE,
}
"""As OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE=delta has it."""
EXPONENTIAL: Final[dict[type, Aggregation]] = {Histogram: ExponentialBucketHistogramAggregation()}
MOST_WAITING: Final = 16
"""Collections that wait for a slow endpoint; what comes then is dropped."""
MOST_FORKS: Final = 4
"""Forks, each of which collects, until what was collected is sent before its time."""
FORK_WAITS_S: Final = 1.0
"""For a collection under way, which may be slow: it calls the program's callbacks."""


class PeriodicReader(MetricReader):
    """Collects every `interval_s`, before each fork and at the end, and exports on its own thread.

    Temporality and aggregation are the exporter's preferences, as with the stock reader.
    """

    def __init__(self, exporter: MetricExporter, interval_s: float) -> None:
        super().__init__(
            preferred_temporality=exporter._preferred_temporality,  # noqa: SLF001 (as the stock reader does)
            preferred_aggregation=exporter._preferred_aggregation,  # noqa: SLF001
        )
        self._exporter = exporter
        self.batch: Batch[MetricsData] = Batch(
            "metrics",
            self._send,
            give_up=exporter.shutdown,
            delay_s=interval_s,
            most=MOST_WAITING,
            batch_size=MOST_FORKS,
            before=self._gather,
        )
        gather = weakref.WeakMethod(self._before_fork)
        os.register_at_fork(before=lambda: (parent := gather()) and parent())

    def start(self) -> None:
        """Once the reader belongs to a provider."""
        self.batch.start()

    def _gather(self) -> None:
        with unforked():
            self.collect()

    @guarded
    def _before_fork(self) -> None:
        # The child inherits what was recorded and not collected, and would count it again.
        with unforked(FORK_WAITS_S) as is_free:
            if is_free and not self.batch.closed:
                self.collect()

    def _receive_metrics(self, metrics_data: MetricsData, timeout_millis: float = 10_000, **_: Any) -> None:  # noqa: ARG002
        if metrics_data.resource_metrics:
            self.batch.put(metrics_data)

    def _send(self, batch: list[MetricsData]) -> bool:
        return all(self._exporter.export(data) is MetricExportResult.SUCCESS for data in batch)

    def force_flush(self, timeout_millis: float = 10_000) -> bool:
        """Whether all that was recorded before was sent in time."""
        return self.batch.flush(timeout_millis / 1000)

    def shutdown(self, timeout_millis: float = 30_000, **_: Any) -> None:
        """What was recorded is sent, within the time."""
        self.batch.shutdown(timeout_millis / 1000)
