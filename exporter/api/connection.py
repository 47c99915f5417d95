"""Connections of the UI port: HTTP/1.1 with bounds, and refusals of what is no HTTP that look like all others.

In: bytes of a socket. Out: ASGI requests; 400 for a head that is too large, cannot be read, or names another server.
"""

from typing import Final

from exporter.api.guard import refused
from exporter.http_connection import HttpConnection
from exporter.units import NS_PER_S

_BAD: Final = 400


class Connection(HttpConnection):
    """One that ends, too, when a body takes longer than `timeout_ns`, or a request is meant for a proxy."""

    def on_url(self, url: bytes) -> None:
        """Takes a path alone: who writes `GET http://name/` takes us for a proxy, and `Host` may say another name."""
        super().on_url(url)
        if not self.url.startswith(b"/"):
            raise ValueError("a path begins with a slash")

    def on_headers_complete(self) -> None:
        """Awaits the body."""
        super().on_headers_complete()
        self._start_deadline(self._timeout_ns / NS_PER_S)

    def on_message_complete(self) -> None:
        """Awaits no more of it; a WebSocket, which begins here, may last."""
        self._stop_deadline()
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """Says it as a problem."""
        headers, body = refused((_BAD, msg.rstrip("."), "send HTTP/1.1, with a head of 16 KiB at most"))
        lines = [b"HTTP/1.1 400 Bad Request", *(name + b": " + value for name, value in headers), b"", body]
        self.transport.write(b"\r\n".join(lines))
        self.transport.close()
