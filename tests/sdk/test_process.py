"""The process reader: figures of this process that are true, and none that are guessed."""

import asyncio
import gc
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.trace import TracerProvider

from otel_ax import semconv
from otel_ax.readers.process import ActiveCalls, observe_process, watch_event_loop
from otel_ax.readers.snapshot import Snapshot, SnapshotReader


@pytest.fixture
def active() -> ActiveCalls:
    return ActiveCalls()


@pytest.fixture
def reader(active: ActiveCalls) -> Iterator[SnapshotReader]:
    reader = SnapshotReader()
    provider = MeterProvider(metric_readers=[reader])
    observe_process(provider.get_meter("otel_ax.process"), active)
    yield reader
    provider.shutdown()


def test_all_that_this_platform_tells_is_observed(reader: SnapshotReader) -> None:
    told = reader.read()
    expected = {
        "process.cpu.time", "process.cpu.utilization", "process.memory.usage", "ax.process.memory.utilization",
        "process.thread.count", "process.unix.file_descriptor.count", "cpython.gc.collections",
        "cpython.gc.collected_objects", "system.filesystem.utilization", "ax.process.calls.active",
    }  # fmt: skip
    assert expected <= told.points.keys()
    for share in ("ax.process.memory.utilization", "system.filesystem.utilization"):
        assert 0 < told.total(share) <= 1


def test_cpu_time_grows_with_work_and_the_share_with_it(reader: SnapshotReader) -> None:
    before = reader.read()
    until = time.process_time() + 0.2
    while time.process_time() < until:
        pass
    after = reader.read()
    assert after.total("process.cpu.time") - before.total("process.cpu.time") >= 0.15
    assert 0 < after.total("process.cpu.utilization") <= 1


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc to compare")
def test_memory_and_descriptors_are_those_of_the_system(reader: SnapshotReader, tmp_path: Path) -> None:
    before = reader.read()
    held = [(tmp_path / str(at)).open("w") for at in range(20)]
    ballast = os.urandom(50_000_000)
    after = reader.read()
    grown = after.total("process.memory.usage") - before.total("process.memory.usage")
    assert 40_000_000 < grown < 200_000_000
    assert len(ballast) == 50_000_000
    name = "process.unix.file_descriptor.count"
    assert after.total(name) - before.total(name) == 20
    for file in held:
        file.close()


def test_collections_of_garbage_are_counted_by_generation(reader: SnapshotReader) -> None:
    name, oldest = "cpython.gc.collections", {"cpython.gc.generation": 2}
    before = reader.read().total(name, oldest)
    gc.collect()
    assert reader.read().total(name, oldest) == before + 1


def test_a_blocked_event_loop_shows_as_lag_and_recovers(reader: SnapshotReader) -> None:
    lags: list[Snapshot] = []

    async def main() -> None:
        assert watch_event_loop()
        assert watch_event_loop()  # once is enough
        await asyncio.sleep(0.01)
        time.sleep(1.0)  # noqa: ASYNC251 (the fault)
        await asyncio.sleep(0.05)
        lags.append(reader.read())

    asyncio.run(main())
    assert lags[0].total("ax.process.event_loop.lag") >= 0.4
    assert reader.read().total("ax.process.event_loop.lag") == 0


def test_without_a_running_loop_there_is_none_to_watch() -> None:
    assert watch_event_loop() is False


def test_calls_under_way_are_those_that_started_and_did_not_end(reader: SnapshotReader, active: ActiveCalls) -> None:
    provider = TracerProvider()
    provider.add_span_processor(active)
    tracer = provider.get_tracer("t")
    one, two, other = (
        tracer.start_span("x", attributes=attributes)
        for attributes in ({semconv.OPERATION_NAME: "chat"}, {semconv.KIND: "voice_call"}, {"a": 1})
    )
    name = "ax.process.calls.active"
    told = reader.read().by(name, semconv.OPERATION_NAME)
    assert {operation: count for operation, count in told.items() if count} == {"chat": 1, "voice_call": 1}
    one.end()
    two.end()
    other.end()
    assert reader.read().total(name) == 0
