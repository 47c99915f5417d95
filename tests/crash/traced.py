"""What strace saw a server do: its system calls, and the requests and responses in what it read and wrote.

In: the log of `strace -f -yy -xx`. Out: calls in their order; per connection, what was asked and answered when.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

STRACE: Final = ("strace", "-f", "-qq", "-yy", "-xx", "-s", str(2**16), "-e", "signal=none")

_LINE: Final = re.compile(r"(?P<pid>\d+) +(?:<\.\.\. (?P<resumed>\w+) resumed>)?(?P<rest>.*)")
_CALL: Final = re.compile(r"(?P<name>\w+)\((?P<arguments>.*)\) += (?P<result>-?\d+).*")
_HEX: Final = re.compile(r"(?:\\x[0-9a-f]{2})+")
_TEXT: Final = re.compile(r'"((?:\\x[0-9a-f]{2})*)"(\.\.\.)?')
_FILE: Final = re.compile(r"\d+<((?:->|[^>])*)>")
_UNFINISHED: Final = " <unfinished ...>"


@dataclass(frozen=True, slots=True)
class Call:
    """A call that succeeded. `began` and `ended` are lines of the log; between them, other threads may have been busy.

    `file` is what its first descriptor stands for: a path, or addresses; `texts` are the strings among its arguments,
    `is_cut` says that strace did not show them whole.
    """

    name: str
    began: int
    ended: int
    file: str
    texts: tuple[bytes, ...]
    result: int
    is_cut: bool

    @property
    def data(self) -> bytes:
        """The bytes that it read or wrote."""
        if self.is_cut:
            raise ValueError(f"a {self.name} of {self.result} bytes on {self.file} is longer than strace was to show")
        return b"".join(self.texts)[: self.result]


def calls(log: Path) -> Iterator[Call]:
    """The calls of all threads, in the order in which they ended."""
    begun: dict[str, tuple[int, str]] = {}
    with log.open() as lines:
        for number, line in enumerate(lines):
            found = _LINE.fullmatch(line.rstrip("\n"))
            if found is None:
                continue
            pid, rest, began = found["pid"], found["rest"], number
            if rest.endswith(_UNFINISHED):
                begun[pid] = number, rest.removesuffix(_UNFINISHED)
                continue
            if found["resumed"] and pid in begun:
                began, start = begun.pop(pid)
                rest = start + rest
            call = _CALL.fullmatch(rest)
            if call is not None and int(call["result"]) >= 0:
                texts = _TEXT.findall(call["arguments"])
                file = _FILE.match(call["arguments"])
                yield Call(
                    call["name"],
                    began,
                    number,
                    "" if file is None else _name(file[1]),
                    tuple(_bytes(text) for text, _ in texts),
                    int(call["result"]),
                    is_cut=any(more for _, more in texts),
                )


def _bytes(text: str) -> bytes:
    return bytes.fromhex(text.replace("\\x", ""))


def _name(shown: str) -> str:
    """A file's path or a connection's addresses; with -xx, strace writes paths in hexadecimal too."""
    path = _HEX.match(shown)
    return shown if path is None else _bytes(path[0]).decode()


@dataclass(slots=True)
class Exchange:
    """A request, as far as it was read, and the line of the log where the first byte of its answer was being sent."""

    request: bytes = b""
    answered: int | None = None
    is_success: bool = False


@dataclass(slots=True)
class Connection:
    """Both directions of a connection that the server accepted, HTTP/2 (gRPC) or HTTP/1.1.

    An answer of HTTP/2 begins with a HEADERS frame of its stream. Whether it is an acknowledgement, HPACK hides: so all
    that have a DATA frame are, since a refusal has none.
    """

    exchanges: list[Exchange] = field(default_factory=list)
    _streams: dict[int, Exchange] = field(default_factory=dict)
    _read: bytes = b""
    _written: bytes = b""
    _is_http2: bool = False

    def read(self, data: bytes) -> None:
        """Takes what the server read."""
        if not self._is_http2 and not self.exchanges:
            self._is_http2 = data.startswith(_PREFACE)
            data = data.removeprefix(_PREFACE)
        if self._is_http2:
            frames, self._read = _frames(self._read + data)
            for kind, stream, body in frames:
                if kind == _DATA:
                    self._exchange(stream).request += body
        else:
            if not self.exchanges or self.exchanges[-1].answered is not None:
                self.exchanges.append(Exchange())
            self.exchanges[-1].request += data

    def write(self, data: bytes, began: int) -> None:
        """Takes what the server wrote by a call that began at a line of the log."""
        if not self._is_http2:
            if data.startswith(b"HTTP/1.1 "):
                self.exchanges[-1].answered = began
                self.exchanges[-1].is_success = data.startswith(b"HTTP/1.1 200 ")
            return
        frames, self._written = _frames(self._written + data)
        for kind, stream, _ in frames:
            exchange = self._exchange(stream) if kind in {_DATA, _HEADERS} else Exchange()
            if exchange.answered is None:
                exchange.answered = began
            exchange.is_success |= kind == _DATA

    def _exchange(self, stream: int) -> Exchange:
        if stream not in self._streams:
            self._streams[stream] = Exchange()
            self.exchanges.append(self._streams[stream])
        return self._streams[stream]


_PREFACE: Final = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_FRAME_HEADER: Final = 9
_DATA: Final = 0
_HEADERS: Final = 1


def _frames(buffer: bytes) -> tuple[list[tuple[int, int, bytes]], bytes]:
    """The whole HTTP/2 frames at the start of a buffer, as type, stream and body; and the rest of the buffer."""
    frames = []
    while len(buffer) >= _FRAME_HEADER:
        end = _FRAME_HEADER + int.from_bytes(buffer[:3])
        if len(buffer) < end:
            break
        frames.append((buffer[3], int.from_bytes(buffer[5:9]), buffer[_FRAME_HEADER:end]))
        buffer = buffer[end:]
    return frames, buffer
