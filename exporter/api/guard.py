"""What every request passes: the Host it names must be ours, and every answer says that it is nobody else's.

In: ASGI. Out: ASGI; 421 for a foreign Host, which is how a web page reaches a server on loopback by DNS rebinding.
"""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final

from exporter.config import LOOPBACK

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Asgi = Callable[[Message, Receive, Send], Awaitable[None]]

_OURS: Final = frozenset({LOOPBACK, "127.0.0.1", "::1"})
_HEADERS: Final = [
    (
        b"content-security-policy",
        (
            b"default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
            b"frame-ancestors 'none'; base-uri 'none'; form-action 'self'"
        ),
    ),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
]
_MISDIRECTED: Final = 421


class Guard:
    """ASGI middleware; `any_host` where the server is meant to be reached by names that we do not know."""

    def __init__(self, app: Asgi, *, any_host: bool) -> None:
        self._app = app
        self._any_host = any_host

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answers 421, or passes on and adds headers."""
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
            return
        hosts = [value.decode("latin-1") for name, value in scope["headers"] if name == b"host"]
        if not self._any_host and not (len(hosts) == 1 and host_of(hosts[0]) in _OURS):
            await _refuse(send, is_http=scope["type"] == "http")
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", []), *_HEADERS]
            await send(message)

        await self._app(scope, receive, send_with_headers)


def host_of(header: str) -> str:
    """The host of a `Host` header, lower-case, without port and brackets."""
    host = header.strip().lower()
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0]


async def _refuse(send: Send, *, is_http: bool) -> None:
    if not is_http:
        await send({"type": "websocket.close", "code": 1008})
        return
    body = b'{"detail":"this server is reached as localhost, 127.0.0.1 or [::1] only"}'
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode()), *_HEADERS]
    await send({"type": "http.response.start", "status": _MISDIRECTED, "headers": headers})
    await send({"type": "http.response.body", "body": body})
