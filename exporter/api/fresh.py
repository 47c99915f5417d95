"""Answers that have not changed are not given again.

In: a request whose answer depends on nothing but what is stored. Out: its ETag, or 304 before anything is asked.

A tag stands for the publication that was there before the question, so an answer is never older than its tag says. It
also stands for a minute of the clock: whether a run is lost depends on the time too.
"""

import hashlib
from contextlib import suppress
from typing import Final, Protocol

from fastapi import Request
from starlette.exceptions import HTTPException

from exporter.api.callers import Reader
from exporter.clock import Clock
from exporter.config import Config
from exporter.query.period import MINUTE
from exporter.store import duck

KEPT: Final = {"Cache-Control": "private, no-cache"}
"""A client may keep it, and asks each time whether it still holds."""


class _Edge(Protocol):
    @property
    def config(self) -> Config: ...

    @property
    def clock(self) -> Clock: ...


def edge(request: Request) -> _Edge:
    """The settings and the clock of the server that is asked."""
    found: _Edge = request.app.state.shared
    return found


def unchanged(request: Request, caller: Reader) -> None:
    """A dependency of routes: answers 304 where the client has this already, else lets `headers` tell the tag."""
    at = edge(request)
    with suppress(OSError):
        published = (at.config.data / duck.FILE).stat()
        parts = (
            published.st_ino,
            published.st_mtime_ns,
            at.clock.wall() // MINUTE,
            caller.tenant,
            str(request.url),
            request.headers.get("accept"),
        )
        tag = f'W/"{hashlib.blake2b(repr(parts).encode(errors="replace"), digest_size=12).hexdigest()}"'
        request.state.tag = tag
        if tag in _sent(request.headers.get("if-none-match", "")):
            raise HTTPException(304, headers=headers(request))


def headers(request: Request) -> dict[str, str]:
    """What to send with an answer."""
    tag = getattr(request.state, "tag", None)
    return {"Vary": "Accept", **({"Cache-Control": "no-store"} if tag is None else {"ETag": tag, **KEPT})}


def _sent(header: str) -> set[str]:
    return {one.strip() for one in header.split(",")}
