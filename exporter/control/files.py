"""Control tables as files, which are written when what is in them has changed.

In: the control database, and `published.py`, the page that says what is published. Out: `DATA/control/NAME.jsonl`, a
line a row, each renamed over the one before.

Lines of JSON, since DuckDB opens such a file once: a Parquet file when it plans a query and again when it runs it, and
of one that was renamed over five times a second 7 of 1,854 answers were an error, or rows of one file cut by another's
lengths.
"""

import json
import os
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import Any, Final

from exporter import disk
from exporter.clock import SystemClock
from exporter.control.database import Control
from exporter.control.published import PUBLISHED, READ, Kind
from exporter.units import NS_PER_S

FOLDER: Final = "control"
"""In the data directory, mode 0700."""
_LONG_NS: Final = NS_PER_S // 10
_REST: Final = 9
"""A table that takes long to write, as 100,000 changes of alerts do (2 s), then rests so many times as long."""


def path_of(data: Path, name: str) -> Path:
    """The file of a view."""
    return data / FOLDER / f"{name}.jsonl"


def make_missing(data: Path) -> None:
    """Puts a file without rows wherever there is none, so that views can be made."""
    disk.make_directory(data / FOLDER, 0o700)
    for name in PUBLISHED:
        with suppress(FileExistsError):
            os.close(os.open(path_of(data, name), os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    disk.sync_directory(data / FOLDER)


class Publisher:
    """Keeps the files as the database is; one process at a time does."""

    def __init__(self, control: Control, data: Path) -> None:
        """`data` exists. Nothing is published yet."""
        self._control = control
        self._data = data
        self._marks: dict[str, object] = {}
        self._files: dict[str, object] = {}
        self._rests: dict[str, int] = {}
        self.is_behind = False
        """Whether something is to be written that has been written too lately."""
        disk.make_directory(data / FOLDER, 0o700)

    def publish(self) -> list[str]:
        """Writes each file whose rows have changed or that is not the one we wrote; gives their names.

        Raises `OSError`, and `sqlite3.Error` where a statement fails; then the files are as they were.
        """
        written = []
        clock = SystemClock()
        self.is_behind = False
        with self._control.reading() as connection:
            for name, one in PUBLISHED.items():
                path = path_of(self._data, name)
                is_ours = self._files.get(name) == _identity(path)
                mark = _answer(connection, one.mark) if one.mark else None
                if is_ours and mark is not None and mark == self._marks.get(name):
                    continue
                began = clock.monotonic()
                if is_ours and began < self._rests.get(name, began):
                    self.is_behind = True
                    continue
                rows = _answer(connection, one.sql)
                if is_ours and mark is None and rows == self._marks.get(name):
                    continue
                _write_part(path, _lines(one.columns, rows)).replace(path)
                self._marks[name] = rows if mark is None else mark
                self._files[name] = _identity(path)
                took = clock.monotonic() - began
                self._rests[name] = began + (took * _REST if took > _LONG_NS else 0)
                written.append(name)
        return written

    def is_whole(self) -> bool:
        """Whether all files are those that we wrote."""
        return all(self._files.get(name) == _identity(path_of(self._data, name)) for name in PUBLISHED)


def publish_once(control: Control, data: Path) -> None:
    """Writes all files, for a command that changed something while no server runs."""
    Publisher(control, data).publish()


def _answer(connection: sqlite3.Connection, statement: str) -> list[tuple[Any, ...]]:
    with closing(connection.execute(statement)) as cursor:
        return cursor.fetchall()


def _lines(columns: Mapping[str, Kind], rows: Sequence[tuple[Any, ...]]) -> bytes:
    """Infinite numbers are written as JavaScript has them, which DuckDB reads."""
    read = {place: READ[kind] for place, kind in enumerate(columns.values()) if kind in READ}
    lines = []
    for row in rows:
        values = list(row)
        for place, as_read in read.items():
            if values[place] is not None:
                values[place] = as_read(values[place])
        lines.append(json.dumps(dict(zip(columns, values, strict=True)), ensure_ascii=False, separators=(",", ":")))
    return "".join(f"{line}\n" for line in lines).encode()


def _write_part(path: Path, lines: bytes) -> Path:
    """They beside `path`, synced; the caller renames it."""
    part = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    descriptor = os.open(part, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600)
    try:
        with open(descriptor, "wb") as file:  # noqa: PTH123 (a descriptor)
            file.write(lines)
            file.flush()
            disk.sync(descriptor)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    return part


def _identity(path: Path) -> object:
    """What tells this file from another one at the same path; None where there is none."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size
