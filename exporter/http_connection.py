"""HTTP/1.1 connections: uvicorn's, with bounds where it has none.

In: bytes of a socket. Out: ASGI requests whose heads are small and came in time; other connections are closed.
"""

import asyncio
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from exporter.units import NS_PER_S

MOST_HEAD_BYTES: Final = 16 * 2**10
"""Request line and headers together."""


class HttpConnection(HttpToolsProtocol):
    """A connection that ends when a head is too large (400), or takes longer than `timeout_ns`.

    Where an answer is given before the body is here, as to one that is too large, the rest of the body is dropped as it
    comes, so that the sender gets to read the answer. That, too, may take `timeout_ns`.
    """

    def __init__(self, timeout_ns: int, **of_uvicorn: Any) -> None:
        """A connection as uvicorn makes it, but that `timeout_ns` is bound before."""
        super().__init__(**of_uvicorn)
        self._timeout_ns = timeout_ns
        self._deadline: asyncio.TimerHandle | None = None
        self._is_in_head = True
        self._head_bytes = 0
        self._partial_bytes = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Awaits the first head."""
        super().connection_made(transport)
        self._start_deadline(self._timeout_ns / NS_PER_S)

    def connection_lost(self, exc: Exception | None) -> None:
        """Awaits nothing."""
        self._stop_deadline()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Counts what has come of a head that is not whole: httptools keeps a header to itself until it is."""
        awaited = self._deadline if self._is_in_head else None
        super().data_received(data)
        if self._is_in_head and awaited is not None and awaited is self._deadline:
            self._partial_bytes += len(data)
            if self._partial_bytes > MOST_HEAD_BYTES and not self.transport.is_closing():
                self.send_400_response("The head of the request is too large.")

    def on_message_begin(self) -> None:
        """Awaits a head."""
        super().on_message_begin()
        self._is_in_head = True
        self._head_bytes = self._partial_bytes = 0
        self._start_deadline(self._timeout_ns / NS_PER_S)

    def on_url(self, url: bytes) -> None:
        """Counts."""
        super().on_url(url)
        self._count(len(url))

    def on_header(self, name: bytes, value: bytes) -> None:
        """Counts."""
        super().on_header(name, value)
        self._count(len(name) + len(value))

    def on_headers_complete(self) -> None:
        """Awaits a body, which has its own deadline."""
        self._is_in_head = False
        self._stop_deadline()
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """Awaits the next request, if the answer to this one went before."""
        super().on_message_complete()
        cycle: RequestResponseCycle | None = self.cycle  # there is none where a WebSocket begins
        if cycle is not None and cycle.response_complete:
            self._start_deadline(self.timeout_keep_alive)

    def on_response_complete(self) -> None:
        """Sets a deadline for what is still to come of the body."""
        super().on_response_complete()
        if self.cycle.response_complete and self.cycle.more_body:
            self._start_deadline(self._timeout_ns / NS_PER_S)

    def _start_deadline(self, seconds: float) -> None:
        self._stop_deadline()
        self._deadline = self.loop.call_later(seconds, self.transport.close)

    def _stop_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _count(self, size: int) -> None:
        """Ends the connection with a 400, by way of the parser, when the head has become too large."""
        self._head_bytes += size
        if self._head_bytes > MOST_HEAD_BYTES:
            raise ValueError("the head of the request is too large")
