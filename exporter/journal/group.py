"""Group commit: many requests wait for one sync.

In: requests, on an event loop. Out: answers, each given when its request is on the disk and not before.
"""

import asyncio
import contextlib
import os
import queue
import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Self

from exporter import config
from exporter.clock import Clock
from exporter.errors import Reason, Refused
from exporter.journal import frame
from exporter.journal.log import Log
from exporter.journal.window import Window
from exporter.signals import Request, Signal
from exporter.units import NS_PER_S

_CLOSE_SECONDS: Final = 2.0
_FREE_NS: Final = NS_PER_S
"""How long an answer of `statvfs` is good."""


@dataclass(frozen=True, slots=True, eq=False)
class _Waiting:
    """A record on its way to the disk, and who waits for it: its request, and retries of it."""

    record: frame.Record
    loop: asyncio.AbstractEventLoop
    waiters: list[asyncio.Future[None]] = field(default_factory=list)

    def join(self) -> asyncio.Future[None]:
        waiter = self.loop.create_future()
        self.waiters.append(waiter)
        return waiter


class Journal:
    """The journal as the receiver sees it. It belongs to one event loop; one thread of its own writes and syncs.

    `items_before` are the items of each signal that it had ever taken when it was opened: also those that are stored
    and gone, and those that were written and never acknowledged.
    """

    def __init__(self, directory: Path, settings: config.Journal, clock: Clock, log: Log, window: Window) -> None:
        """A journal over an open `log`; use `Journal.open`."""
        self._directory = directory
        self._settings = settings
        self._clock = clock
        self._log = log
        self._window = window
        self.items_before: Mapping[Signal, int] = Counter(log.items)
        self._waiting: dict[bytes, _Waiting] = {}
        self._waiting_bytes = 0
        self._free_bytes = 0
        self._free_until = clock.monotonic()
        self._closed = False
        self._queue: queue.SimpleQueue[_Waiting | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="journal", daemon=True)
        self._thread.start()

    @classmethod
    def open(cls, directory: Path, settings: config.Journal, clock: Clock) -> Self:
        """Opens or makes the journal in `directory`; raises OSError where the disk cannot be read or synced.

        Whatever was acknowledged before is durable, and known to the retry window, when this returns.
        """
        log, window = Log.open(directory, settings, clock)
        return cls(directory, settings, clock, log, window)

    @property
    def backlog_bytes(self) -> int:
        """Bytes of requests that are taken and not yet in the catalog."""
        return max(0, self._log.end + self._waiting_bytes - self._log.stored)

    async def append(self, request: Request) -> bool:
        """Returns when `request` is on the disk: True if this call wrote it, False if it is a retry of one that is.

        A retry has the signal, tenant and payload of a request received within the window. Raises `Refused`, and then
        nothing is stored: OVERLOADED when too much waits for the writer, DISK_FULL when the disk is full or fails,
        SHUTTING_DOWN after `close`. A call that is cancelled may have written its request.
        """
        if self._closed:
            raise _shutting_down()
        record = frame.record(request)
        first = self._waiting.get(record.digest)
        if first is not None:
            await first.join()
            return False
        if self._window.holds(record.digest, request.received_at):
            return False
        self._admit()
        waiting = _Waiting(record, asyncio.get_running_loop())
        self._waiting[record.digest] = waiting
        self._waiting_bytes += record.size_bytes
        self._queue.put(waiting)
        await waiting.join()
        return True

    def close(self) -> None:
        """Syncs what is queued, stops the thread and closes the files; takes two seconds at most.

        What a disk that hangs has not synced by then is refused.
        """
        if self._closed:
            return
        self._closed = True
        self._queue.put(None)
        self._thread.join(_CLOSE_SECONDS)
        if self._thread.is_alive():
            self._settle(list(self._waiting.values()), _shutting_down())
        else:
            self._log.close()

    def _admit(self) -> None:
        """Raises `Refused` when there is no room for another request."""
        backlog_bytes = self.backlog_bytes
        if backlog_bytes > self._settings.backlog_bytes:
            message = f"{backlog_bytes} bytes wait to be stored"
            raise Refused(Reason.OVERLOADED, message, mend="retry later, or raise journal.backlog_bytes")
        now = self._clock.monotonic()
        if now >= self._free_until:
            disk = os.statvfs(self._directory)
            self._free_bytes = disk.f_bavail * disk.f_frsize
            self._free_until = now + _FREE_NS
        if self._free_bytes < self._settings.min_free_bytes:
            message = f"the disk of {self._directory} has {self._free_bytes} bytes left"
            raise Refused(Reason.DISK_FULL, message, mend="free some, or lower journal.min_free_bytes")

    def _run(self) -> None:
        """The thread: takes all that is queued, until it finds None."""
        while True:
            group = [self._queue.get()]
            while not self._queue.empty():
                group.append(self._queue.get())
            self._commit([waiting for waiting in group if waiting is not None])
            if None in group:
                return

    def _commit(self, group: list[_Waiting]) -> None:
        """Appends a group, in as many parts as it needs files, and answers each part when it is synced."""
        while group:
            try:
                count = self._log.append([waiting.record for waiting in group])
            except Exception as error:  # noqa: BLE001 - whoever waits is told; the thread must live to serve the rest
                self._answer(group, error)
                return
            self._answer(group[:count], None)
            group = group[count:]
        with contextlib.suppress(OSError):
            self._log.trim()

    def _answer(self, group: list[_Waiting], error: Exception | None) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
            group[0].loop.call_soon_threadsafe(self._settle, group, error)

    def _settle(self, group: list[_Waiting], error: Exception | None) -> None:
        """On the loop: what is written is remembered, what is not is forgotten, and whoever waits is told."""
        for waiting in group:
            if self._waiting.pop(waiting.record.digest, None) is None:
                continue
            self._waiting_bytes -= waiting.record.size_bytes
            if error is None:
                self._window.add(waiting.record.digest, waiting.record.request.received_at)
            for waiter in waiting.waiters:
                if waiter.done():
                    continue
                if error is None:
                    waiter.set_result(None)
                else:
                    waiter.set_exception(_refusal(error))


def _refusal(error: Exception) -> Exception:
    """What a waiting request is told: a disk that is full or fails is a reason to refuse it, all else is our bug."""
    if not isinstance(error, OSError):
        return error
    message = f"the journal cannot be written: {error}"
    return Refused(Reason.DISK_FULL, message, mend="free some space, or see to the disk")


def _shutting_down() -> Refused:
    return Refused(Reason.SHUTTING_DOWN, "the server is stopping", mend="retry when it is back")
