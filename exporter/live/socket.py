"""uvicorn's WebSocket protocol, which we can also end for who does not read.

In: bytes of a connection. Out: ASGI; at the server's stop a close with 1001; `scope["extensions"]["ax.drop"]`.
"""

from typing import Any, Final

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.exceptions import InvalidState
from websockets.http11 import Request

MESSAGE_BYTES: Final = 64 * 2**10
PING_S: Final = 15.0
SETTINGS: Final[dict[str, Any]] = {
    "ws_max_size": MESSAGE_BYTES,
    "ws_ping_interval": PING_S,
    "ws_ping_timeout": PING_S,
    "ws_per_message_deflate": False,  # compressing the same message for each of 100 clients is what it would cost
}
"""What uvicorn is told beside `ws`."""
_LEAVE_S: Final = 5.0
_GOING_AWAY: Final = 1001


class Socket(WebSocketsSansIOProtocol):
    """Ends with the right code, however much waits to be sent."""

    def handle_connect(self, event: Request) -> None:
        """Also tells the application how to drop the client."""
        super().handle_connect(event)
        scope: Any = getattr(self, "scope", None)
        if scope is not None:
            scope["extensions"]["ax.drop"] = {"call": self.drop}

    def drop(self, code: int, reason: str) -> None:
        """Says `code` behind what is being sent, without waiting for room, and gives the peer a moment to read it."""
        if self.close_sent or self.transport.is_closing():
            return
        self.stop_keepalive()
        try:
            self.conn.send_close(code, reason)
        except InvalidState:
            self.transport.abort()
            return
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.close_sent = True
        if self.read_paused:
            self.read_paused = False
            self.transport.resume_reading()
        self.close_timer = self.loop.call_later(_LEAVE_S, self.transport.abort)

    def shutdown(self) -> None:
        """The server stops."""
        if self.handshake_complete and not self.close_sent:
            self.drop(_GOING_AWAY, "the server stops")
            self.queue.put_nowait({"type": "websocket.disconnect", "code": _GOING_AWAY})
        super().shutdown()
