"""Who asks: what every request passes after `Guard`.

In: ASGI; a token in the header `authorization`, or the cookie of a browser that has logged in. Out: ASGI with the
`Caller` in `scope["caller"]`; 401 where a token is needed, 403 for a change that a cookie alone asks for, 429 for who
asks too often, each as problem+json, also to those who want a WebSocket. A token in a URL is never read.
"""

import ipaddress
import math
from dataclasses import dataclass
from functools import partial
from typing import Final

from exporter.api.guard import READING, Asgi, Message, Receive, Send
from exporter.api.problems import Problem, answer
from exporter.api.rate import Buckets
from exporter.auth import ANYBODY, NOBODY, Door
from exporter.auth.sessions import Sessions
from exporter.auth.tokens import Token
from exporter.clock import Clock
from exporter.config import Rate
from exporter.errors import ANSWERS, Refused
from exporter.units import NS_PER_S

FREE: Final = frozenset({"/healthz", "/readyz"})
"""Paths that need no token."""
SESSION: Final = "/api/session"
CHALLENGE: Final = {"WWW-Authenticate": "Bearer"}
_OWN_HEADER: Final = b"x-ax-request"
_LOGINS_PER_S: Final = 1 / 10
_LOGINS_AT_ONCE: Final = 5
_COOKIES_BYTES: Final = 8_192


@dataclass(frozen=True, slots=True)
class _Asked:
    """What a request says of who asks."""

    authorization: str | None
    cookie: str | None
    has_own_header: bool
    has_origin: bool


class Entry:
    """ASGI middleware. `cookie` is the name of the one that stands for a session."""

    def __init__(self, app: Asgi, *, door: Door, sessions: Sessions, cookie: str, rate: Rate, clock: Clock) -> None:
        self._app = app
        self._door = door
        self._sessions = sessions
        self._cookie = cookie
        self._rate = rate
        self._clock = clock
        self._asking = Buckets(rate.requests, rate.burst)
        self._logging_in = Buckets(_LOGINS_PER_S, _LOGINS_AT_ONCE)

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Refuses, or passes on."""
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
            return
        problem, headers = self._refusal(scope)
        if problem is None:
            await self._app(scope, receive, send)
        elif scope["type"] == "http" or "websocket.http.response" in scope.get("extensions", {}):
            await answer(problem, headers)(scope, receive, send)
        else:
            await send({"type": "websocket.close", "code": 1008})

    def _refusal(self, scope: Message) -> tuple[Problem | None, dict[str, str]]:
        """What is wrong, and headers that say it; where nothing is, the scope has its caller then."""
        asked = _asked(scope, self._cookie)
        token, refused = None, None
        is_by_cookie = False
        try:
            token, is_by_cookie = self._token(asked)
        except Refused as error:
            refused = error
        address = _network(scope)
        now = self._clock.monotonic()
        if wait := self._asking.take(address if token is None else f"token {token.number}", now):
            return _too_often(wait, f"at most {self._rate.requests} a second are answered", "raise rate.requests")
        is_login = scope["type"] == "http" and scope["path"] == SESSION and scope["method"] == "POST"
        if is_login and (wait := self._logging_in.take(address, now)):
            return _too_often(wait, "too many logins were tried from here", "use a token in the header Authorization")
        if refused is not None and not is_login and not (scope["type"] == "http" and scope["path"] in FREE):
            status = ANSWERS[refused.reason].http
            return Problem(title=refused.message, status=status, mend=refused.mend), CHALLENGE
        if is_by_cookie and not is_login and not _is_asked_by_us(scope, asked):
            title = "a change that a cookie asks for needs the header X-Ax-Request"
            return Problem(title=title, status=403, mend="send X-Ax-Request: 1, or a token"), {}
        scope["caller"] = token.caller if token is not None else ANYBODY if refused is None else NOBODY
        if scope["type"] == "websocket":  # it may be open for days
            scope["holds"] = partial(self._holds, asked)
        return None, {}

    def _holds(self, asked: _Asked) -> bool:
        """Whether who was let in would be let in again."""
        try:
            self._token(asked)
        except Refused:
            return False
        return True

    def _token(self, asked: _Asked) -> tuple[Token | None, bool]:
        """The token, and whether a cookie stands for it. Raises `Refused`."""
        if asked.authorization is None and asked.cookie is not None:
            found = self._sessions.find(asked.cookie)
            if found is not None:
                return found, True
        return self._door.token_of(asked.authorization), False


def _asked(scope: Message, cookie: str) -> _Asked:
    headers: dict[bytes, bytes] = {name.lower(): value for name, value in scope["headers"]}
    authorization = headers.get(b"authorization")
    return _Asked(
        None if authorization is None else authorization.decode("latin-1"),
        _value(headers.get(b"cookie", b""), cookie),
        headers.get(_OWN_HEADER) == b"1",
        b"origin" in headers,
    )


def _value(cookies: bytes, name: str) -> str | None:
    """Of one cookie among those that a browser sends."""
    for one in cookies[:_COOKIES_BYTES].decode("latin-1").split(";"):
        key, equals, value = one.strip().partition("=")
        if equals and key == name:
            return value
    return None


def _is_asked_by_us(scope: Message, asked: _Asked) -> bool:
    """Whether a page of ours asks: no other can set a header of that name, or an Origin that `Guard` lets in."""
    if scope["type"] == "websocket":
        return asked.has_origin
    return scope["method"] in READING or asked.has_own_header


def _network(scope: Message) -> str:
    """Where it comes from: an IPv4 address, or the network in which one asker may have any IPv6 address."""
    client = scope.get("client")
    host = client[0] if client else ""
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return str(host)
    if address.version == 4:  # noqa: PLR2004 (of the Internet Protocol)
        return str(address)
    return str(ipaddress.ip_network((address, 64), strict=False))


def _too_often(wait: int, title: str, mend: str) -> tuple[Problem, dict[str, str]]:
    seconds = max(1, math.ceil(wait / NS_PER_S))
    problem = Problem(title=title, status=429, mend=f"wait {seconds} s, or {mend}", retryable=True)
    return problem, {"Retry-After": str(seconds)}
