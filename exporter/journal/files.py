"""Files of the journal's directory: their names, and how they are made and written.

In: a directory and positions. Out: paths, bytes written, synced. A journal file is named after its first position:
sixteen hexadecimal digits and `.log`; the digests of its requests are in the same name with `.keys`.
Any other file in the directory is not ours and is left alone.
"""

import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Literal

from exporter import disk

Kind = Literal["log", "keys"]

_NAME: Final = re.compile(r"([0-9a-f]{16})\.(log|keys)")
_BUFFERS: Final = 1024
"""Most buffers that one `pwritev` takes (IOV_MAX of Linux and macOS)."""
_MODE: Final = 0o600


def path_of(directory: Path, base: int, kind: Kind) -> Path:
    """Where the file of `kind` is whose first position is `base`."""
    return directory / f"{base:016x}.{kind}"


def bases(directory: Path, kind: Kind) -> list[int]:
    """First positions of all files of `kind`, ascending."""
    with os.scandir(directory) as entries:
        names = [_NAME.fullmatch(entry.name) for entry in entries]
    return sorted(int(name[1], 16) for name in names if name is not None and name[2] == kind)


def start(path: Path, size_bytes: int) -> None:
    """Makes the file `path` with room for `size_bytes`, so that a sync after a write need not sync the file's size.

    Raises OSError, and leaves no file, where there is no room.
    """
    fd = os.open(path, os.O_RDWR | os.O_CREAT, _MODE)
    try:
        if sys.platform == "darwin":
            os.ftruncate(fd, size_bytes)
        else:
            os.posix_fallocate(fd, 0, size_bytes)  # glibc fills the file where the file system has no such call
    except OSError:
        path.unlink()
        raise
    finally:
        os.close(fd)


def write(path: Path, content: bytes) -> None:
    """Writes a whole file and syncs it; the directory is the caller's to sync."""
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, _MODE)
    try:
        write_all(fd, [content], 0)
        disk.sync(fd)
    finally:
        os.close(fd)


def write_all(fd: int, buffers: Sequence[bytes], offset: int) -> None:
    """Writes `buffers` one behind the other, from `offset` of the file on, without copying them together."""
    left: list[bytes | memoryview] = list(buffers)
    while left:
        written = os.pwritev(fd, left[:_BUFFERS], offset)
        offset += written
        whole = 0
        while whole < len(left) and written >= len(left[whole]):
            written -= len(left[whole])
            whole += 1
        del left[:whole]
        if written:
            left[0] = memoryview(left[0])[written:]
