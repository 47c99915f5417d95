"""What this process does to the files of a directory, as steps of `file_double`; needs no tool, sees less than strace.

In: a directory. Out: steps. It is compared with what it was before and after each sync of ours, each statement of
SQLite and each mark. What SQLite syncs is not seen: that a commit is on the disk is taken for granted here, and that
whatever SQLite does outside its log is safe at any point. `tmp/`, where DuckDB works, is not looked at.
"""

import os
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Final

import pytest

from exporter import disk
from exporter.store.catalog import FILE
from tests.crash.file_double import ROOT, Disk, Mark, Names, Step, Sync, Together, difference

LOG: Final = FILE + "-wal"
_NOT_SEEN: Final = ("tmp", FILE + "-shm")


@contextmanager
def watched(data: Path, patch: pytest.MonkeyPatch) -> Iterator["Watch"]:
    """Looks at `data`, which exists and is empty, until the end."""
    with closing(Watch(data)) as watch:
        sync, sync_directory, connect = disk.sync, disk.sync_directory, sqlite3.connect

        def seen_sync(descriptor: int) -> None:
            watch.look()
            sync(descriptor)
            watch.synced(os.fstat(descriptor).st_ino)

        def seen_sync_directory(directory: Path) -> None:
            watch.look()
            sync_directory(directory)
            watch.synced(directory.stat().st_ino)

        def seen_connect(path: Path, **options: Any) -> sqlite3.Connection:
            return connect(path, factory=_seen_connection(watch), **options)

        patch.setattr(disk, "sync", seen_sync)
        patch.setattr(disk, "sync_directory", seen_sync_directory)
        patch.setattr(sqlite3, "connect", seen_connect)
        yield watch
        watch.look()


def _seen_connection(watch: "Watch") -> type[sqlite3.Connection]:
    class Seen(sqlite3.Connection):
        def execute(self, sql: str, *parameters: Any) -> sqlite3.Cursor:
            watch.look()
            cursor = super().execute(sql, *parameters)
            watch.look_at_catalog(logged=sql == "COMMIT")
            return cursor

        def executescript(self, script: str) -> sqlite3.Cursor:
            watch.look()
            cursor = super().executescript(script)
            watch.look_at_catalog(logged=False)
            return cursor

        def close(self) -> None:
            watch.look()
            super().close()
            watch.look_at_catalog(logged=False)

    return Seen


class Watch:
    """The directory as it was when last looked at. What has a name is held open, so that no other gets its inode."""

    def __init__(self, data: Path) -> None:
        """Use `watched`."""
        self.steps: list[Step] = []
        self._data = data
        self._disk = Disk()
        self._nodes = {data.stat().st_ino: ROOT}
        self._descriptors: dict[int, int] = {}
        self._directories = {ROOT}
        self._last = ROOT
        self._lock = threading.Lock()

    def close(self) -> None:
        """Lets the files go."""
        for descriptor in self._descriptors.values():
            os.close(descriptor)

    def mark(self, text: str) -> None:
        """Takes note of what is said."""
        self.look()
        self.steps.append(Mark(text))

    def look(self) -> None:
        """Takes note of what has changed, but for the catalog."""
        with self._lock:
            self.steps += self._changes(catalog=False)

    def synced(self, inode: int) -> None:
        """Takes note of a sync."""
        with self._lock:
            if inode in self._nodes:
                self.steps += self._taken([Sync(self._nodes[inode])])

    def look_at_catalog(self, *, logged: bool) -> None:
        """Takes note of what SQLite has written and synced; where that is `logged`, a cut may come in between."""
        with self._lock:
            steps = self._changes(catalog=True)
            if steps:
                names = {name: node for (_, name), node in self._disk.tree().items() if name in (FILE, LOG)}
                steps += self._taken(map(Sync, names.values()))
                if any(self._disk.names.get((ROOT, name)) != node for name, node in names.items()):
                    steps += self._taken([Sync(ROOT)])
                self.steps += steps if logged else [Together(tuple(steps))]

    def _taken(self, steps: Iterable[Step]) -> list[Step]:
        taken = list(steps)
        for step in taken:
            self._disk.apply(step)
        return taken

    def _changes(self, *, catalog: bool) -> list[Step]:
        """What differs from the last look, among the files of the catalog or among all others."""
        before = {place: node for place, node in self._disk.tree().items() if _is_catalogs(*place) == catalog}
        now = self._names(catalog=catalog)
        steps = self._taken(self._renamed(before, now))
        for node in {*now.values()} - self._directories:
            steps += self._taken(self._written(node))
        for node in {*before.values()} - {*now.values()}:
            os.close(self._descriptors.pop(node))
            del self._nodes[next(inode for inode, one in self._nodes.items() if one == node)]
        return steps

    def _names(self, *, catalog: bool) -> dict[tuple[int, str], int]:
        found = {}
        left = [(str(self._data), ROOT)]
        while left:
            path, directory = left.pop()
            with os.scandir(path) as entries:
                for entry in entries:
                    is_seen = directory != ROOT or entry.name not in _NOT_SEEN
                    if not is_seen or _is_catalogs(directory, entry.name) != catalog:
                        continue
                    node = found[directory, entry.name] = self._node(entry)
                    if node in self._directories:
                        left.append((entry.path, node))
        return found

    def _node(self, entry: "os.DirEntry[str]") -> int:
        inode = entry.inode()
        if inode not in self._nodes:
            self._last += 1
            self._nodes[inode] = self._last
            self._descriptors[self._last] = os.open(entry.path, os.O_RDONLY)
            if entry.is_dir():
                self._directories.add(self._last)
        return self._nodes[inode]

    def _renamed(self, before: Mapping[tuple[int, str], int], now: Mapping[tuple[int, str], int]) -> Iterator[Step]:
        lost = {(place[0], node): place[1] for place, node in before.items() if now.get(place) != node}
        new = {place: node for place, node in now.items() if before.get(place) != node}
        for (directory, name), node in sorted(new.items(), key=lambda item: (item[0][0], item[1]) not in lost):
            old = lost.pop((directory, node), None)
            unbound = () if old is None else ((old, None),)
            yield Names(directory, (*unbound, (name, node)), makes_directory=node in self._directories)
        for (directory, _), name in lost.items():
            if (directory, name) not in now:
                yield Names(directory, ((name, None),))

    def _written(self, node: int) -> Iterator[Step]:
        descriptor = self._descriptors[node]
        new = os.pread(descriptor, os.fstat(descriptor).st_size, 0)
        return difference(node, self._disk.content(node), new)


def _is_catalogs(directory: int, name: str) -> bool:
    return directory == ROOT and name.startswith(FILE)
