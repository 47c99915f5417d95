"""The calls after which bytes and names are on the disk.

In: descriptors and directories. Out: nothing but durability; each raises `OSError`.
"""

import fcntl
import os
import sys
import threading
from contextlib import nullcontext, suppress
from pathlib import Path
from typing import Final


def sync(descriptor: int) -> None:
    """Return when all that was written to `descriptor` is on the disk, its size included."""
    if sys.platform == "darwin":  # whose fsync leaves the data in the drive's cache
        fcntl.fcntl(descriptor, fcntl.F_FULLFSYNC)
    else:
        os.fdatasync(descriptor)


def sync_file(path: Path) -> None:
    """`sync` for the file at `path`, which others have written."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        sync(descriptor)
    finally:
        os.close(descriptor)


def sync_directory(directory: Path) -> None:
    """Return when the names in `directory` are on the disk."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def make_directory(directory: Path, mode: int = 0o777) -> None:
    """Make `directory`, with `mode` less the umask, and its missing parents; each one's name is then on the disk.

    Also of one that is there already: a process that was killed may have made it and not have synced its name.
    """
    with _making:  # who finds a directory that another thread makes waits until its name is synced
        _make_directory(directory, mode)


_making: Final = threading.Lock()
_synced: Final[set[Path]] = set()


def _make_directory(directory: Path, mode: int) -> None:
    is_there = directory.is_dir()
    if is_there and directory in _synced:
        return
    if not is_there:
        _make_directory(directory.parent, 0o777)
        directory.mkdir(mode, exist_ok=True)
    if not directory.is_mount():
        with suppress(PermissionError) if is_there else nullcontext():  # who may not read the parent has not made it
            sync_directory(directory.parent)
    _synced.add(directory)
