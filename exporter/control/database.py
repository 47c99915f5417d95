"""`DATA/control.sqlite`: what people and rules decided, committed before anybody acts on it.

In: a data directory. Out: connections in a transaction, for the server's threads and for commands at once.
"""

import logging
import os
import re
import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import fields
from errno import EBUSY, EIO, ENOSPC
from pathlib import Path
from typing import Final, NoReturn, TypeVar

from exporter import disk
from exporter.errors import Corrupt, DataDirTooNew

Row = TypeVar("Row")

FILE: Final = "control.sqlite"
"""In the data directory, mode 0600, with `-wal` and `-shm` beside it."""

VERSION: Final = 2
"""Of the tables; a greater one in a file is a newer otel-ax's. What an older one has not is made beside what it has."""

_SQL: Final = Path(__file__).parent / "sql"
_MAKES: Final = re.compile(r"^CREATE (?:TABLE|INDEX)(?: IF NOT EXISTS)? (\w+)", re.MULTILINE)
_APPLICATION: Final = 0x6178_6300  # "axc"
_BUSY_S: Final = 10.0
_IDLE_READERS: Final = 8
_NOT_DAMAGE: Final = {
    sqlite3.SQLITE_BUSY: EBUSY,
    sqlite3.SQLITE_CANTOPEN: EIO,
    sqlite3.SQLITE_FULL: ENOSPC,
    sqlite3.SQLITE_IOERR: EIO,
    sqlite3.SQLITE_LOCKED: EBUSY,
    sqlite3.SQLITE_NOMEM: EIO,
    sqlite3.SQLITE_PERM: EIO,
    sqlite3.SQLITE_READONLY: EIO,
}
_log: Final = logging.getLogger(__name__)


class Control:
    """The open database; any thread may use it. `set_aside` is where a damaged one was moved when this was opened."""

    def __init__(self, path: Path, set_aside: Path | None) -> None:
        """Use `Control.open`."""
        self.path = path
        self.set_aside = set_aside
        self.on_commit: Callable[[], object] = _nothing
        self._writer = _connect(path)
        self._writing = threading.RLock()
        self._watcher = _connect(path)
        self._watching = threading.Lock()
        self._idle: list[sqlite3.Connection] = []
        self._reading = threading.Lock()

    @classmethod
    def open(cls, data: Path, *, sets_aside: bool = False) -> "Control":
        """The database of a data directory, made or upgraded to today's tables.

        Who `sets_aside` (the server, of which there is one) begins with a new file where the old one is damaged.
        Raises `DataDirTooNew`, `Corrupt`, and `OSError` where it cannot be opened at all.
        """
        path = data / FILE
        disk.make_directory(data)
        try:
            _prepare(path)
        except Corrupt as damage:
            if not sets_aside:
                raise
            aside = _move_aside(path)
            _log.error("%s; it is %s now, and rules begin anew", damage.message, aside.name)
            _prepare(path)
            return cls(path, aside)
        return cls(path, None)

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """One transaction, alone: committed and on the disk at the end of the block, or, when it raises, nothing of it.

        Raises `OSError` where the disk is full or another process holds the database for too long.
        """
        with self._writing:
            if self._writer.in_transaction:
                raise RuntimeError("a transaction within a transaction would commit the outer one")
            with _as_os_errors(self.path):
                self._writer.execute("BEGIN IMMEDIATE")
            try:
                yield self._writer
                with _as_os_errors(self.path):
                    self._writer.execute("COMMIT")
            except BaseException:
                if self._writer.in_transaction:
                    self._writer.execute("ROLLBACK")
                raise
        self.on_commit()

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """The rows as of one moment; what is written meanwhile is not seen, and waits for nobody."""
        with self._reading:
            connection = self._idle.pop() if self._idle else None
        if connection is None:
            connection = _connect(self.path)
            connection.execute("PRAGMA query_only = 1")
        try:
            connection.execute("BEGIN")
            yield connection
        finally:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            with self._reading:
                keep = len(self._idle) < _IDLE_READERS
                if keep:
                    self._idle.append(connection)
            if not keep:
                connection.close()

    def version(self) -> int:
        """A number that is another one after anybody's commit, whichever process; it costs microseconds."""
        with self._watching, _as_os_errors(self.path):
            return int(self._watcher.execute("PRAGMA data_version").fetchone()[0])

    def close(self) -> None:
        """Folds the write-ahead log into the database, where nobody else has it open. Nobody may use it any more."""
        with self._reading:
            idle, self._idle = self._idle, []
        with self._watching, self._writing:
            for connection in (*idle, self._watcher, self._writer):
                connection.close()


