"""What came in since a moment, asked by the same statements as all that is stored, over the segments that have it.

In: `manifest.json`, whose paths tell up to which position of the journal a segment goes. Out: views of a few segments.

A commit's rows are in fresh segments of its position, which is greater than that of the commit before. A merged segment
has the greatest position of those that it replaced; in one that goes beyond a mark, what is new is told by when it was
taken in. So nothing is lost and nothing comes twice, however many commits lie between two looks.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from exporter import model, tenants
from exporter.query.ask import QueryFailed, in_one_line
from exporter.query.files import manifest
from exporter.query.period import Period
from exporter.query.views import Views
from exporter.store import duck
from exporter.store.publish import MANIFEST, SCHEMA, objects
from exporter.units import NS_PER_US

MOST_ROWS: Final = 4 * 2**20
"""Who would have to look through segments of more rows than these to catch up begins anew."""

_PATH: Final = re.compile(
    r".*/(?P<tenant>tenant=[^/]*)/date=[^/]+/(?:hour=\d\d/)?"
    r"[0-9a-f]{10}-(?P<position>[0-9a-f]{16})-l(?P<level>\d+)\.parquet",
    re.DOTALL,
)
_MACRO: Final = re.compile("^CREATE MACRO", re.MULTILINE)
_MEMORY_BYTES: Final = 256 * 2**20
_QUESTIONS: Final = 200
"""Then a connection is replaced: what it remembers of footers, 35 kB a segment, is of segments that are gone."""


@dataclass(frozen=True, slots=True)
class Mark:
    """How far a table was read: up to a position of the journal; its last row was taken in at `ingest_us` (Unix)."""

    position: int = 0
    ingest_us: int = 0


@dataclass(frozen=True, slots=True)
class Segment:
    """A live segment in the folder of a tenant; times are the effective ones of its rows, Unix nanoseconds."""

    path: str
    folder: str
    position: int
    is_fresh: bool
    rows: int
    min_time: int
    max_time: int


@dataclass(frozen=True, slots=True)
class Part:
    """Rows of some segments: of fresh ones all, of merged ones those that were taken in after `after_us`."""

    segments: Sequence[Segment]
    after_us: int = -1
    where: str = ""
    """SQL over the rows; names only what this program wrote."""


class Published:
    """The lists of segments as they were at one moment."""

    def __init__(self, tables: Mapping[str, Sequence[Segment]]) -> None:
        self._tables = tables
        self.position = max((one.position for found in tables.values() for one in found), default=0)

    @classmethod
    def read(cls, data: Path) -> "Published":
        """As they are now; none where nothing was published yet. Raises `Corrupt`."""
        found = manifest(data) if (data / MANIFEST).is_file() else {}
        return cls({table: [one for each in listed if (one := _segment(each))] for table, listed in found.items()})

    def of(self, table: str, tenant: str | None) -> list[Segment]:
        """Those of a table, of one tenant or of all."""
        own = None if tenant is None else tenants.folder(tenant)
        return [one for one in self._tables.get(table, ()) if own is None or one.folder == own]

    def since(self, table: str, tenant: str | None, mark: Mark) -> list[Segment]:
        """Those that have, or may have, what came in behind `mark`."""
        return [one for one in self.of(table, tenant) if one.position > mark.position]

    def during(self, table: str, tenant: str | None, period: Period) -> list[Segment]:
        """Those that have rows of a period."""
        return [
            one for one in self.of(table, tenant) if one.max_time >= period.start_ns and one.min_time < period.end_ns
        ]


class Arrived:
    """Asks parts of tables, one question after the other, in one thread. It has a database of its own, in memory."""

    def __init__(self, data: Path) -> None:
        self._data = data
        self._connection: duckdb.DuckDBPyConnection | None = None
        self._asked = 0

    @contextmanager
    def views(self, parts: Mapping[str, Part]) -> Iterator[Views]:
        """Views in which these tables, as `stored.NAME`, have only these parts; there are no others."""
        connection = self._ready()
        for table, part in parts.items():
            connection.execute(f"CREATE OR REPLACE VIEW stored.{table} AS {_rows(self._data, table, part)}")
        yield Views(self._data, lambda: _Lent(connection))

    def period(self, table: str, part: Part) -> Period:
        """The least that holds the times of a part's rows; what its segments tell of their times is when rows count."""
        column = model.STORED[table].time
        with self.views({table: part}):
            statement = f"SELECT epoch_us(min({column})), epoch_us(max({column})) FROM stored.{table}"  # noqa: S608 (ours)
            least, greatest = self._ready().execute(statement).fetchall()[0]
        return Period(int(least or 0) * NS_PER_US, (int(greatest or 0) + 1) * NS_PER_US)

    def interrupt(self) -> None:
        """From another thread: the question that is asked now fails."""
        connection = self._connection
        if connection is not None:
            connection.interrupt()

    def _ready(self) -> duckdb.DuckDBPyConnection:
        self._asked += 1
        if self._connection is None or self._asked > _QUESTIONS:
            if self._connection is not None:
                self._connection.close()
            self._connection, self._asked = duck.memory(memory_bytes=_MEMORY_BYTES, threads=1), 0
            self._connection.execute("SET parquet_metadata_cache = true")
            self._connection.execute("CREATE SCHEMA stored")
            for statement in filter(_MACRO.search, objects()):
                self._connection.execute(statement)
        return self._connection


