"""What a journal's directory holds when it is opened, whatever state it was left in.

In: a directory and the positions of its head. Out: where the log ends, what is remembered for retries.
"""

import os
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from exporter import config, disk
from exporter.journal import files, frame, window


@dataclass(frozen=True, slots=True)
class Recovered:
    """The state of the log.

    `end`: the position of the next frame. `bases`: of all files, ascending. `usable`: the newest file goes on at `end`.
    `last`: the last live frame of the newest file. `keys`: its digests, packed. `held`: the other `.keys` files.
    `remembered`: of all of them, what a retry may need.
    """

    end: int
    bases: list[int]
    usable: bool
    last: frame.Header | None
    keys: bytes
    held: list[window.Held]
    remembered: window.Window


def recover(directory: Path, settings: config.Journal, *, durable: int, stored: int) -> Recovered:
    """Reads the newest file, and the keys of all others; what is valid is synced when this returns.

    The end lies behind the last live frame, and never before `durable` or `stored`: the writer may be there already.
    """
    bases = files.bases(directory, "log")
    ends = dict(pairwise(bases))
    held = []
    remembered = window.Window(settings.dedup_window, settings.dedup_requests)
    newest = bases[-1] if bases else None
    for base in sorted({*bases[:-1], *files.bases(directory, "keys")} - {newest}):
        keys = _keys(directory, base, ends.get(base), settings.dedup_requests)
        if keys is not None:
            held.append(window.Held(base, keys.count, keys.newest()))
            _remember(remembered, keys)
    last: frame.Header | None = None
    keys = window.Keys(0, b"")
    if newest is not None:
        last, keys = _read(directory, newest, durable)
        _remember(remembered, keys)
        _sync(files.path_of(directory, newest, "log"))
    disk.sync_directory(directory)
    end = max(keys.end, durable, stored)
    return Recovered(end, bases, newest is not None and end == keys.end, last, keys.packed, held, remembered)


def _keys(directory: Path, base: int, end: int | None, requests: int) -> window.Keys | None:
    """The keys of a closed file; made anew where its log, which ends at `end`, is there and they are not sound."""
    path = files.path_of(directory, base, "keys")
    keys = window.load(path)
    if end is None:
        if keys is None:
            path.unlink()
        return keys
    if keys is None or keys.end != end:
        _, found = _read(directory, base, end, end)
        keys = window.Keys(end, found.packed)
        window.save(path, keys, requests)
    return keys


def _read(directory: Path, base: int, durable: int, end: int | None = None) -> tuple[frame.Header | None, window.Keys]:
    """The last live frame of a log file, and its keys; frames at or behind `end` are of an aborted group."""
    buffer = files.path_of(directory, base, "log").read_bytes()
    last: frame.Header | None = None
    packed = bytearray()
    for header in frame.scan(buffer if end is None else buffer[: end - base], base, durable):
        packed += window.pack(header.digest, header.received_at)
        last = header
    return last, window.Keys(last.end if last else base, bytes(packed))


def _remember(remembered: window.Window, keys: window.Keys) -> None:
    for digest, received_at in keys.seen():
        remembered.add(digest, received_at)


def _sync(path: Path) -> None:
    fd = os.open(path, os.O_RDWR)
    try:
        disk.sync(fd)
    finally:
        os.close(fd)
