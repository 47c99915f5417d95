"""One client: what it is to be sent waits here, and who does not read is let go.

In: messages, from the loop's thread. Out: the same on its WebSocket, in order, at most `WAITING_BYTES` of them waiting.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

from starlette.websockets import WebSocket, WebSocketDisconnect

from exporter.auth import Caller

WAITING_BYTES: Final = 2**20
GOING_AWAY: Final = 1001
TRY_AGAIN_LATER: Final = 1013
FAULT: Final = 1011
REFUSED: Final = 1008
_CLOSE_S: Final = 2.0
_log: Final = logging.getLogger(__name__)


def _always() -> bool:
    return True


class Client:
    """The sending half of a connection; all of it belongs to the event loop."""

    def __init__(self, socket: WebSocket, caller: Caller) -> None:
        """Nothing is sent before `sending` runs."""
        self.caller = caller
        self.subscriptions = 0
        self.holds: Callable[[], bool] = socket.scope.get("holds", _always)
        self._socket = socket
        self._waiting: deque[str] = deque()
        self._waiting_bytes = 0
        self._some = asyncio.Event()
        self._leaving: asyncio.Future[tuple[int, str]] = asyncio.get_running_loop().create_future()

    @property
    def is_leaving(self) -> bool:
        """Whether nothing is sent any more."""
        return self._leaving.done()

    def put(self, text: str) -> None:
        """Sends `text` once all before it is sent; who lets too much wait is dropped, and may resume."""
        if self.is_leaving:
            return
        if self._waiting and self._waiting_bytes + len(text) > WAITING_BYTES:
            _log.info("a client that does not read was dropped: %s", self.caller.name)
            self.leave(TRY_AGAIN_LATER, "too slow; resume with the last cursor")
            return
        self._waiting.append(text)
        self._waiting_bytes += len(text)
        self._some.set()

    def leave(self, code: int, reason: str) -> None:
        """Lets `run` end; what waits is not sent."""
        if not self._leaving.done():
            self._leaving.set_result((code, reason))

    async def run(self, receiving: "asyncio.Task[None]") -> None:
        """Sends until the client goes, `receiving` ends or `leave` says so."""
        sending = asyncio.create_task(self._sending())
        try:
            ends: set[asyncio.Future[Any]] = {sending, receiving, self._leaving}
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (sending, receiving):
                task.cancel()
            for ended in await asyncio.gather(sending, receiving, return_exceptions=True):
                if isinstance(ended, Exception):
                    _log.error("a client's connection failed", exc_info=ended)
            if not self._leaving.done():
                self._leaving.cancel()
            self._waiting.clear()
        if self._leaving.done() and not self._leaving.cancelled():
            await self._close(*self._leaving.result())

    async def _sending(self) -> None:
        with suppress(WebSocketDisconnect, RuntimeError):
            while True:
                await self._some.wait()
                while self._waiting:
                    text = self._waiting.popleft()
                    self._waiting_bytes -= len(text)
                    await self._socket.send_text(text)
                self._some.clear()

    async def _close(self, code: int, reason: str) -> None:
        """Tells it so, at once where our protocol can: who does not read would keep an ordinary close waiting."""
        drop = self._socket.scope.get("extensions", {}).get("ax.drop")
        if drop is not None:
            drop["call"](code, reason)
            return
        with suppress(WebSocketDisconnect, RuntimeError, TimeoutError):
            async with asyncio.timeout(_CLOSE_S):
                await self._socket.close(code, reason)
