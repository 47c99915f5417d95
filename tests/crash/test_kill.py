"""`kill -9` of each process under load: nothing that was acknowledged is lost, and nothing is stored twice."""

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Final

import grpc
import psutil
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from exporter.clock import SystemClock
from tests.otlp import key_values
from tests.running import Server, kill_group, running, until

VICTIMS: Final = ("receive", "write", "group", "serve", "write", "receive", "parent", "write", "receive", "group")
"""Ten rounds; `parent` is killed alone, `group` together with its children."""
RECORDS: Final = 20
CLIENTS: Final = 4
TRACES: Final = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
LOGS: Final = "/opentelemetry.proto.collector.logs.v1.LogsService/Export"
BUSY: Final = {"AX_STORE_FLUSH_INTERVAL": "100ms", "AX_STORE_COMPACTION_INTERVAL": "200ms", "AX_STORE_GRACE": "3s"}


@dataclass(slots=True)
class Book:
    """What the clients know: batches that were acknowledged, and those that are or were under way."""

    endpoint: str
    begun: int = 0
    acked: set[int] = field(default_factory=set)
    lock: threading.Lock = field(default_factory=threading.Lock)
    over: threading.Event = field(default_factory=threading.Event)

    def next(self) -> int:
        """A number that no batch has had."""
        with self.lock:
            self.begun += 1
            return self.begun


def test_ten_kills_lose_nothing_and_double_nothing(tmp_path: Path) -> None:
    rng = Random(11)
    data = tmp_path / "data"
    with ExitStack() as stack:
        server = stack.enter_context(running(data, environ=BUSY))
        book = Book(server.grpc)
        with _clients(book):
            for victim in VICTIMS:
                _until_more_is_acked(book)
                time.sleep(rng.uniform(0.05, 0.6))
                _kill(server, victim)
                if victim in {"parent", "group"}:
                    server = stack.enter_context(running(data, "--grpc", book.endpoint, environ=BUSY))
                _until_more_is_acked(book)
        assert server.stop() == 0
        stored = dict(server.sql(_BATCHES))
    assert len(book.acked) > 10 * len(VICTIMS)
    assert book.acked - stored.keys() == set(), "acknowledged and lost"
    assert {batch: count for batch, count in stored.items() if count != RECORDS} == {}, "stored in part, or twice"


_BATCHES: Final = """
    SELECT attributes['batch']::BIGINT, count(*) FROM spans WHERE name = 'work' GROUP BY ALL
    UNION ALL
    SELECT attributes['batch']::BIGINT, count(*) FROM logs WHERE body = 'work' GROUP BY ALL
"""


def _kill(server: Server, victim: str) -> None:
    """SIGKILL; a parent's children are gone too when this returns, by themselves or with it."""
    parent = psutil.Process(server.process.pid)
    children = parent.children()
    if victim == "group":
        kill_group(server.process)
    elif victim == "parent":
        parent.kill()
        server.process.wait()
        _, left = psutil.wait_procs(children, timeout=15)
        assert left == [], "children outlive their parent"
    else:
        (child,) = (child for child in children if f"exporter.app.{victim}" in child.cmdline())
        child.send_signal(signal.SIGKILL)


def _until_more_is_acked(book: Book) -> None:
    goal = len(book.acked) + CLIENTS
    until(lambda: len(book.acked) >= goal, "requests are acknowledged", every=0.02)


@contextmanager
def _clients(book: Book) -> Iterator[None]:
    threads = [threading.Thread(target=_send_all, args=(book, Random(seed))) for seed in range(CLIENTS)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        book.over.set()
        for thread in threads:
            thread.join()


def _send_all(book: Book, rng: Random) -> None:
    """Sends batch after batch, each again, byte for byte, until it is acknowledged."""
    with grpc.insecure_channel(book.endpoint, options=[("grpc.max_reconnect_backoff_ms", 300)]) as channel:
        makers: list[tuple[str, Callable[[int, Random], bytes]]] = [(TRACES, _spans), (LOGS, _logs)]
        while not book.over.is_set():
            batch = book.next()
            method, make = makers[batch % 2]
            body = make(batch, rng)
            export: grpc.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(method)
            while not book.over.is_set():
                try:
                    export(body, timeout=5)
                except grpc.RpcError:
                    time.sleep(0.05)
                else:
                    book.acked.add(batch)
                    break


def _spans(batch: int, rng: Random) -> bytes:
    now = SystemClock().wall()
    spans = [
        Span(
            trace_id=rng.randbytes(16),
            span_id=rng.randbytes(8),
            name="work",
            start_time_unix_nano=now + i,
            end_time_unix_nano=now + i + 1,
            attributes=key_values({"batch": batch}),
        )
        for i in range(RECORDS)
    ]
    export = ExportTraceServiceRequest()
    export.resource_spans.add().scope_spans.add().spans.extend(spans)
    return export.SerializeToString()


def _logs(batch: int, rng: Random) -> bytes:
    now = SystemClock().wall()
    attributes = key_values({"batch": batch, "n": rng.getrandbits(60)})
    records = [LogRecord(time_unix_nano=now + i, attributes=attributes) for i in range(RECORDS)]
    for record in records:
        record.body.string_value = "work"
    export = ExportLogsServiceRequest()
    export.resource_logs.add().scope_logs.add().log_records.extend(records)
    return export.SerializeToString()
