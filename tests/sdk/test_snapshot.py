"""The snapshot reader: what the metrics say now, beside any other reader, with percentiles of stated precision."""

import math
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader

from otel_ax.readers.snapshot import SnapshotReader


@pytest.fixture
def reader() -> SnapshotReader:
    return SnapshotReader()


def test_totals_are_told_by_attributes(reader: SnapshotReader) -> None:
    meter = MeterProvider(metric_readers=[reader]).get_meter("t")
    cost = meter.create_counter("cost")
    for tenant, model, usd in (("a", "x", 1.5), ("a", "y", 2.0), ("b", "x", 4.0)):
        cost.add(usd, {"tenant": tenant, "model": model})
    told = reader.read()
    assert told.total("cost") == 7.5
    assert told.total("cost", {"tenant": "a"}) == 3.5
    assert told.by("cost", "model", {"tenant": "a"}) == {"x": 1.5, "y": 2.0}
    assert told.total("nothing") == 0
    assert told.percentile("nothing", 0.5) is None


def test_reading_again_tells_all_since_the_start_and_takes_nothing_from_another_reader(reader: SnapshotReader) -> None:
    other = InMemoryMetricReader()
    meter = MeterProvider(metric_readers=[reader, other]).get_meter("t")
    counter = meter.create_counter("calls")
    counter.add(1)
    assert reader.read().total("calls") == 1
    counter.add(1)
    assert reader.read().total("calls") == 2
    data = other.get_metrics_data()
    assert data is not None
    assert data.resource_metrics[0].scope_metrics[0].metrics[0].data.data_points[0].value == 2  # type: ignore[union-attr]


@given(st.lists(st.floats(0.1, 10), min_size=1, max_size=300), st.sampled_from([0.5, 0.95, 0.99, 1.0]))
def test_a_percentile_is_that_of_the_values_within_its_bucket(values: list[float], ratio: float) -> None:
    reader = SnapshotReader()
    histogram = MeterProvider(metric_readers=[reader]).get_meter("t").create_histogram("duration")
    for at, value in enumerate(values):
        histogram.record(value, {"part": at % 3})
    told = reader.read()
    exact = sorted(values)[math.ceil(len(values) * ratio) - 1]
    estimate = told.percentile("duration", ratio)
    assert estimate is not None
    # 160 buckets over two decades are of scale 4, a factor of 2 ** (1/16) wide; the middle is half of it away.
    factor = 2 ** (1 / 32) * (1 + 1e-9)
    assert exact / factor <= estimate <= exact * factor
    assert told.count("duration") == len(values)
    assert told.total("duration") == pytest.approx(math.fsum(values))


def test_readers_in_many_threads_get_each_their_own(reader: SnapshotReader) -> None:
    counter = MeterProvider(metric_readers=[reader]).get_meter("t").create_counter("calls")
    told: list[float] = []

    def work() -> None:
        for _ in range(50):
            counter.add(1)
            told.append(reader.read().total("calls"))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert min(told) >= 1
    assert reader.read().total("calls") == 200
