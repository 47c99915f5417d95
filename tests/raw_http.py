"""HTTP as no client library would send it.

In: bytes. Out: the answers that came back, whole, until the server closed or nothing came for a while.
"""

import socket
from dataclasses import dataclass
from http.client import HTTPException, HTTPResponse
from io import BufferedReader
from typing import Any, Final
from urllib.parse import urlsplit

_PATIENCE_S: Final = 20.0
_MORE_S: Final = 1.0
"""For further answers, which were sent by the time the first had been read."""


@dataclass(frozen=True, slots=True)
class Told:
    """An answer; header names are lower-case, of equal ones the last counts."""

    status: int
    headers: dict[str, str]
    body: bytes


def address_of(url: str) -> tuple[str, int]:
    """Host and port of a URL."""
    parts = urlsplit(url)
    return parts.hostname or "", parts.port or 80


def tell(url: str, *requests: bytes, answers: int = 1, method: str = "GET") -> list[Told]:
    """Sends the bytes on one connection, each part when it can be sent, and reads as many answers, or fewer."""
    with socket.create_connection(address_of(url), timeout=_PATIENCE_S) as one, one.makefile("rb") as stream:
        for request in requests:
            try:
                one.sendall(request)
            except OSError:  # closed meanwhile; what was answered before is still to be read
                break
        found = [_read(stream, method)]
        one.settimeout(_MORE_S if answers > 1 else 0)
        found += [_read(stream, method) for _ in range(answers - 1)]
    return [answer for answer in found if answer is not None]


def _read(stream: BufferedReader, method: str) -> Told | None:
    response = HTTPResponse(_Stream(stream), method=method)  # type: ignore[arg-type]
    try:
        response.begin()
        body = b"" if response.status == 101 else response.read()  # a WebSocket follows
    except (HTTPException, OSError):  # closed without a word, or none came
        return None
    return Told(response.status, {name.lower(): value for name, value in response.getheaders()}, body)


class _Stream:
    """What `HTTPResponse` takes for a socket; answers that follow stay in the stream."""

    def __init__(self, stream: BufferedReader) -> None:
        self._stream = _Kept(stream)

    def makefile(self, *_: Any) -> "_Kept":
        return self._stream


class _Kept:
    """A stream that is not closed with the first answer."""

    def __init__(self, stream: BufferedReader) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def close(self) -> None:
        """Stays open."""

    def flush(self) -> None:
        """Has nothing to write."""
