"""The calls after which bytes and names are on the disk.

In: descriptors and directories. Out: nothing but durability; each raises `OSError`.
"""

import fcntl
import os
import sys
from pathlib import Path


def sync(descriptor: int) -> None:
    """Return when all that was written to `descriptor` is on the disk, its size included."""
    if sys.platform == "darwin":  # whose fsync leaves the data in the drive's cache
        fcntl.fcntl(descriptor, fcntl.F_FULLFSYNC)
    else:
        os.fdatasync(descriptor)


def sync_directory(directory: Path) -> None:
    """Return when the names in `directory` are on the disk."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def make_directory(directory: Path, mode: int = 0o777) -> None:
    """Make `directory`, with `mode` less the umask, and its missing parents; each one's name is then on the disk."""
    if directory.is_dir():
        return
    make_directory(directory.parent)
    directory.mkdir(mode, exist_ok=True)
    sync_directory(directory.parent)
