"""Files that survive a crash: written under a temporary name, synced, renamed, and the directory synced.

In: bytes and paths. Out: files that are whole or not there.
"""

import fcntl
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Final

TEMPORARY: Final = ".tmp"
"""What the name of a file that is being written ends with."""

_FULLSYNC: Final[int | None] = getattr(fcntl, "F_FULLFSYNC", None)  # macOS: fsync leaves the data in the drive's cache


def sync(descriptor: int) -> None:
    """Return when what was written to `descriptor` is on the disk."""
    if _FULLSYNC is None:
        os.fsync(descriptor)
    else:
        fcntl.fcntl(descriptor, _FULLSYNC)


def sync_directory(directory: Path) -> None:
    """Return when the names in `directory` are on the disk."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def make_directory(directory: Path) -> None:
    """Make `directory` and its missing parents, each one's name on the disk."""
    if directory.is_dir():
        return
    make_directory(directory.parent)
    directory.mkdir(exist_ok=True)
    sync_directory(directory.parent)


def write_temporary(path: Path, data: bytes | memoryview) -> Path:
    """Write and sync `data` beside `path`; the caller renames it. Leaves nothing when it raises `OSError`."""
    temporary = path.with_name(path.name + TEMPORARY)
    make_directory(path.parent)
    try:
        with temporary.open("wb") as file:
            file.write(data)
            file.flush()
            sync(file.fileno())
    except BaseException:
        remove([temporary])
        raise
    return temporary


def write(path: Path, data: bytes | memoryview) -> None:
    """Put a file with `data` at `path`; whole or, when it raises `OSError`, as before.

    The name is on the disk only after `sync_directory`, so that one sync serves many files.
    """
    write_temporary(path, data).replace(path)


def remove(paths: Iterable[Path]) -> None:
    """Unlink what is there of `paths`; a file that cannot be unlinked stays for the next start to remove."""
    for path in paths:
        try:
            path.unlink(missing_ok=True)
        except OSError:
            continue


def remove_empty(directory: Path, *, below: Path) -> None:
    """Remove `directory` and its parents under `below` as far as they are empty."""
    while directory != below and below in directory.parents:
        try:
            directory.rmdir()
        except OSError:
            return
        directory = directory.parent