def last_us(segments: Iterable[Segment]) -> int:
    """When the last row of the newest of these segments was taken in, Unix microseconds; 0 where there is none.

    Its footer tells: 0.3 instead of 3 ms for a question. Raises `QueryFailed`.
    """
    newest = max(segments, key=lambda one: one.position, default=None)
    if newest is None:
        return 0
    try:
        footer = pq.read_metadata(newest.path)
        groups = [footer.row_group(number) for number in range(footer.num_row_groups)]
        columns = [group.column(place) for group in groups for place in range(group.num_columns)]
        return max(
            int(one.statistics.max_raw) for one in columns if one.path_in_schema == "ingest_time" and one.statistics
        )
    except (OSError, ValueError, pa.ArrowException) as error:
        raise QueryFailed(f"cannot read a segment: {in_one_line(error)}") from None


@dataclass(frozen=True, slots=True)
class _Lent:
    """A connection that is used again."""

    connection: duckdb.DuckDBPyConnection
    lists: None = None
    kept: None = None
    turns: None = None

    def close(self) -> None:
        """It stays open."""


def _segment(listed: Mapping[str, Any]) -> Segment | None:
    path = str(listed["path"])
    name = _PATH.fullmatch(path)
    if name is None:
        return None
    return Segment(
        path=path,
        folder=name["tenant"],
        position=int(name["position"], 16),
        is_fresh=int(name["level"]) == 0,
        rows=int(listed["rows"]),
        min_time=int(listed["min_time"]),
        max_time=int(listed["max_time"]),
    )


def _rows(data: Path, table: str, part: Part) -> str:
    """A SELECT of a part's rows, in today's columns."""
    schema = duck.file_literal(data.resolve() / SCHEMA / f"{table}.parquet")
    fresh = [one.path for one in part.segments if one.is_fresh or part.after_us < 0]
    merged = [one.path for one in part.segments if not one.is_fresh and part.after_us >= 0]
    where = f" WHERE {part.where}" if part.where else ""
    sql = f"SELECT * FROM {_read([schema, *map(_literal, fresh)])}{where}"  # noqa: S608 (paths of ours)
    if merged:
        new = f"ingest_time > make_timestamptz({part.after_us})"
        both = f"{new} AND ({part.where})" if part.where else new
        sql += f" UNION ALL BY NAME SELECT * FROM {_read(map(_literal, merged))} WHERE {both}"  # noqa: S608 (the same)
    return sql


def _read(literals: Iterable[str]) -> str:
    return f"read_parquet([{', '.join(literals)}], hive_partitioning = false, union_by_name = true)"


def _literal(path: str) -> str:
    return duck.file_literal(Path(path))
