"""What every request passes: the Host and the Origin it names must be ours, and a body is JSON of some size.

In: ASGI. Out: ASGI; 421 for a foreign Host, which is how a web page reaches a server on loopback by DNS rebinding; 403
for a change that another site's page asks for; 411, 413 and 415 for bodies that are none of ours.
"""

import ipaddress
import json
import re
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from exporter.addresses import is_loopback, split
from exporter.config import LOOPBACK, Serve

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Asgi = Callable[[Message, Receive, Send], Awaitable[None]]
Headers = dict[str, list[str]]

LARGEST_BYTES: Final = 2**20
_OURS: Final = frozenset({LOOPBACK, "127.0.0.1", "::1"})
_STYLES: Final = "style-src 'self'"
_POLICY: Final = (
    f"default-src 'none'; script-src 'self'; {_STYLES}; font-src 'self'; connect-src 'self'; img-src 'self' data:; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'self'; "
    "require-trusted-types-for 'script'; trusted-types default"  # whose one rule is in src/trusted.ts
)


def policy(nonce: str | None = None) -> bytes:
    """What a browser may load for an answer; with a nonce also the styles that carry it."""
    return (_POLICY if nonce is None else _POLICY.replace(_STYLES, f"{_STYLES} 'nonce-{nonce}'")).encode()


_HEADERS: Final = [
    (b"content-security-policy", policy()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-frame-options", b"DENY"),
    (b"cross-origin-resource-policy", b"same-origin"),
]
READING: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_MISDIRECTED: Final = 421
_HOST: Final = re.compile(r"(?:\[(?P<address>[0-9a-f:.]+)\]|(?P<name>[^:/?#@\[\]\s]+))(?::[0-9]{1,5})?", re.ASCII)
Refusal = tuple[int, str, str]


@dataclass(frozen=True, slots=True)
class Hosts:
    """What a `Host` may name: `names`, and any address where `addresses`.

    A page can let its own name mean our address, which is DNS rebinding; an address means itself.
    """

    names: frozenset[str] = _OURS
    addresses: bool = False

    @classmethod
    def of(cls, serve: Serve) -> "Hosts":
        """Those of the UI port: loopback, where it listens, and what the settings say that people call it."""
        bound, _ = split("serve.ui", serve.ui)
        names = frozenset(map(host_of, (serve.ui, *serve.hosts)))
        return cls(_OURS | names, addresses=not is_loopback(bound))

    def have(self, header: str) -> bool:
        """Whether it is one of these."""
        host = host_of(header)
        return host in self.names or (self.addresses and _is_address(host))

    @property
    def refusal(self) -> Refusal:
        """What is said to one who asks for another."""
        if self == Hosts():
            title = "this server is reached as localhost, 127.0.0.1 or [::1] only"
            return _MISDIRECTED, title, "ask one of these, or serve with --ui HOST:PORT"
        return _MISDIRECTED, "this server is not known by that name", "ask by one of its own, or add it to serve.hosts"


class Guard:
    """ASGI middleware; `hosts` are the server's own."""

    def __init__(self, app: Asgi, *, hosts: Hosts) -> None:
        self._app = app
        self._hosts = hosts

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Refuses, or passes on and adds headers."""
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
            return
        refusal = refusal_of(scope, self._hosts)
        if refusal is not None:
            await _refuse(scope, send, refusal)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] in {"http.response.start", "websocket.http.response.start"}:
                headers = list(message.get("headers", []))
                told = {name for name, _ in headers}
                message["headers"] = [*headers, *(one for one in _HEADERS if one[0] not in told)]
            await send(message)

        await self._app(scope, receive, send_with_headers)


def refusal_of(scope: Message, own: Hosts) -> Refusal | None:
    """Status, what is wrong and the mend; None for a request that may pass."""
    headers: Headers = {}
    for name, value in scope["headers"]:
        headers.setdefault(name.decode("latin-1").lower(), []).append(value.decode("latin-1"))
    hosts = headers.get("host", [])
    if not (len(hosts) == 1 and own.have(hosts[0])):
        return own.refusal
    if scope["type"] == "http" and scope["method"] in READING:
        return None
    if not _is_same_site(headers, hosts):
        return 403, "a page of another site asks for a change", "ask from a page of this server, or without a browser"
    return _wrong_body(headers) if scope["type"] == "http" else None


def _is_same_site(headers: Headers, hosts: list[str]) -> bool:
    """Whether the Origin, where one is sent, is where the request goes; programs send none."""
    if any(site in {"cross-site", "same-site"} for site in headers.get("sec-fetch-site", [])):
        return False
    return all(_is_ours(origin, hosts) for origin in headers.get("origin", []))


def _is_ours(origin: str, hosts: list[str]) -> bool:
    try:
        parts = urlsplit(origin)
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and [parts.netloc.lower()] == [host.strip().lower() for host in hosts]


def _wrong_body(headers: Headers) -> Refusal | None:
    lengths = headers.get("content-length", [])
    if "transfer-encoding" in headers:
        return 411, "the length of the body is not told", "send Content-Length"
    if not lengths or lengths == ["0"]:
        return None
    if not (len(lengths) == 1 and lengths[0].isascii() and lengths[0].isdigit()):
        return 400, "Content-Length cannot be read", "send it once, in digits"
    if int(lengths[0]) > LARGEST_BYTES:
        return 413, f"a body has at most {LARGEST_BYTES} bytes", "send less"
    kinds = [kind.partition(";")[0].strip().lower() for kind in headers.get("content-type", [])]
    if kinds != ["application/json"]:
        return 415, "a body is JSON", "send Content-Type: application/json"
    return None


def host_of(header: str) -> str:
    """The host of a `Host` header, lower-case, without port and brackets; empty where it is more than that."""
    found = _HOST.fullmatch(header.strip().lower())
    return (found["address"] or found["name"] or "") if found else ""


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


async def _refuse(scope: Message, send: Send, refusal: Refusal) -> None:
    kind = "http" if scope["type"] == "http" else "websocket.http"
    headers, body = refused(refusal)
    await send({"type": f"{kind}.response.start", "status": refusal[0], "headers": headers})
    await send({"type": f"{kind}.response.body", "body": body})


def refused(refusal: Refusal) -> tuple[list[tuple[bytes, bytes]], bytes]:
    """Headers and body of an answer that refuses."""
    status, title, mend = refusal
    body = json.dumps({"title": title, "status": status, "mend": mend, "retryable": False}).encode()
    headers = [
        (b"content-type", b"application/problem+json"),
        (b"content-length", str(len(body)).encode()),
        (b"connection", b"close"),  # what is left of the body is not read
        *_HEADERS,
    ]
    return headers, body
