"""A receiver to send to: real sockets, a real journal, in a thread; and requests that no exporter would write.

In: settings. Out: addresses, what the journal holds, what was counted.
"""

import asyncio
import base64
import json
import threading
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import grpc
import uvloop
from google.protobuf import json_format

from exporter.auth import Doors
from exporter.clock import SystemClock
from exporter.config import Config
from exporter.journal import Journal, Tail
from exporter.model import Request, Signal
from exporter.receive import Counters, Listening, listen
from exporter.receive.messages import METHODS, PATHS
from exporter.receive.wire import to_varint
from tests.otlp import Export

SECOND: Final = 1_000_000_000
PROTOBUF: Final = {"content-type": "application/x-protobuf"}
JSON: Final = {"content-type": "application/json"}
EXPORT: Final = {signal: method for method, signal in METHODS.items()}
URLS: Final = {signal: path for path, signal in PATHS.items()}
_IDS: Final = frozenset({"traceId", "spanId", "parentSpanId", "trace_id", "span_id", "parent_span_id"})


class Receiver:
    """A receiver that runs until the end of `receiving`."""

    def __init__(self, config: Config, loop: asyncio.AbstractEventLoop) -> None:
        self.config = config
        self.clock = SystemClock()
        self.counters = Counters(self.clock.wall())
        self.journal = Journal.open(config.data / "journal", config.journal, self.clock)
        self.loop = loop
        try:
            self.doors = Doors.open(config, self.clock)
            self.listening: Listening = self.run(listen(config, self.journal, self.clock, self.counters, self.doors))
        except BaseException:
            self.journal.close()
            raise

    @property
    def grpc(self) -> str:
        """HOST:PORT of OTLP/gRPC over IPv4."""
        return self.listening.grpc[0]

    @property
    def http(self) -> str:
        """The URL of OTLP/HTTP over IPv4."""
        return f"http://{self.listening.http[0]}"

    def start(self, work: Coroutine[Any, Any, Any]) -> "Future[Any]":
        """Runs `work` on the receiver's loop."""
        return asyncio.run_coroutine_threadsafe(work, self.loop)

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        """The same, to its end."""
        return self.start(work).result(20)

    def stored(self) -> list[Request]:
        """The requests that the journal holds."""
        tail = Tail.open(self.config.data / "journal", 0)
        try:
            return [entry.request for entry in tail.read(2**40)]
        finally:
            tail.close()

    def catch_up(self) -> None:
        """Does as if the writer had stored everything."""
        tail = Tail.open(self.config.data / "journal", 0)
        tail.read(2**40)
        tail.stored(tail.position)
        tail.close()

    def counted(self, name: str, **labels: str) -> int:
        """The sum of the counters `ax_NAME_total` that have these labels."""
        figures = self.run(self._figures())
        samples = [sample for sample in figures.counters if sample.name == f"ax_{name}_total"]
        return int(sum(sample.value for sample in samples if labels.items() <= dict(sample.labels).items()))

    def in_flight_bytes(self) -> int:
        """The gauge."""
        return self.counters.in_flight_bytes

    def call(self, payload: bytes, signal: Signal = Signal.TRACES, **options: Any) -> bytes:
        """The response to an export call; raises grpc.RpcError."""
        with grpc.insecure_channel(self.grpc, options=[("grpc.max_send_message_length", -1)]) as channel:
            return bytes(channel.unary_unary(EXPORT[signal])(payload, timeout=20, **options))

    async def _figures(self) -> Any:
        return self.counters.figures(self.clock.wall(), backlog_bytes=self.journal.backlog_bytes)


@contextmanager
def receiving(data: Path, **settings: Any) -> Iterator[Receiver]:
    """A receiver on free ports; `settings` are those of `Config`."""
    receive = {"grpc": "127.0.0.1:0", "http": "127.0.0.1:0"} | settings.pop("receive", {})
    config = Config(data=data, receive=receive, **settings)
    loop = uvloop.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="receiver")
    thread.start()
    try:
        receiver = Receiver(config, loop)
        try:
            yield receiver
        finally:
            receiver.run(receiver.listening.stop(SECOND))
            receiver.journal.close()
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def refusal(attempt: Callable[[], Any]) -> Any:
    """The RpcError that an attempt ends with."""
    try:
        answer = attempt()
    except grpc.RpcError as error:
        return error
    raise AssertionError(answer)


def until(condition: Callable[[], bool]) -> None:
    """Returns when the condition holds, which it does within seconds."""
    clock = SystemClock()
    deadline = clock.monotonic() + 20 * SECOND
    while not condition():
        if clock.monotonic() > deadline:
            raise AssertionError("it did not come to pass")
        threading.Event().wait(0.005)


def within(content: bytes, *numbers: int) -> bytes:
    """The content as a field of a field …, the innermost first."""
    for number in numbers:
        content = to_varint(number << 3 | 2) + to_varint(len(content)) + content
    return content


def empty_spans(count: int) -> bytes:
    """A request of so many spans, two bytes each."""
    return within(b"\x12\x00" * count, 2, 1)


def deep_bytes(depth: int) -> bytes:
    """A request for a span with an attribute of arrays in arrays, deeper than protobuf itself would write it."""
    heads: list[bytes] = []
    size = 0
    for number in (*(1, 5) * depth, 2, 9, 2, 2, 1):  # from within: values of arrays; value, attribute, span, …
        heads.append(bytes([number << 3 | 2]) + to_varint(size))
        size += len(heads[-1])
    return b"".join(reversed(heads))


def deep_json(depth: int) -> bytes:
    """The same in JSON, after a span named `kept`."""
    value = '{"arrayValue":{"values":[' * depth + "{}" + "]}}" * depth
    span = f'{{"attributes":[{{"key":"k","value":{value}}}]}}'
    return f'{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{{"name":"kept"}},{span}]}}]}}]}}'.encode()


def to_json(export: Export, **options: Any) -> bytes:
    """The request as OTLP/JSON; `options` are those of `json_format.MessageToDict`."""
    return json.dumps(_hex_ids(json_format.MessageToDict(export, **options))).encode()


def _hex_ids(part: Any) -> Any:
    if isinstance(part, list):
        return [_hex_ids(item) for item in part]
    if not isinstance(part, dict):
        return part
    return {key: base64.b64decode(item).hex() if key in _IDS else _hex_ids(item) for key, item in part.items()}
