"""The published views, kept open between the questions of many people: everybody's, and those of single tenants.

In: a data directory; who asks. Out: `Views` of the newest publication.
One DuckDB keeps the footers of segments; each publication is copied into it once, when it is first asked for, and goes
when a newer one is there and nobody asks it any more. Each question has a cursor of its own.
"""

import os
import threading
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import duckdb

from exporter.query.ask import QueryFailed, in_one_line
from exporter.query.kept import Kept
from exporter.query.segments import Lists
from exporter.query.views import Views, must_exist
from exporter.store import duck
from exporter.store.publish import MANIFEST
from exporter.tenants import narrow

TENANTS: Final = 32
"""Of so many the views are kept; a copy takes some hundred kilobytes."""
_COPIES: Final = 200
"""After so many a new DuckDB is begun: the footers of segments that are gone go with the old one."""
_MEMORY_BYTES: Final = 512 * 2**20
_THREADS: Final = 4
AT_ONCE: Final = 2 * (os.cpu_count() or 1)
"""Questions that DuckDB answers at the same time: more of them are no quicker, and together need more memory."""
_AGAIN_S: Final = 0.1
"""A question that begins just when it is interrupted is interrupted again."""

Mark = tuple[int, ...]


@dataclass(slots=True)
class _Instance:
    """A DuckDB with copies in it; `is_left` once another has taken its place."""

    connection: duckdb.DuckDBPyConnection
    copies: int = 0
    made: int = 0
    is_left: bool = False


@dataclass(slots=True)
class _Copy:
    """The views of one publication and tenant, and how many ask them now."""

    name: str
    mark: Mark
    instance: _Instance
    lists: Lists | None
    users: int = 0
    is_newest: bool = True


class Current:
    """The views as they are now; for several threads. Nothing is opened before it is asked for."""

    def __init__(self, data: Path, *, tenants: int = TENANTS, copies: int = _COPIES, at_once: int = AT_ONCE) -> None:
        """Of a data directory, in which nothing need be published yet; `copies` are made in one DuckDB."""
        self._data = data.resolve()
        self._tenants = tenants
        self._copies = copies
        self.kept = Kept()
        self.turns = threading.BoundedSemaphore(at_once)
        self._lock = threading.Lock()
        self._instance: _Instance | None = None
        self._newest: OrderedDict[str | None, _Copy] = OrderedDict()  # of each tenant; the last was asked last

    @contextmanager
    def views(self, tenant: str | None, *, longest_s: float) -> Iterator[Views]:
        """What the tenant may see, None for all. Raises `NoData`; `OutOfBounds` from a question after `longest_s`."""
        views = Views(self._data, lambda: _Asked(self, tenant))
        ended = threading.Event()
        ending = threading.Thread(target=_expire, args=(views, longest_s, ended), name="deadline", daemon=True)
        try:
            ending.start()
            yield views
        finally:
            ended.set()
            views.close()

    def take(self, tenant: str | None) -> _Copy:
        """The newest views, which are there until they are given back. Raises `NoData` and `QueryFailed`."""
        with self._lock:
            must_exist(self._data)
            mark = _mark(self._data)
            copy = self._newest.get(tenant)
            if copy is None or copy.mark != mark:
                made = self._made(tenant, mark)
                self._leave(tenant)
                copy = self._newest[tenant] = made
                if len(self._newest) > self._tenants:
                    self._leave(next(iter(self._newest)))
            self._newest.move_to_end(tenant)
            copy.users += 1
            return copy

    def give_back(self, copy: _Copy) -> None:
        """What `take` gave is asked no more."""
        with self._lock:
            copy.users -= 1
            self._end(copy)

    def close(self) -> None:
        """Closes what nobody asks; the rest when it has been answered."""
        with self._lock:
            for tenant in list(self._newest):
                self._leave(tenant)
            self._begin(None)

    def _made(self, tenant: str | None, mark: Mark) -> _Copy:
        instance = self._instance
        if instance is None or instance.made >= self._copies:
            threads = min(_THREADS, os.cpu_count() or 1)
            instance = _Instance(duck.keeping(self._data, memory_bytes=_MEMORY_BYTES, threads=threads))
            self._begin(instance)
        instance.made += 1
        name = f"views_{instance.made}"
        try:
            _copy(instance.connection, name, self._data, tenant)
        except BaseException as error:
            instance.connection.execute(f"DETACH DATABASE IF EXISTS {name}")
            if isinstance(error, duckdb.Error):
                raise QueryFailed(in_one_line(error)) from None
            raise
        instance.copies += 1
        return _Copy(name, mark, instance, Lists.read(self._data, tenant))

    def _leave(self, tenant: str | None) -> None:
        copy = self._newest.pop(tenant, None)
        if copy is not None:
            copy.is_newest = False
            self._end(copy)

    def _end(self, copy: _Copy) -> None:
        """Removes a copy that is neither the newest nor asked, and its DuckDB with the last one of it."""
        if copy.is_newest or copy.users:
            return
        copy.instance.connection.execute(f"DETACH {copy.name}")
        copy.instance.copies -= 1
        _close(copy.instance)

    def _begin(self, instance: _Instance | None) -> None:
        before, self._instance = self._instance, instance
        if before is not None:
            before.is_left = True
            _close(before)


class _Asked:
    """A cursor over the newest views."""

    def __init__(self, current: Current, tenant: str | None) -> None:
        self._current = current
        copy = current.take(tenant)
        self._copy: _Copy | None = copy
        self.lists = copy.lists
        self.kept = current.kept
        self.turns: threading.Semaphore | None = current.turns
        self.connection = copy.instance.connection.cursor()
        self.connection.execute(f"USE {copy.name}")

    def close(self) -> None:
        """Also where it is closed already."""
        self.connection.close()
        copy, self._copy = self._copy, None
        if copy is not None:
            self._current.give_back(copy)


def _copy(connection: duckdb.DuckDBPyConnection, name: str, data: Path, tenant: str | None) -> None:
    """Copies what is published into a database in memory: one path cannot be attached for two publications."""
    published = f"{name}_published"
    connection.execute(f"ATTACH {duck.literal(str(data / duck.FILE))} AS {published} (READ_ONLY)")
    try:
        connection.execute(f"ATTACH ':memory:' AS {name}")
        connection.execute(f"COPY FROM DATABASE {published} TO {name}")
    finally:
        connection.execute(f"DETACH {published}")
    if tenant is not None:
        with connection.cursor() as cursor:
            cursor.execute(f"USE {name}")
            narrow(cursor, data, tenant)


def _close(instance: _Instance) -> None:
    if instance.is_left and not instance.copies:
        instance.connection.close()


def _expire(views: Views, longest_s: float, ended: threading.Event) -> None:
    """Interrupts what is asked from then on until it ends."""
    wait_s = longest_s
    while not ended.wait(wait_s):
        views.expire(f"the questions took longer than {longest_s:g} s")
        wait_s = _AGAIN_S


def _mark(data: Path) -> Mark:
    """Views and lists are renamed over one after the other."""
    found = [(data / duck.FILE).stat()]
    with suppress(OSError):
        found.append((data / MANIFEST).stat())
    return tuple(number for one in found for number in (one.st_ino, one.st_mtime_ns))
