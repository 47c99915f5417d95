"""The catalog: a SQLite database of the segments, the journal position that they cover, and the writer's counters.

In: changes, each one transaction. Out: what is stored. Nothing is stored until the catalog says so.
"""

import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import astuple, dataclass, fields
from errno import EIO, ENOSPC
from os import truncate
from pathlib import Path
from typing import Final, Literal

import xxhash

from exporter import model, tenants
from exporter.errors import Corrupt, DataDirTooNew
from exporter.store.counts import Counts

FILE: Final = "catalog.sqlite"
"""In the data directory, with `-wal` and `-shm` beside it."""

SEGMENTS: Final = "segments"
"""The folder of all segments, in the data directory."""

_UPGRADES: Final = Path(__file__).parent / "sql" / "catalog"
_NOT_DAMAGE: Final = {
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_NOMEM,
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_READONLY,
}

_APPLICATION: Final = 0x6178_0000  # "ax"
_PAGE_BYTES: Final = 4096
_HEADER_FORMATS: Final = slice(18, 20)  # of SQLite's file: 1 journal, 2 write-ahead log; to write it, and to read it
_NUMBERS: Final = 2**40  # ten hexadecimal digits in a segment's name

State = Literal["live", "dead", "quarantined"]


@dataclass(frozen=True, slots=True)
class Segment:
    """One segment as the catalog knows it; the columns are explained in `sql/catalog/1.sql`."""

    number: int
    name: str
    table: str
    tenant: str
    day: str
    hour: int | None
    level: int
    position: int
    columns: int
    rows: int
    bytes: int
    checksum: str
    min_time: int
    max_time: int
    created: int
    verified: int
    state: State = "live"
    ended: int = 0

    @property
    def path(self) -> Path:
        """Its file, relative to the data directory."""
        return partition_path(self.table, self.tenant, self.day, self.hour) / self.name


_COLUMNS: Final = tuple(field.name for field in fields(Segment))
_PLACES: Final = ", ".join("?" for _ in (*_COLUMNS, "seal"))


def segment_name(number: int, position: int, level: int) -> str:
    """The name of a segment's file."""
    return f"{number:010x}-{position:016x}-l{level}.parquet"


def partition_path(table: str, tenant: str, day: str, hour: int | None) -> Path:
    """The folder of a partition, relative to the data directory."""
    folder = Path(SEGMENTS) / table / tenants.folder(tenant) / f"date={day}"
    return folder if hour is None else folder / f"hour={hour:02}"


class Catalog:
    """An open catalog; its caller holds a lock around each call.

    `position` and `counts` are as of the last commit; `empty` says that there was none. No segment has, nor had, a
    number from `next_number` up.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        """Use `open_catalog`."""
        self._connection = connection
        progress, self._segments = _load(connection)
        self.empty = progress is None
        self.position, self.counts = progress or (0, Counts())
        self.next_number = 1 + _last_number(connection)

    def segments(self, state: State = "live") -> list[Segment]:
        """The segments in a state, oldest first."""
        return [segment for segment in self._segments.values() if segment.state == state]

    def known(self) -> dict[str, Segment]:
        """Every segment by the name of its file."""
        return {segment.name: segment for segment in self._segments.values()}

    def commit(
        self,
        put: Sequence[Segment] = (),
        *,
        forget: Iterable[Segment] = (),
        position: int | None = None,
        counts: Counts | None = None,
    ) -> None:
        """Record all of it or, raising `OSError`, nothing: segments new or changed, segments gone, progress."""
        gone = list(forget)
        position = self.position if position is None else position
        counts = self.counts if counts is None else counts
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            self._connection.executemany(
                f"INSERT OR REPLACE INTO segments VALUES ({_PLACES})",  # noqa: S608 -- only question marks
                [_sealed(astuple(segment)) for segment in put],
            )
            self._connection.executemany("DELETE FROM segments WHERE number = ?", [(one.number,) for one in gone])
            self._connection.execute(
                "INSERT OR REPLACE INTO progress VALUES (?, ?, ?, ?)", _sealed((1, position, counts.to_json()))
            )
            self._connection.execute("COMMIT")
        except sqlite3.OperationalError as error:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            full = _primary_code(error) == sqlite3.SQLITE_FULL
            raise OSError(ENOSPC if full else EIO, f"cannot write the catalog: {error}") from error
        self.empty, self.position, self.counts = False, position, counts
        self._segments |= {segment.number: segment for segment in put}
        self.next_number = max([self.next_number, *(segment.number + 1 for segment in put)])
        for segment in gone:
            self._segments.pop(segment.number, None)

    def close(self) -> None:
        """Fold the write-ahead log into the database."""
        self._connection.close()


def open_catalog(data: Path) -> Catalog:
    """The catalog of a data directory, made or upgraded to today's format.

    Raises `DataDirTooNew` for a newer format and `Corrupt` for a catalog that does not hold what was written to it.
    """
    _begin_again(data)
    _check_header(data / FILE)  # before SQLite opens it: closing a file gives up all of this process's locks on it
    connection = sqlite3.connect(data / FILE, isolation_level=None, check_same_thread=False, timeout=10)
    try:
        version = _version(connection)
        refuse_newer(version, data)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        _upgrade(connection, version)
        return Catalog(connection)
    except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
        connection.close()
        if _primary_code(error) in _NOT_DAMAGE:
            raise OSError(EIO, f"cannot open {data / FILE}: {error}") from error
        raise Corrupt(f"{data / FILE} is damaged: {error}") from error
    except BaseException:
        connection.close()
        raise


def refuse_newer(version: int, data: Path) -> None:
    """Raise `DataDirTooNew` when a file of the data directory has a format that this version does not know."""
    if version > model.FORMAT_VERSION:
        raise DataDirTooNew(
            f"{data} has format {version}, this version of otel-ax knows formats up to {model.FORMAT_VERSION}",
            mend="install the newer otel-ax again, or give another directory with --data",
        )


def version_mark(version: int) -> str:
    """SQL that marks a catalog as of a format; twice, since one flipped bit must not make it a newer one's."""
    return f"PRAGMA user_version = {version}; PRAGMA application_id = {_APPLICATION + version};"


