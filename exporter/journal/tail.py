"""The journal as the writer reads it.

In: a directory, and the position up to which the catalog has everything. Out: the requests behind it, in order.
"""

import os
from bisect import bisect_right
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from exporter import disk
from exporter.journal import files, frame
from exporter.journal.head import Head
from exporter.signals import Request

_AHEAD_BYTES: Final = 16 * 2**10
"""Read at once for small frames; the payload of a larger one is read by itself, without a copy."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A request, and the positions where its frame begins and where the next one does."""

    request: Request
    position: int
    end: int


class Tail:
    """Reads what is durable, from a position on. It never reads what it may have to take back, and never stops.

    A frame that fails its check is passed over up to the next sound one: `lost_frames` counts such holes (each a frame
    at least), `lost_bytes` their bytes. After a power cut a hole may be a request that was never acknowledged.
    """

    def __init__(self, directory: Path, head: Head, position: int) -> None:
        """A tail at `position`; use `Tail.open`."""
        self.position = position
        self.lost_frames = 0
        self.lost_bytes = 0
        self._directory = directory
        self._head = head
        self._stored = position
        self._fd: int | None = None
        self._base: int | None = None
        self._ahead = b""
        self._ahead_at = 0
        self._previous: frame.Header | None = None

    @classmethod
    def open(cls, directory: Path, position: int) -> Self:
        """Opens the journal in `directory`, which need not be there yet, with everything before `position` stored."""
        disk.make_directory(directory, 0o700)
        tail = cls(directory, Head.open(directory), position)
        tail.stored(position)
        return tail

    @property
    def lag_bytes(self) -> int:
        """Durable bytes that are not yet stored."""
        return max(0, self._head.durable - self._stored)

    def read(self, max_bytes: int) -> list[Entry]:
        """The next durable requests, of `max_bytes` together or only one; empty when there are none."""
        durable = self._head.durable
        if durable <= self.position:
            return []
        bases = files.bases(self._directory, "log")
        entries: list[Entry] = []
        left = max_bytes
        while self.position < durable:
            limit = self._enter(bases, durable)
            header = self._header(limit)
            if header is not None and entries and header.end - header.position > left:
                break
            request = None if header is None else self._request(header)
            if header is None or request is None:
                self._pass_over(limit)
                continue
            entries.append(Entry(request, header.position, header.end))
            left -= header.end - header.position
            self.position = header.end
            self._previous = header
        return entries

    def stored(self, position: int) -> None:
        """Tells the receiver that the catalog has everything before `position`."""
        self._stored = position
        self._head.stored = position

    def close(self) -> None:
        """Closes the files."""
        self._leave()
        self._head.close()

    def _enter(self, bases: list[int], durable: int) -> int:
        """Opens the file that holds the present position, if any does, and returns the position where it ends."""
        following = bisect_right(bases, self.position)
        limit = min(bases[following], durable) if following < len(bases) else durable
        base = bases[following - 1] if following else None
        if base != self._base:
            self._leave()
            self._base = base
            if base is not None:
                self._fd = os.open(files.path_of(self._directory, base, "log"), os.O_RDONLY)
                self._previous = self._last_before(base)
        return limit

    def _last_before(self, base: int) -> frame.Header | None:
        """The last live frame before the present position, in the file that begins at `base`.

        Behind a hole, frames of the file's former use may be whole: the log tells them by those before, and so do we.
        """
        if self.position == base:
            return None
        buffer = self._pread(base, self.position - base)
        return next(iter(deque(frame.scan(buffer, base, self.position), maxlen=1)), None)

    def _header(self, limit: int) -> frame.Header | None:
        """The header of the frame at the present position, if it can be live and ends at `limit` or before."""
        start = self.position - self._ahead_at
        if not 0 <= start <= len(self._ahead) - frame.HEADER_BYTES:
            self._ahead = self._pread(self.position, min(_AHEAD_BYTES, limit - self.position))
            self._ahead_at = self.position
            start = 0
        header = frame.parse(self._ahead, start, self.position)
        return header if header is not None and header.end <= limit and header.follows(self._previous) else None

    def _request(self, header: frame.Header) -> Request | None:
        tenant_at = header.position + frame.HEADER_BYTES
        payload_at = tenant_at + header.tenant_bytes
        tenant = self._take(tenant_at, header.tenant_bytes)
        return frame.request_of(header, tenant, self._take(payload_at, header.payload_bytes))

    def _take(self, position: int, size_bytes: int) -> bytes:
        start = position - self._ahead_at
        if start + size_bytes <= len(self._ahead):
            return self._ahead[start : start + size_bytes]
        return self._pread(position, size_bytes)

    def _pread(self, position: int, size_bytes: int) -> bytes:
        if self._fd is None or self._base is None:
            return b""
        return os.pread(self._fd, size_bytes, position - self._base)

    def _pass_over(self, limit: int) -> None:
        """Goes on at the next frame that can be live; there is none before `limit`, then there."""
        buffer = self._pread(self.position, limit - self.position)
        header = frame.find(buffer, self.position, 1, self._previous)
        end = limit if header is None else header.position
        self.lost_frames += 1
        self.lost_bytes += end - self.position
        self.position = end

    def _leave(self) -> None:
        if self._fd is not None:
            os.close(self._fd)
        self._fd = None
        self._base = None
        self._ahead = b""
        self._previous = None
