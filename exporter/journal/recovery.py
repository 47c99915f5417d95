"""What a journal's directory holds when it is opened, whatever state it was left in.

In: a directory and the positions of its head. Out: where the log ends, what is remembered for retries.
"""

import os
from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

from exporter import config, disk
from exporter.journal import files, frame, window
from exporter.signals import Signal


@dataclass(frozen=True, slots=True)
class Recovered:
    """The state of the log.

    `end`: the position of the next frame. `bases`: of all files, ascending. `usable`: the newest file goes on at `end`.
    `last`: the last live frame of the newest file. `keys`: its digests, and all items. `held`: the other `.keys` files.
    `remembered`: of all of them, what a retry may need.
    """

    end: int
    bases: list[int]
    usable: bool
    last: frame.Header | None
    keys: window.Keys
    held: list[window.Held]
    remembered: window.Window


def recover(directory: Path, settings: config.Journal, *, durable: int, stored: int) -> Recovered:
    """Reads the newest file, and the keys of all others; what is valid is synced when this returns.

    However much waits to be stored, that takes little longer than one file does. The end lies behind the last live
    frame, and never before `durable` or `stored`: the writer may be there already.
    """
    bases = files.bases(directory, "log")
    ends = dict(pairwise(bases))
    held = []
    latest = _Latest(settings.dedup_requests)
    newest = bases[-1] if bases else None
    for base in sorted({*bases[:-1], *files.bases(directory, "keys")} - {newest}):
        keys = _keys(directory, base, ends.get(base), settings.dedup_requests, latest.items)
        if keys is not None:
            held.append(window.Held(base, keys.count, keys.newest()))
            latest.add(keys)
    last: frame.Header | None = None
    keys = window.Keys(0, b"", latest.items)
    if newest is not None:
        last, keys = _read(directory, newest, durable, latest.items)
        latest.add(keys)
        _sync(files.path_of(directory, newest, "log"))
    disk.sync_directory(directory)
    end = max(keys.end, durable, stored)
    remembered = latest.window(settings.dedup_window)
    return Recovered(end, bases, newest is not None and end == keys.end, last, keys, held, remembered)


class _Latest:
    """The keys of the last `requests` requests, and no others: a long journal has far more."""

    def __init__(self, requests: int) -> None:
        self.items: Mapping[Signal, int] = {}
        self._requests = requests
        self._count = 0
        self._keys: deque[window.Keys] = deque()

    def add(self, keys: window.Keys) -> None:
        """Takes the keys of the file that follows."""
        self.items = keys.items
        self._keys.append(keys)
        self._count += keys.count
        while self._count - self._keys[0].count >= self._requests:
            self._count -= self._keys.popleft().count

    def window(self, age_ns: int) -> window.Window:
        """The window that remembers them."""
        remembered = window.Window(age_ns, self._requests)
        for keys in self._keys:
            for digest, received_at in keys.seen():
                remembered.add(digest, received_at)
        return remembered


def _keys(
    directory: Path, base: int, end: int | None, requests: int, before: Mapping[Signal, int]
) -> window.Keys | None:
    """The keys of a closed file; made anew where its log, which ends at `end`, is there and they are not sound."""
    path = files.path_of(directory, base, "keys")
    keys = window.load(path)
    if end is None:
        if keys is None:
            path.unlink()
        return keys
    if keys is None or keys.end != end:
        _, found = _read(directory, base, end, before, end)
        keys = replace(found, end=end)
        window.save(path, keys, requests)
    else:
        _sync(path)  # a process that was killed may have made it anew and not have synced it
    return keys


def _read(
    directory: Path, base: int, durable: int, before: Mapping[Signal, int], end: int | None = None
) -> tuple[frame.Header | None, window.Keys]:
    """The last live frame of a log file, and its keys; frames at or behind `end` are of an aborted group.

    `before` are the items before the file.
    """
    buffer = files.path_of(directory, base, "log").read_bytes()
    last: frame.Header | None = None
    packed = bytearray()
    items = Counter(before)
    for header in frame.scan(buffer if end is None else buffer[: end - base], base, durable):
        packed += window.pack(header.digest, header.received_at)
        items[header.signal] += header.items
        last = header
    return last, window.Keys(last.end if last else base, bytes(packed), items)


def _sync(path: Path) -> None:
    fd = os.open(path, os.O_RDWR)
    try:
        disk.sync(fd)
    finally:
        os.close(fd)
