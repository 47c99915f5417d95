"""Clients that go on whatever becomes of the server, and write down what they are told.

In: endpoints and a seed. Out: a history; batches of all signals, each of `RECORDS` records that bear its number.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from random import Random
from typing import Final

import grpc
import httpx
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.metrics.v1.metrics_pb2 import NumberDataPoint
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from exporter.clock import SystemClock
from exporter.model import Signal
from exporter.receive.messages import METHODS
from tests.crash.history import Answer, History
from tests.otlp import key_values
from tests.running import Server

RECORDS: Final = 20
STORED: Final = """
    SELECT attributes['batch']::BIGINT, count(*)::BIGINT FROM spans WHERE name = 'work' GROUP BY ALL
    UNION ALL
    SELECT attributes['batch']::BIGINT, count(*)::BIGINT FROM logs WHERE body = 'work' GROUP BY ALL
    UNION ALL
    SELECT attributes['batch']::BIGINT, count(*)::BIGINT FROM metrics_gauge WHERE metric_name = 'work' GROUP BY ALL
"""
"""How many records of each batch are stored."""

METHOD: Final = {signal: method for method, signal in METHODS.items()}
_TIMEOUT_S: Final = 5.0
_PAUSE_S: Final = 0.05
_GIVE_UP: Final = 0.02
"""How many of the attempts that fail are not followed by another."""

Send = Callable[[Signal, bytes], Answer]


@dataclass(slots=True)
class Work:
    """What the clients share."""

    grpc: str
    http: str
    history: History = field(default_factory=History)
    numbers: "count[int]" = field(default_factory=lambda: count(1))
    over: threading.Event = field(default_factory=threading.Event)


@contextmanager
def clients(server: Server, seed: int, *, grpc: int = 4, http: int = 2) -> Iterator[Work]:
    """So many clients of each protocol, which send until the end of the `with`; they ask for the server's ports."""
    work = Work(server.grpc, server.http)
    threads = [threading.Thread(target=_over_grpc, args=(work, Random(f"{seed} grpc {i}"))) for i in range(grpc)]
    threads += [threading.Thread(target=_over_http, args=(work, Random(f"{seed} http {i}"))) for i in range(http)]
    for thread in threads:
        thread.start()
    try:
        yield work
    finally:
        work.over.set()
        for thread in threads:
            thread.join()


def batch(number: int, rng: Random) -> tuple[Signal, bytes]:
    """A request of `RECORDS` records, like no other."""
    signal = list(Signal)[number % len(Signal)]
    return signal, _MAKERS[signal](number, rng, SystemClock().wall())


def _over_grpc(work: Work, rng: Random) -> None:
    with grpc.insecure_channel(work.grpc, options=[("grpc.max_reconnect_backoff_ms", 300)]) as channel:

        def send(signal: Signal, body: bytes) -> Answer:
            export: grpc.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(METHOD[signal])
            try:
                export(body, timeout=_TIMEOUT_S)
            except grpc.RpcError as error:
                keys = {one.key for one in error.trailing_metadata() or ()}
                return "refuse" if "google.rpc.retryinfo-bin" in keys else "unknown"
            return "ack"

        _work(work, rng, send)


def _over_http(work: Work, rng: Random) -> None:
    headers = {"Content-Type": "application/x-protobuf"}
    with httpx.Client(base_url=work.http, headers=headers, timeout=_TIMEOUT_S) as client:

        def send(signal: Signal, body: bytes) -> Answer:
            try:
                answer = client.post(f"/v1/{signal.label}", content=body)
            except httpx.TransportError:
                return "unknown"
            if answer.status_code == httpx.codes.OK:
                return "ack"
            return "refuse" if "retry-after" in answer.headers else "unknown"

        _work(work, rng, send)


def _work(work: Work, rng: Random, send: Send) -> None:
    """Sends batch after batch, most of them again, byte for byte, until they are acknowledged."""
    while not work.over.is_set():
        number = next(work.numbers)
        signal, body = batch(number, rng)
        while not work.over.is_set():
            work.history.add("send", number)
            answer = send(signal, body)
            work.history.add(answer, number)
            if answer == "ack" or rng.random() < _GIVE_UP:
                break
            time.sleep(_PAUSE_S)


def _spans(number: int, rng: Random, now: int) -> bytes:
    export = ExportTraceServiceRequest()
    export.resource_spans.add().scope_spans.add().spans.extend(
        Span(
            trace_id=rng.randbytes(16),
            span_id=rng.randbytes(8),
            name="work",
            start_time_unix_nano=now + i,
            end_time_unix_nano=now + i + 1,
            attributes=key_values({"batch": number}),
        )
        for i in range(RECORDS)
    )
    return export.SerializeToString()


def _logs(number: int, rng: Random, now: int) -> bytes:
    attributes = key_values({"batch": number, "nonce": rng.getrandbits(60)})
    export = ExportLogsServiceRequest()
    records = export.resource_logs.add().scope_logs.add().log_records
    for i in range(RECORDS):
        records.append(LogRecord(time_unix_nano=now + i, attributes=attributes))
        records[-1].body.string_value = "work"
    return export.SerializeToString()


def _points(number: int, rng: Random, now: int) -> bytes:
    export = ExportMetricsServiceRequest()
    metric = export.resource_metrics.add().scope_metrics.add().metrics.add(name="work")
    metric.gauge.data_points.extend(
        NumberDataPoint(
            time_unix_nano=now, as_int=rng.getrandbits(60), attributes=key_values({"batch": number, "n": i})
        )
        for i in range(RECORDS)
    )
    return export.SerializeToString()


_MAKERS: Final[dict[Signal, Callable[[int, Random, int], bytes]]] = {
    Signal.TRACES: _spans,
    Signal.METRICS: _points,
    Signal.LOGS: _logs,
}
