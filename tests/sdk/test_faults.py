"""Whatever the endpoint does, a program keeps its time, its memory and its log."""

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import pytest

from tests.running import until
from tests.sdk.receiving import Receiver, program, receiving

ROUND: Final = """
import json, resource, sys, time
import otel_ax
handle = otel_ax.configure(service_name="faulty", schedule_delay_s=0.2)
from opentelemetry import metrics, trace
tracer = trace.get_tracer("test")
counter = metrics.get_meter("test").create_counter("count")
attributes = {f"key.{number}": "x" * 30 for number in range(12)}

def spans(count):
    for _ in range(count):
        counter.add(1)
        with tracer.start_as_current_span("work", attributes=attributes):
            pass

def flushed(timeout_s):
    began = time.monotonic()
    handle.flush(timeout_s)
    return time.monotonic() - began - timeout_s

def rss_mb():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * resource.getpagesize() / 2**20

spans(100)
late = [flushed(0.4)]
before = rss_mb()
for _ in range(ROUNDS):
    spans(1000)
grown = rss_mb() - before
late += [flushed(0.3), flushed(0.0)]
print(json.dumps({"late_s": late, "grown_mb": grown, "at": time.time()}))
"""
"""A program that makes many spans, flushes now and then, and ends."""
ENDED: Final = "import atexit, time; atexit.register(lambda: print(time.time()))\n"
"""Tells when all other exit hooks have run."""


@contextmanager
def down() -> Iterator[Receiver]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    yield Receiver(f"http://127.0.0.1:{port}")


@contextmanager
def mute() -> Iterator[Receiver]:
    """Takes connections, as a machine does whose process hangs, and never reads."""
    with socket.create_server(("127.0.0.1", 0), backlog=1) as listener:
        yield Receiver(f"http://127.0.0.1:{listener.getsockname()[1]}")


FAULTS: Final[dict[str, Any]] = {
    "down": down,
    "mute": mute,
    "hung": lambda: receiving(hung=True),
    "slow": lambda: receiving(delay_s=3.0),
    "answering 500": lambda: receiving(status=500),
    "answering 503": lambda: receiving(status=503),
    "refusing with 400": lambda: receiving(status=400),
}
LIKE_OTHERS: Final = {"mute", "answering 500", "refusing with 400"}


@pytest.mark.parametrize(
    "fault", [pytest.param(fault, marks=pytest.mark.slow) if fault in LIKE_OTHERS else fault for fault in FAULTS]
)
def test_a_faulty_endpoint_costs_a_program_neither_time_nor_memory_nor_its_log(fault: str) -> None:
    with FAULTS[fault]() as receiver:
        done = program(ENDED + ROUND.replace("ROUNDS", "10"), receiver.url)
    assert done.status == 0, done.err
    told, ended = done.out.splitlines()
    figures = json.loads(told)
    assert max(figures["late_s"]) < 0.1
    assert float(ended) - figures["at"] < 2.0
    assert figures["grown_mb"] < 20
    assert len([line for line in done.err.splitlines() if line]) <= 1, done.err
    assert not done.err or done.err.startswith("otel_ax: ")


@pytest.mark.slow
@pytest.mark.parametrize("fault", FAULTS)
def test_ten_minutes_of_a_thousand_spans_a_second_do_not_either(fault: str) -> None:
    with FAULTS[fault]() as receiver:
        done = program(ENDED + ROUND.replace("ROUNDS", "600"), receiver.url, timeout_s=600)
    assert done.status == 0, done.err
    told, ended = done.out.splitlines()
    figures = json.loads(told)
    assert figures["grown_mb"] < 20
    assert float(ended) - figures["at"] < 2.0
    assert len(done.err.splitlines()) <= 1 + done.took_s // 60, done.err


def test_an_endpoint_that_comes_back_gets_what_waited_and_all_that_follows() -> None:
    code = """
import time
import otel_ax
handle = otel_ax.configure(service_name="back", schedule_delay_s=0.1)
from opentelemetry import trace
tracer = trace.get_tracer("test")
tracer.start_span("while it was away").end()
time.sleep(0.5)
print("made", flush=True)
print(handle.flush(8))
tracer.start_span("afterwards").end()
print(handle.flush(5))
"""
    with receiving(status=503) as receiver:

        def come_back() -> None:
            until(lambda: receiver.refused > 0, "a refusal", seconds=60)
            receiver.status = 200

        back = threading.Thread(target=come_back)
        back.start()
        done = program(code, receiver.url)
        back.join()
        assert done.out.split() == ["made", "True", "True"]
        assert receiver.names() == ["afterwards", "while it was away"]


def test_a_bug_of_ours_in_any_hook_does_not_reach_the_program() -> None:
    code = """
import otel_ax
from otel_ax import pipeline
from otel_ax.export import PricedExporter
from otel_ax.processors import enrich, logs, pending

def bug(*_, **__):
    raise RuntimeError("a bug")

enrich.Enrich.__call__ = pending.Pending.__call__ = pipeline.spent = pipeline.size_of = logs._size = bug
PricedExporter.export = pipeline.settle = bug
handle = otel_ax.configure(service_name="buggy", pending=True, keep_ratio=0.5)
import logging
from opentelemetry import trace
with trace.get_tracer("test").start_as_current_span("work"):
    logging.getLogger("app").warning("said")
handle.flush(1)
print("done")
"""
    with receiving() as receiver:
        done = program(code, receiver.url)
        assert (done.status, done.out) == (0, "done\n")
        assert "Traceback" not in done.err