def rows(
    connection: sqlite3.Connection, row: type[Row], statement: str, parameters: Mapping[str, object] | None = None
) -> list[Row]:
    """The answer of `statement` as dataclasses, whose fields are its columns in their order."""
    with closing(connection.execute(statement, parameters or {})) as cursor:
        columns = [column[0] for column in cursor.description]
        expected = [field.name for field in fields(row)]  # type: ignore[arg-type]
        if columns != expected:
            raise TypeError(f"the statement gives {columns}, {row.__name__} takes {expected}")
        return [row(*values) for values in cursor]


def copy(data: Path, target: Path) -> bool:
    """Copies the database as it is at one moment, whoever writes, to a directory; False where there is none.

    It is one file and whole, without a log beside it. Raises `Corrupt` and `OSError`.
    """
    if not (data / FILE).is_file():
        return False
    path = target / FILE
    os.close(os.open(path, os.O_CREAT | os.O_EXCL, 0o600))
    try:
        with closing(_connect(data / FILE)) as source, closing(_connect(path)) as made:
            source.backup(made)
    except sqlite3.DatabaseError as error:
        _raise_as_ours(data / FILE, error)
    check(target)
    disk.sync_file(path)
    return True


def check(data: Path) -> None:
    """Makes sure that a directory's database can be used and has today's tables. As `Control.open`, it raises."""
    _prepare(data / FILE)


def areas() -> Sequence[Path]:
    """The files that make the tables, one an area."""
    return sorted(_SQL.glob("*.sql"))


def _nothing() -> None:
    pass


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=_BUSY_S)
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")
    return connection


def _prepare(path: Path) -> None:
    """Make or upgrade the file. Raises `Corrupt`, `DataDirTooNew`, `OSError`."""
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL, 0o600))  # SQLite gives its log the mode of the file
        disk.sync_directory(path.parent)
    try:
        with closing(_connect(path)) as connection:
            version = int(connection.execute("PRAGMA user_version").fetchone()[0])
            application = int(connection.execute("PRAGMA application_id").fetchone()[0])
            if application != (_APPLICATION + version if version else 0):  # twice: a flipped bit is no newer version
                raise Corrupt(f"{path} is damaged: it has application id {application} and version {version}")
            if version > VERSION:
                raise DataDirTooNew(
                    f"{path} has format {version}, this version of otel-ax knows formats up to {VERSION}",
                    mend="install the newer otel-ax again, or give another directory with --data",
                )
            if (found := connection.execute("PRAGMA quick_check(1)").fetchone()[0]) != "ok":
                raise Corrupt(f"{path} is damaged: {found}")
            if version < VERSION:
                _make_tables(connection)
            connection.execute("BEGIN IMMEDIATE")  # a header with the format of a newer SQLite shows only here
            connection.execute("ROLLBACK")
    except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
        _raise_as_ours(path, error)


def _raise_as_ours(path: Path, error: Exception) -> NoReturn:
    """As `Corrupt`, or as `OSError` where it says nothing about what is in the file."""
    code = _NOT_DAMAGE.get(_primary_code(error))
    is_forbidden = _primary_code(error) == sqlite3.SQLITE_READONLY and os.access(path, os.W_OK)
    if code is not None and not is_forbidden:
        raise OSError(code, f"cannot open {path}: {error}") from error
    raise Corrupt(
        f"{path} is damaged: {error}", mend="start `ax serve` again, which sets it aside and begins a new one"
    ) from error


def _make_tables(connection: sqlite3.Connection) -> None:
    """The tables that are not there yet, in one transaction, unless another process has just made them."""
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("BEGIN IMMEDIATE")
    if connection.execute("PRAGMA user_version").fetchone()[0] < VERSION:
        there = {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
        for path in areas():
            for statement in _statements(path.read_text(encoding="utf-8")):
                made = _MAKES.search(statement)
                if made is None or made[1] not in there:
                    connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {VERSION}")
        connection.execute(f"PRAGMA application_id = {_APPLICATION + VERSION}")
    connection.execute("COMMIT")


def _statements(script: str) -> Iterator[str]:
    """One by one: `executescript` would commit before it begins."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if line.rstrip().endswith(";") and sqlite3.complete_statement(statement):
            yield statement
            statement = ""


def _move_aside(path: Path) -> Path:
    """Rename the file and its log, which belongs to it, to the first free name."""
    number = 1
    while (aside := path.with_name(f"{path.name}.damaged-{number}")).exists():
        number += 1
    path.rename(aside)
    for suffix in ("-wal", "-shm"):
        with suppress(FileNotFoundError):
            path.with_name(path.name + suffix).rename(aside.with_name(aside.name + suffix))
    disk.sync_directory(path.parent)
    return aside


@contextmanager
def _as_os_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.OperationalError as error:
        code = _NOT_DAMAGE.get(_primary_code(error), EIO)
        raise OSError(code, f"cannot write {path}: {error}") from error


def _primary_code(error: Exception) -> int:
    return getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
