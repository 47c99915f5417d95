"""The dashboard: its pages and what they are made of.

In: a browser's GET or HEAD. Out: what was built in `exporter/web/dist`, read once, so that no path that is asked for is
looked up on the disk; all else is passed on. It holds no data: nobody needs a token for it, and it counts in no rate.
Each page has a nonce of its own, without which a browser takes no style that a script makes.
"""

import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from exporter.api.guard import Asgi, Message, Receive, Send, policy
from exporter.api.weights import weights

DIST: Final = Path(__file__).parents[1] / "web" / "dist"
OURS: Final = frozenset({"api", "assets", "healthz", "metrics", "readyz"})
"""First parts of paths that are no pages."""
_NONCE: Final = "%NONCE%"
_HTML: Final = "text/html"
_KINDS: Final[Mapping[str, str]] = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".woff2": "font/woff2",
}
"""Files of other kinds are not shown."""
_ENCODINGS: Final[Mapping[str, str]] = {"br": ".br", "gzip": ".gz"}
"""How a file may be compressed, best first, and the name of what was."""
_FOREVER: Final = b"public, max-age=31536000, immutable"
_AN_HOUR: Final = b"public, max-age=3600"
_DENIED: Final = (
    *("accelerometer", "autoplay", "camera", "display-capture", "encrypted-media", "geolocation", "gyroscope", "hid"),
    *("magnetometer", "microphone", "midi", "payment", "picture-in-picture", "publickey-credentials-get"),
    *("screen-wake-lock", "serial", "usb", "xr-spatial-tracking"),
)
_OF_PAGES: Final = [
    (b"content-type", b"text/html; charset=utf-8"),
    (b"cache-control", b"no-store"),  # its nonce is for once
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"permissions-policy", ", ".join(f"{name}=()" for name in _DENIED).encode()),
]
_NOT_BUILT: Final = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>otel-ax</title>
<h1>otel-ax runs, without its dashboard</h1>
<p>It was installed with <code>AX_WEB=skip</code>, or never built. In the checkout, where npm reaches its registry, do
<code>pip install '.[collector]'</code> and start the server again.</p>
<p>All that the dashboard would show is told by <a href="/api/openapi.json">the API</a> and by <code>ax</code>.</p>
</html>
"""


@dataclass(frozen=True, slots=True)
class File:
    """What is sent for a path: its bytes by their encoding, of which "" is none."""

    kind: str
    is_forever: bool
    forms: Mapping[str, bytes]


@dataclass(frozen=True, slots=True)
class Built:
    """A dashboard as it was built; `index` is the page, whose nonces are to be filled in."""

    index: str
    files: Mapping[str, File]


@cache
def built(dist: Path = DIST) -> Built:
    """All of it, read once; a page that says how to get it where there is none."""
    try:
        index = (dist / "index.html").read_text()
    except FileNotFoundError:
        return Built(_NOT_BUILT, {})
    return Built(index, dict(_files(dist)))


def _files(dist: Path) -> Iterator[tuple[str, File]]:
    for path in sorted(dist.rglob("*")):
        if path.suffix in _KINDS and path.is_file() and not path.is_symlink():
            name = path.relative_to(dist).as_posix()
            packed = {encoding: path.with_name(path.name + suffix) for encoding, suffix in _ENCODINGS.items()}
            forms = {encoding: one.read_bytes() for encoding, one in packed.items() if one.is_file()}
            yield f"/{name}", File(_KINDS[path.suffix], name.startswith("assets/"), {**forms, "": path.read_bytes()})


class Web:
    """ASGI middleware."""

    def __init__(self, app: Asgi, *, built: Built) -> None:
        self._app = app
        self._built = built

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answers, or passes on."""
        found = self._answer(scope) if scope["type"] == "http" and scope["method"] in {"GET", "HEAD"} else None
        if found is None:
            await self._app(scope, receive, send)
            return
        headers, body = found
        headers = [*headers, (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})

    def _answer(self, scope: Message) -> tuple[list[tuple[bytes, bytes]], bytes] | None:
        """Headers and body; None where it is not for us to answer."""
        path = scope["path"]
        if (file := self._built.files.get(path)) is not None:
            return _sent(file, _header(scope, b"accept-encoding"))
        if path != "/" and not (_is_page(path) and weights(_header(scope, b"accept")).get(_HTML, 0) > 0):
            return None
        nonce = secrets.token_urlsafe(16)
        page = self._built.index.replace(_NONCE, nonce).encode()
        return [*_OF_PAGES, (b"content-security-policy", policy(nonce))], page


def _is_page(path: str) -> bool:
    first = path.removeprefix("/").partition("/")[0]
    return bool(first) and first not in OURS


def _sent(file: File, accepted: str) -> tuple[list[tuple[bytes, bytes]], bytes]:
    liked = weights(accepted)
    encoding = next((name for name in file.forms if liked.get(name, liked.get("*", 0)) > 0), "")
    headers = [
        (b"content-type", file.kind.encode()),
        (b"cache-control", _FOREVER if file.is_forever else _AN_HOUR),
        (b"vary", b"accept-encoding"),
        *([(b"content-encoding", encoding.encode())] if encoding else []),
    ]
    return headers, file.forms[encoding]


def _header(scope: Message, name: bytes) -> str:
    return ",".join(value.decode("latin-1") for key, value in scope["headers"] if key.lower() == name)