def _begin_again(data: Path) -> None:
    """Empty a catalog of which a power cut left nothing but its size, before anything was ever stored."""
    path = data / FILE
    if not path.exists():
        return
    with path.open("rb") as file:
        is_blank = not any(file.read(_PAGE_BYTES))
    if is_blank and not any(data.glob("segments/**/*.parquet")):
        truncate(path, 0)


def _check_header(path: Path) -> None:
    """Raise `Corrupt` for a file that SQLite would take for one that only newer versions of it may write."""
    if path.exists():
        with path.open("rb") as file:
            formats = file.read(_HEADER_FORMATS.stop)[_HEADER_FORMATS]
        if formats not in (b"", b"\1\1", b"\2\2"):
            raise Corrupt(f"the catalog is damaged: its header has the formats {formats.hex()}")


def _version(connection: sqlite3.Connection) -> int:
    """The format of a catalog, 0 for a new file. Raises `Corrupt`."""
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    application = int(connection.execute("PRAGMA application_id").fetchone()[0])
    if application != (_APPLICATION + version if version else 0):
        raise Corrupt(f"the catalog is damaged: it has application id {application} and version {version}")
    return version


def _upgrade(connection: sqlite3.Connection, version: int) -> None:
    if version == model.FORMAT_VERSION:
        return
    mark = version_mark(model.FORMAT_VERSION)
    connection.executescript(f"BEGIN IMMEDIATE;\n{_upgrades_from(version)}\n{mark}\nCOMMIT;")


def _upgrades_from(version: int) -> str:
    steps = range(version + 1, model.FORMAT_VERSION + 1)
    return "\n".join((_UPGRADES / f"{step}.sql").read_text(encoding="utf-8") for step in steps)


def _tables(connection: sqlite3.Connection) -> list[tuple[str, str, str]]:
    """The definitions of a catalog's tables and indexes. A flipped bit in one may show only when a row is written."""
    return connection.execute("SELECT type, name, sql FROM sqlite_master ORDER BY name").fetchall()


def _tables_made() -> list[tuple[str, str, str]]:
    with closing(sqlite3.connect(":memory:")) as fresh:
        fresh.executescript(_upgrades_from(0))
        return _tables(fresh)


def _load(connection: sqlite3.Connection) -> tuple[tuple[int, Counts] | None, dict[int, Segment]]:
    with closing(connection.execute("PRAGMA integrity_check")) as found:
        if (answer := found.fetchone()[0]) != "ok":
            raise Corrupt(f"the catalog is damaged: {answer}")
    if _tables(connection) != _tables_made():
        raise Corrupt("the catalog is damaged: its tables are defined otherwise than they were made")
    segments = {}
    for row in connection.execute("SELECT * FROM segments ORDER BY number"):
        if row != _sealed(row[:-1]):
            raise Corrupt("the catalog is damaged: a segment's seal is broken")
        segments[row[0]] = Segment(*row[:-1])
    if not max(segments, default=0) <= _last_number(connection) < _NUMBERS:
        raise Corrupt("the catalog is damaged: its last number is none that it has given")
    progress = connection.execute("SELECT one, position, counts, seal FROM progress").fetchall()
    if not progress and not segments:
        return None, {}
    if len(progress) != 1 or progress[0] != _sealed(progress[0][:-1]):
        raise Corrupt("the catalog is damaged: the seal of its progress is broken")
    return (progress[0][1], Counts.from_json(progress[0][2])), segments


def _last_number(connection: sqlite3.Connection) -> int:
    """The greatest number that a segment has had; -1 where the file says nothing that is a number."""
    said = connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'segments'").fetchall() or [(0,)]
    return int(said[0][0]) if [type(seq) for (seq,) in said] == [int] else -1


def _sealed(row: tuple[object, ...]) -> tuple[object, ...]:
    return (*row, xxhash.xxh3_64_hexdigest(repr(row).encode()))


def _primary_code(error: Exception) -> int:
    return getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
