"""The log on the disk: appended to and synced by one thread, recovered when it is opened.

In: records in groups. Out: files of frames; the position up to which all is durable, in the shared head.

A file is in use from its start, when it is made or recycled from one that the catalog has stored, to its rotation, when
its digests are saved as `.keys`. Every state that a kill between two calls can leave is one that `Log.open` knows:
the newest file is the one in use, whatever is in it; every other file is closed, synced, and has its keys or gets them.
"""

import os
import secrets
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Final, Self

from exporter import config, disk
from exporter.clock import Clock
from exporter.journal import files, frame, window
from exporter.journal.head import Head
from exporter.journal.recovery import Recovered, recover

_SPARE_FILES: Final = 4
"""Stored files that are kept for recycling."""


class Log:
    """The end of the log. All but `open`, `end` and `stored` belong to one thread.

    `items` of each signal are in it before `end`, those in files that are gone too.
    """

    def __init__(self, directory: Path, settings: config.Journal, clock: Clock, head: Head, found: Recovered) -> None:
        """The log as it was `found`; use `Log.open`."""
        self.end = found.end
        self._directory = directory
        self._settings = settings
        self._clock = clock
        self._head = head
        self._bases = found.bases
        self._held = found.held
        self._base = found.bases[-1] if found.bases else found.end
        self._keys = bytearray(found.keys.packed)
        self.items = Counter(found.keys.items)
        self._epoch, self._mark = (found.last.epoch, found.last.mark) if found.last else (0, secrets.randbits(32))
        self._fd: int | None = None
        if found.usable:
            self._fd = os.open(files.path_of(directory, self._base, "log"), os.O_RDWR)

    @classmethod
    def open(cls, directory: Path, settings: config.Journal, clock: Clock) -> tuple[Self, window.Window]:
        """Opens or makes the log in `directory`, and says what it remembers of the retry window.

        What is valid on the disk is synced and counts as durable, also what nobody was told to be. Raises OSError.
        """
        disk.make_directory(directory, 0o700)
        head = Head.open(directory)
        found = recover(directory, settings, durable=head.durable, stored=head.stored)
        head.durable = found.end
        return cls(directory, settings, clock, head, found), found.remembered

    @property
    def stored(self) -> int:
        """The position up to which the catalog has everything, as far as is known."""
        return max(self._head.stored, self._bases[0] if self._bases else self.end)

    def append(self, records: Sequence[frame.Record]) -> int:
        """Writes and syncs as many of `records` as the file in use takes, at least one; returns how many.

        Raises OSError with nothing appended: `end` stays, and the next append writes over what has reached the disk.
        (Killed before that, the log may come back with it, as with any request that was written and not acknowledged.)
        """
        fd = self._fd
        if fd is None or not self._takes(self.end, records[0]):
            fd = self._rotate()
        buffers: list[bytes] = []
        keys = bytearray()
        position = self.end
        count = 0
        for record in records:
            if not self._takes(position, record):
                break
            buffers.append(frame.encode(record, position=position, epoch=self._epoch, mark=self._mark))
            buffers.append(record.request.payload)
            keys += window.pack(record.digest, record.request.received_at)
            position += record.size_bytes
            count += 1
        try:
            files.write_all(fd, buffers, self.end - self._base)
            disk.sync(fd)
        except OSError:
            self._epoch += 1
            raise
        self._keys += keys
        for record in records[:count]:
            self.items[record.request.signal] += record.request.items
        self.end = position
        self._head.durable = position
        return count

    def trim(self) -> None:
        """Deletes stored files beyond the spare ones."""
        while len(self._bases) > _SPARE_FILES + 1 and self._bases[_SPARE_FILES + 1] <= self._head.stored:
            files.path_of(self._directory, self._bases[0], "log").unlink(missing_ok=True)
            del self._bases[0]

    def close(self) -> None:
        """Closes the files. All that was appended is durable already."""
        self._leave()
        self._head.close()

    def _takes(self, position: int, record: frame.Record) -> bool:
        """Whether the file in use takes `record` at `position`: it has room, or holds nothing at all."""
        filled = position - self._base
        return filled == 0 or filled + record.size_bytes <= self._settings.file_bytes

    def _rotate(self) -> int:
        """Closes the file in use, if any, and puts another to use at `end`, whose descriptor it returns.

        Raises OSError with no file in use, since the next may be there already; then it is to be called again.
        """
        self._leave()
        if self._base < self.end:
            self._save_keys()
        path = files.path_of(self._directory, self.end, "log")
        if not path.exists():
            spare = self._spare()
            if spare is None:
                files.start(path, self._settings.file_bytes)
            else:
                spare.rename(path)
        disk.sync_directory(self._directory)
        self._fd = os.open(path, os.O_RDWR)
        self._base = self.end
        self._keys.clear()
        self._mark = secrets.randbits(32)
        self._bases = files.bases(self._directory, "log")
        self._forget()
        return self._fd

    def _leave(self) -> None:
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None

    def _save_keys(self) -> None:
        keys = window.Keys(self.end, bytes(self._keys), self.items)
        window.save(files.path_of(self._directory, self._base, "keys"), keys, self._settings.dedup_requests)
        self._held = [held for held in self._held if held.base != self._base]
        self._held.append(window.Held(self._base, keys.count, keys.newest()))

    def _spare(self) -> Path | None:
        """A stored file to recycle: one that was made with the size that files have now."""
        for base, following in pairwise([*files.bases(self._directory, "log"), self.end]):
            path = files.path_of(self._directory, base, "log")
            if following <= self._head.stored and path.stat().st_size == self._settings.file_bytes:
                return path
        return None

    def _forget(self) -> None:
        """Deletes the keys that nobody can need, of files that are gone."""
        gone = window.outlived(
            self._held,
            now=self._clock.wall(),
            age_ns=self._settings.dedup_window,
            requests=self._settings.dedup_requests,
        )
        for held in gone:
            if held.base not in self._bases and held is not self._held[-1]:  # the last one knows `items`
                files.path_of(self._directory, held.base, "keys").unlink(missing_ok=True)
                self._held.remove(held)
