"""Which segments a question has to read: those that may hold rows of its time.

In: `manifest.json`, the footers of segments. Out: a statement in which `stored.NAME` is a list of just these; how many
rows a stretch of time has.

A view over all segments costs a question 0.5 to 5 ms for each file, by the number of its columns, also where none of
its rows is of the time. What the manifest says of times is when rows count; a skewed clock's own times are told by
footers alone, which are read once, since segments never change.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import groupby
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from exporter import model, tenants
from exporter.errors import AxError
from exporter.query.files import manifest
from exporter.query.keys import may_have
from exporter.query.period import MINUTE, Period
from exporter.store import duck, publish
from exporter.store.rolled import ROLLS
from exporter.units import NS_PER_US

_FOOTERS: Final = 2**14
"""Remembered."""
_ALWAYS_US: Final = 2**61
_STORED: Final = re.compile(r"\bstored\.(\w+)(?: /\* having ([\w.]+) \*/)?")
"""A list of segments. With the remark only rows matter that have this attribute."""
_SOURCE: Final = re.compile(r"\b(FROM|JOIN)\s+(\w+)\b(?!\s*[(.])")
_LEVEL: Final = re.compile(r"-l(\d+)\.parquet$")
_LONGEST_US: Final = 5 * MINUTE // NS_PER_US

Numbers = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class _Footer:
    """Of a segment: its leaf columns; of each row group its rows, their least and greatest time (Unix microseconds)."""

    leaves: int
    least: Numbers
    greatest: Numbers
    rows: Numbers


@dataclass(frozen=True, slots=True)
class _File:
    """A segment; one whose footer cannot be read may hold anything."""

    path: str
    leaves: int
    rows: int
    least_us: int = -_ALWAYS_US
    greatest_us: int = _ALWAYS_US


@dataclass(frozen=True, slots=True)
class _Table:
    """The segments of a table, and the row groups of all of them."""

    files: Sequence[_File]
    least: Numbers
    greatest: Numbers
    rows: Numbers


class Lists:
    """The segments of one publication, of one tenant or of all. Footers are read when they are first needed."""

    def __init__(self, data: Path, tenant: str | None, paths: Mapping[str, Sequence[str]]) -> None:
        """Use `read`."""
        self.tenant = tenant
        self._data = data
        self._paths = paths
        self._tables: dict[str, _Table] = {}
        self._sets: dict[str, frozenset[str]] = {}

    @classmethod
    def read(cls, data: Path, tenant: str | None) -> "Lists | None":
        """As they are now; None where they cannot be read: then views tell."""
        try:
            listed = manifest(data)
            paths = {table: [str(one["path"]) for one in found] for table, found in listed.items()}
        except (AxError, KeyError, TypeError):
            return None
        if tenant is not None:
            own = {table: f"{data}/segments/{table}/{tenants.folder(tenant)}/" for table in paths}
            paths = {table: [path for path in found if path.startswith(own[table])] for table, found in paths.items()}
        opened = {
            name + publish.OPEN: [path for path in paths.get(name, ()) if _level(path) < roll.level]
            for name, roll in ROLLS.items()
        }
        return cls(data, tenant, paths | opened)

    def paths(self, table: str) -> frozenset[str]:
        """The segments of a table."""
        if table not in self._sets:
            self._sets[table] = frozenset(self._paths.get(table, ()))
        return self._sets[table]

    def narrowed(self, statement: str, within: Period | frozenset[str]) -> str:
        """A statement, of which no row outside of `within` matters, over the segments that may hold rows of it.

        Or over those whose paths are given.
        """
        return _STORED.sub(lambda found: self._select(found[1], within, found[2]) or found[0], expanded(statement))

    def rows(self, statement: str, period: Period) -> int:
        """About how many rows of a period there are in the tables of a statement."""
        return int(sum(_within(one, *_us(period)) for one in self._tables_of(statement)))

    def newest_us(self, statement: str) -> int:
        """When the newest row of the tables of a statement is, Unix microseconds."""
        return max((one.greatest_us for table in self._tables_of(statement) for one in table.files), default=0)

    def last(self, statement: str, period: Period, rows: int, longest_ns: int | None = None) -> Period:
        """The end of a period that has about so many rows of these tables; all of it where it has fewer.

        It is five minutes at most, or so long: where one row of a group has a time far from the others', they seem to
        lie thin.
        """
        tables = self._tables_of(statement)
        start_us, end_us = _us(period)
        end_us = min(end_us, 1 + max((one.greatest_us for table in tables for one in table.files), default=end_us))

        def count(long: int) -> float:
            return sum(_within(one, end_us - long, end_us) for one in tables)

        short, long = 0, end_us - start_us
        if long <= 0 or count(long) <= rows:
            return period
        while long - short > max(short // 8, 1):
            middle = (short + long) // 2
            short, long = (middle, long) if count(middle) < rows else (short, middle)
        longest_us = _LONGEST_US if longest_ns is None else longest_ns // NS_PER_US
        return Period((end_us - min(long, longest_us)) * NS_PER_US, period.end_ns)

    def _tables_of(self, statement: str) -> list[_Table]:
        names = dict.fromkeys(found[1] for found in _STORED.finditer(expanded(statement)))
        return [self._table(name) for name in names]

    def _table(self, name: str) -> _Table:
        if name not in self._tables:
            self._tables[name] = _read(name, self._paths.get(name, ()))
        return self._tables[name]

    def _select(self, name: str, within: Period | frozenset[str], key: str | None) -> str | None:
        if name not in self._paths:
            return None
        files = [one for one in self._table(name).files if _holds(one, within, key)]
        empty = self._data / publish.SCHEMA / f"{name.removesuffix(publish.OPEN)}.parquet"
        width = _footer(str(empty), "").leaves
        # By columns, as the views are, and those of today first: they name the columns.
        lists = {leaves: list(found) for leaves, found in groupby(sorted(files, key=_leaves), key=_leaves)}
        today = lists.pop(width, [_File(str(empty), width, 0)])
        return f"({' UNION ALL BY NAME '.join(map(_parquet, [today, *lists.values()]))})"


@cache
def statements() -> Mapping[str, str]:
    """The statement of each published view over segments, by its name, without what makes it a view."""
    found = {}
    for name, sql in zip(publish.OBJECTS, publish.objects(), strict=True):
        head = f"CREATE VIEW {name} AS\n"
        if head in sql:
            statement = sql[sql.index(head) + len(head) :].rstrip().removesuffix(";")
            if _STORED.search(statement) or any(one[2] in found for one in _SOURCE.finditer(statement)):
                found[name] = statement
    return found


@lru_cache(maxsize=256)
def expanded(statement: str) -> str:
    """A statement in which views over segments are the statements that they stand for."""

    def statement_of(found: re.Match[str]) -> str:
        view = statements().get(found[2])
        return found[0] if view is None else f"{found[1]} ({expanded(view)})"

    return _SOURCE.sub(statement_of, statement)


def _read(name: str, paths: Sequence[str]) -> _Table:
    column = model.STORED[name.removesuffix(publish.OPEN)].time
    files, footers = [], []
    for path in paths:
        try:
            footer = _footer(path, column)
        except (OSError, pa.ArrowException):
            files.append(_File(path, 0, 0))
            continue
        footers.append(footer)
        ends = (int(footer.least.min()), int(footer.greatest.max())) if len(footer.rows) else (0, -1)
        files.append(_File(path, footer.leaves, int(footer.rows.sum()), *ends))
    return _Table(
        files,
        _joined([one.least for one in footers]),
        _joined([one.greatest for one in footers]),
        _joined([one.rows for one in footers]),
    )


def _joined(parts: Sequence[Numbers]) -> Numbers:
    return np.concatenate(parts) if parts else np.array([], dtype=np.int64)


@lru_cache(maxsize=_FOOTERS)
def _footer(path: str, column: str) -> _Footer:
    found = pq.read_metadata(path)
    groups = [found.row_group(number) for number in range(found.num_row_groups)]
    place = next((one for one in range(found.num_columns) if found.schema.column(one).path == column), None)
    ends = [_ends(group, place) for group in groups]
    return _Footer(
        found.num_columns,
        np.array([least for least, _ in ends], dtype=np.int64),
        np.array([greatest for _, greatest in ends], dtype=np.int64),
        np.array([group.num_rows for group in groups], dtype=np.int64),
    )


def _ends(group: Any, place: int | None) -> tuple[int, int]:
    said = None if place is None else group.column(place).statistics
    if said is None or not said.has_min_max:
        return -_ALWAYS_US, _ALWAYS_US
    return int(said.min_raw), int(said.max_raw)


def _holds(one: _File, within: Period | frozenset[str], key: str | None) -> bool:
    if isinstance(within, Period):
        start_us, end_us = _us(within)
        holds = one.greatest_us >= start_us and one.least_us < end_us
    else:
        holds = one.path in within
    return holds and (key is None or not one.leaves or may_have(one.path, key))


def _us(period: Period) -> tuple[int, int]:
    return period.start_ns // NS_PER_US, -(-period.end_ns // NS_PER_US)


def _within(table: _Table, start_us: int, end_us: int) -> float:
    """Rows, as if those of a row group lay evenly in its time."""
    least = np.maximum(table.least, start_us)
    shared = np.minimum(table.greatest + 1, end_us) - least
    return float((np.maximum(shared, 0) / (table.greatest + 1 - table.least) * table.rows).sum())


def _parquet(files: Sequence[_File]) -> str:
    paths = ", ".join(duck.file_literal(Path(one.path)) for one in files)
    rows = sum(one.rows for one in files)
    cardinality = f", explicit_cardinality = {rows}" if rows else ""
    return f"FROM read_parquet([{paths}], hive_partitioning = false{cardinality})"


def _leaves(one: _File) -> int:
    return one.leaves


def _level(path: str) -> int:
    found = _LEVEL.search(path)
    return int(found[1]) if found else 0
