"""What a start makes of a directory that `file_double_life` has worked in, whatever has happened to it since.

In: the directory, and what was said. Out: which requests are there, how often, and what counts as lost.
"""

import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

import pyarrow.parquet as pq

from exporter.journal import Tail
from exporter.journal.frame import record
from exporter.journal.log import Log
from exporter.store import Store, recover, segment
from exporter.store.catalog import Catalog
from tests.crash.file_double_life import JOURNAL, STORE, number_of, request_of, rows_of, store_all, time_of
from tests.exporter.store_tables import DAY, NOON, StillClock, ask

NUMBER: Final = {"spans": "duration_ns", "logs": "severity_number"}
"""The column that tells which request a row came with."""

Rows = Counter[tuple[str, int]]
"""Rows by table and number of their request."""


@dataclass(frozen=True, slots=True)
class Said:
    """The numbers of the requests that were sent, and of those that were acknowledged."""

    sent: list[int]
    acked: set[int]

    @classmethod
    def read(cls, lines: Iterable[str]) -> "Said":
        """From what a life says."""
        words = [line.split() for line in lines]
        sent = sorted({int(number) for word, number in words if word == "sent"})
        return cls(sent, {int(number) for word, number in words if word == "acked"})

    @property
    def clock(self) -> StillClock:
        """The time by then."""
        return StillClock(time_of(max(self.sent, default=0)))


@dataclass(frozen=True, slots=True)
class Found:
    """What is there after a start.

    `rows` are in segments or, about to be, in the journal; `known` are the requests that count as retries when they are
    sent again. Of the rest: `corrupt_files` were set aside, `lost_frames` of the journal passed over.
    """

    rows: Rows
    known: set[int]
    corrupt_files: int
    lost_frames: int

    @property
    def numbers(self) -> set[int]:
        """The requests of which something is there."""
        return {number for _, number in self.rows}

    def check(self, said: Said) -> None:
        """Nothing acknowledged is lost, nothing is there in part or twice, and all of it counts as a retry."""
        assert is_whole(self.rows), "stored in part, or twice"
        assert said.acked - self.numbers == set(), "acknowledged and lost"
        assert self.known - self.numbers == set(), "counts as a retry and is not there"
        assert self.numbers - self.known == set(), "is there and does not count as a retry"


def start(data: Path, said: Said) -> Found:
    """Recovers catalog and journal as a server does. Each live segment must hold what the catalog says that it does."""
    with closing(recover.recovered_catalog(data, said.clock.now)) as catalog:
        rows, position, corrupt_files = rows_stored(data, catalog), catalog.position, catalog.counts.corrupt_files
    with closing(Tail.open(data / "journal", position)) as tail:
        log, window = Log.open(data / "journal", JOURNAL, StillClock())
        log.close()
        rows.update(rows_expected(number_of(entry) for entry in tail.read(2**30)))
        known = {number for number in said.sent if window.holds(record(request_of(number)).digest, NOON)}
        return Found(rows, known, corrupt_files, tail.lost_frames)


def go_on(data: Path, said: Said) -> None:
    """Starts for good, sends everything again, stores and maintains: everything is there once."""
    with closing(Store.open(data, STORE, said.clock)) as store:
        with closing(Tail.open(data / "journal", store.position)) as tail:
            log, window = Log.open(data / "journal", JOURNAL, StillClock())
            with closing(log):
                records = [record(request_of(number)) for number in said.sent]
                again = [one for one in records if not window.holds(one.digest, NOON)]
                while again:
                    del again[: log.append(again)]
                store_all(store, tail)
        assert rows_published(data) == rows_expected(said.sent)
        for days in (3, 4):
            store.maintain(said.clock.now + days * DAY)
        assert rows_published(data) == rows_expected(said.sent)


@contextmanager
def in_memory() -> Iterator[Path]:
    """A directory that is gone afterwards; in memory where the machine has such, since thousands of starts sync."""
    memory = Path("/dev/shm")  # noqa: S108 -- only its speed matters
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as name:
        yield Path(name)


def rows_expected(numbers: Iterable[int]) -> Rows:
    """All rows of requests."""
    rows: Rows = Counter()
    for number in numbers:
        rows.update({(name, number): count for name, count in rows_of(number).items()})
    return rows


def is_whole(rows: Rows) -> bool:
    """Whether of each request all rows are there, once."""
    return rows == rows_expected({number for _, number in rows})


def rows_published(data: Path) -> Rows:
    """What anybody sees who opens `ax.duckdb`."""
    rows: Rows = Counter()
    for name, column in NUMBER.items():
        query = f"SELECT {column}, count(*) FROM {name} GROUP BY ALL"
        rows.update({(name, number): count for number, count in ask(data, query)})
    return rows


def rows_stored(data: Path, catalog: Catalog) -> Rows:
    """What the live segments hold, each of which is whole."""
    rows: Rows = Counter()
    for one in catalog.segments():
        assert segment.file_checksum(data / one.path) == one.checksum
        rows.update(_rows_of(one.checksum, one.table, data / one.path))
    return rows


@cache
def _rows_of(_checksum: str, table: str, path: Path) -> Rows:
    return rows_of_file(table, path)


def rows_of_file(table: str, path: Path) -> Rows:
    """What a segment holds; cells hold no row of anybody's."""
    if table not in NUMBER:
        return Counter()
    column = pq.ParquetFile(path).read([NUMBER[table]])[NUMBER[table]]
    return Counter((table, number) for number in column.to_pylist())
