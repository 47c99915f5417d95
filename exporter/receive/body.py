"""The body of an HTTP request, as it comes in.

In: ASGI's `receive`. Out: the whole body, in bounded memory and time.
"""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from exporter.errors import Reason, Refused
from exporter.receive.admit import Hold
from exporter.units import NS_PER_S, format_duration

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]


class Gone(Exception):
    """The sender has closed the connection."""


class Reader:
    """Reads bodies until it is closed. It belongs to one event loop."""

    def __init__(self, timeout_ns: int) -> None:
        """A reader that waits at most `timeout_ns` for a request's next bytes."""
        self._timeout_ns = timeout_ns
        self._is_open = True
        self._waits: set[asyncio.Timeout] = set()

    async def read(self, receive: Receive, held: Hold, most_bytes: int) -> bytes | None:
        """The whole body, for which room is taken from `held`; None if it is larger than `most_bytes`.

        Raises `Refused`, TIMEOUT, OVERLOADED or SHUTTING_DOWN, and `Gone`.
        """
        wait = asyncio.timeout(None)
        self._waits.add(wait)
        try:
            async with wait:
                return await self._read(receive, held, most_bytes, wait)
        except TimeoutError:
            self._check_open()
            waited = format_duration(self._timeout_ns)
            raise Refused(Reason.TIMEOUT, f"no more of the body came for {waited}", mend="send it faster") from None
        finally:
            self._waits.discard(wait)

    def close(self) -> None:
        """Refuses every request whose body is not here yet."""
        self._is_open = False
        for wait in self._waits:
            wait.reschedule(asyncio.get_running_loop().time())

    async def _read(self, receive: Receive, held: Hold, most_bytes: int, wait: asyncio.Timeout) -> bytes | None:
        clock = asyncio.get_running_loop().time
        chunks: list[bytes] = []
        size = 0
        has_more = True
        while has_more:
            self._check_open()
            wait.reschedule(clock() + self._timeout_ns / NS_PER_S)
            message = await receive()
            if message["type"] == "http.disconnect":
                raise Gone
            chunk = message.get("body", b"")
            has_more = message.get("more_body", False)
            size += len(chunk)
            if size > most_bytes:
                return None
            held.take(len(chunk))
            chunks.append(chunk)
        return chunks[0] if len(chunks) == 1 else b"".join(chunks)

    def _check_open(self) -> None:
        if not self._is_open:
            raise Refused(Reason.SHUTTING_DOWN, "the server is stopping", mend="retry when it is back")
