"""A client of `/api/live`, and small requests to send while it listens.

In: a server. Out: what it says on a WebSocket, message by message.
"""

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any, Final

import httpx
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from exporter.clock import SystemClock
from tests.otlp import Export, Plain, key_values
from tests.running import Server

Said = dict[str, Any]
_CLOCK: Final = SystemClock()
WAIT_S: Final = 20.0
"""Generous: a test says what comes, not how fast."""


class Ear:
    """One connection."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self._unheard: list[Said] = []

    def say(self, **message: Any) -> None:
        """Sends a message."""
        self.socket.send(json.dumps(message))

    def hear(self, op: str, of: str | None = None, *, seconds: float = WAIT_S) -> Said:
        """The next message of that kind, of that subscription where it is told; others are there to be heard later.

        Raises `TimeoutError`.
        """
        deadline = time.monotonic() + seconds
        unheard, self._unheard = self._unheard, []
        while True:
            left_s = max(0.0, deadline - time.monotonic())
            message: Said = unheard.pop(0) if unheard else json.loads(self.socket.recv(timeout=left_s))
            if message["op"] == op and of in {None, message.get("id")}:
                self._unheard += unheard
                return message
            self._unheard.append(message)

    def subscribe(self, channel: str, name: str | None = None, **asked: Any) -> Said:
        """Subscribes, and gives the snapshot."""
        self.say(op="subscribe", id=name or channel, channel=channel, **asked)
        return self.hear("snapshot", name or channel)

    def closed(self, *, seconds: float = WAIT_S) -> tuple[int | None, list[Said]]:
        """The code with which the server closes, None where it just goes; and what it says before."""
        said: list[Said] = []
        try:
            while True:
                said.append(json.loads(self.socket.recv(timeout=seconds)))
        except ConnectionClosed as closed:
            return closed.rcvd.code if closed.rcvd else None, said

    def changes(self, seconds: float) -> list[Said]:
        """All changes that are told for a while."""
        deadline, told = time.monotonic() + seconds, []
        with suppress(TimeoutError):
            while True:
                told.append(self.hear("change", seconds=deadline - time.monotonic()))
        return told


@contextmanager
def listening(server: Server, **options: Any) -> Iterator[Ear]:
    """A connection to the server, which has said hello; `options` are those of `websockets`."""
    with connect(address(server), **options) as socket:
        ear = Ear(socket)
        ear.hear("hello")
        yield ear


def address(server: Server) -> str:
    """Of the WebSocket."""
    return f"{server.ui.replace('http', 'ws', 1)}/api/live"


def send(server: Server, export: Export, **headers: str) -> None:
    """Sends a request, which is acknowledged."""
    kind = "logs" if isinstance(export, ExportLogsServiceRequest) else "traces"
    said = {"Content-Type": "application/x-protobuf", **headers}
    httpx.post(f"{server.http}/v1/{kind}", content=export.SerializeToString(), headers=said).raise_for_status()


def log_of(*bodies: str, service: str = "shop", level: int = 9, at: int | None = None) -> ExportLogsServiceRequest:
    """Log records with these bodies, a microsecond apart, of now where no time is told."""
    now = _CLOCK.wall() if at is None else at
    records = [LogRecord(time_unix_nano=now + i * 1_000, severity_number=level) for i, _ in enumerate(bodies)]  # type: ignore[arg-type]
    for record, body in zip(records, bodies, strict=True):
        record.body.string_value = body
    export = ExportLogsServiceRequest()
    group = export.resource_logs.add(resource=_of(service))
    group.scope_logs.add(log_records=records)
    return export


def span_of(
    trace: int, number: int, *, parent: int = 0, service: str = "shop", attributes: Mapping[str, Plain] | None = None
) -> ExportTraceServiceRequest:
    """One span that ends now."""
    span = Span(
        trace_id=trace.to_bytes(16, "big"),
        span_id=number.to_bytes(8, "big"),
        parent_span_id=parent.to_bytes(8, "big") if parent else b"",
        name=f"span {number}",
        start_time_unix_nano=_CLOCK.wall() - 1_000_000,
        end_time_unix_nano=_CLOCK.wall(),
        attributes=key_values(attributes or {}),
    )
    export = ExportTraceServiceRequest()
    group = export.resource_spans.add(resource=_of(service))
    group.scope_spans.add(spans=[span])
    return export


def _of(service: str) -> Resource:
    return Resource(attributes=key_values({"service.name": service}))
