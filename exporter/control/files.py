"""Control tables as Parquet files, which are written when what is in them has changed.

In: the control database, and `published.py`, the page that says what is published. Out: `DATA/control/NAME.parquet`,
each renamed over the one before.
"""

import os
import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from exporter import disk
from exporter.control.database import Control
from exporter.control.published import PUBLISHED, READ, Published

FOLDER: Final = "control"
"""In the data directory, mode 0700."""


def path_of(data: Path, name: str) -> Path:
    """The file of a view."""
    return data / FOLDER / f"{name}.parquet"


def make_missing(data: Path) -> None:
    """Puts a file without rows wherever there is none that today's views can read, so that they can be made."""
    disk.make_directory(data / FOLDER, 0o700)
    for name, one in PUBLISHED.items():
        path = path_of(data, name)
        if _is_readable(path, one.schema):
            continue
        part = _write_part(path, one.schema.empty_table())
        if path.exists():
            part.replace(path)
        else:
            with suppress(FileExistsError):  # the server may have just put its own there
                os.link(part, path)
            part.unlink()
    disk.sync_directory(data / FOLDER)


class Publisher:
    """Keeps the files as the database is; one process at a time does."""

    def __init__(self, control: Control, data: Path) -> None:
        """`data` exists. Nothing is published yet."""
        self._control = control
        self._data = data
        self._marks: dict[str, object] = {}
        self._files: dict[str, object] = {}
        disk.make_directory(data / FOLDER, 0o700)

    def publish(self) -> list[str]:
        """Writes each file whose rows have changed or that is not the one we wrote; gives their names.

        Raises `OSError`, and `sqlite3.Error` where a statement fails; then the files are as they were.
        """
        written = []
        with self._control.reading() as connection:
            for name, one in PUBLISHED.items():
                path = path_of(self._data, name)
                is_ours = self._files.get(name) == _identity(path)
                mark = _answer(connection, one.mark) if one.mark else None
                if is_ours and mark is not None and mark == self._marks.get(name):
                    continue
                rows = _answer(connection, one.sql)
                if is_ours and mark is None and rows == self._marks.get(name):
                    continue
                _write_part(path, _table(one, rows)).replace(path)
                self._marks[name] = rows if mark is None else mark
                self._files[name] = _identity(path)
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


def _table(one: Published, rows: Sequence[tuple[Any, ...]]) -> pa.Table:
    columns: Iterable[Sequence[Any]] = zip(*rows, strict=True) if rows else [() for _ in one.columns]
    arrays = [
        pa.array([None if value is None else READ.get(kind, _same)(value) for value in column], kind.type)
        for kind, column in zip(one.columns.values(), columns, strict=True)
    ]
    return pa.Table.from_arrays(arrays, schema=one.schema)


def _same(value: Any) -> Any:
    return value


def _write_part(path: Path, table: pa.Table) -> Path:
    """The table beside `path`, synced; the caller renames it."""
    part = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    descriptor = os.open(part, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600)
    try:
        with open(descriptor, "wb") as file:  # noqa: PTH123 (a descriptor)
            pq.write_table(table, file, compression="zstd", use_dictionary=True)
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


def _is_readable(path: Path, schema: pa.Schema) -> bool:
    try:
        with pq.ParquetFile(path) as file:
            return bool(file.schema_arrow.equals(schema))
    except (OSError, pa.ArrowException):
        return False
