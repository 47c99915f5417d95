"""One server at a time in a data directory.

In: a data directory. Out: its lock, for as long as a parent or one of its children lives.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from typing import Final

from exporter.clock import Clock
from exporter.errors import BadConfig, DataDirBusy
from exporter.units import NS_PER_S

ORPHANS_NS: Final = 6 * NS_PER_S
"""How long the children of a killed parent may take to stop."""
_POLL_S: Final = 0.05


@contextmanager
def hold(data: Path, clock: Clock) -> Iterator[int]:
    """Holds the lock of `data`, which is made where it is missing; gives the lock's file descriptor.

    Children that inherit the descriptor hold the lock with their parent. Where the parent that is named in the file
    is dead, its children are given `ORPHANS_NS` to stop. Raises `DataDirBusy`, and `BadConfig` for what is no directory
    of ours.
    """
    try:
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(data / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise BadConfig(f"cannot use {data}: {error.strerror}", mend="take another directory with --data") from None
    try:
        deadline = clock.monotonic() + ORPHANS_NS
        while not _lock(descriptor):
            pid = _pid(descriptor)
            if clock.monotonic() > deadline or (pid is not None and _is_alive(pid)):
                raise DataDirBusy(
                    f"another server (pid {pid or 'unknown'}) holds {data}",
                    mend="stop it, or take another directory with --data",
                )
            Event().wait(_POLL_S)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        yield descriptor
    finally:
        os.close(descriptor)


def holder(data: Path) -> int | None:
    """The process of the server that runs in `data`, where one does."""
    try:
        descriptor = os.open(data / "lock", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        pid = _pid(descriptor)
    finally:
        os.close(descriptor)
    return pid if pid is not None and _is_alive(pid) else None


def _lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _pid(descriptor: int) -> int | None:
    text = os.pread(descriptor, 32, 0).strip()
    return int(text) if text.isdigit() else None


def _is_alive(pid: int) -> bool:
    """Whether `pid` runs; one that has ended and was not yet waited for does not."""
    import psutil  # noqa: PLC0415 (30 ms that a start without a quarrel need not pay)

    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
