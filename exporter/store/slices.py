"""The rows of several segments: in the order in which they came in, or sorted, a slice of time after the other.

In: the files of segments of one table. Out: Arrow tables that fit in memory, without doubles.
DuckDB orders and finds doubles over the few columns that this takes; Arrow gathers the rows. Letting DuckDB sort whole
rows took 13 µs a row instead of 4, and failed for want of memory at 256 MiB and a million spans.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from exporter import model, rollup
from exporter.rollup.columns import Mask
from exporter.store import duck, files, segment
from exporter.store.revise import Revised

_SHARE: Final = 4
"""A slice in memory is at most this part of what a merge may use: it is there once read, once joined, once sorted."""
_IDS: Final = ("trace_id", "span_id")
"""A record without its ids is nobody's double."""
_DECODED: Final = 2  # bytes in memory for one as Parquet counts them uncompressed
_SLICEROWS: Final = 262_144
_LEAST_BYTES: Final = 64 * 2**20  # DuckDB does not work with much less

ROW: Final = "row number"
"""The column with them."""

Rows = np.ndarray[Any, np.dtype[np.int64]]
"""Numbers of rows, counted from 0 through files in their order; ascending."""
Revise = Callable[[pa.Table, Mask], Revised]
"""What becomes of the rows of a row group."""
NO_ROWS: Final[Rows] = np.empty(0, dtype=np.int64)


@dataclass(frozen=True, slots=True)
class Slice:
    """Rows that follow each other; doubles `removed` from among them, and those `changed`, before and after."""

    rows: pa.Table
    removed: Sequence[pa.Table] = ()
    changed: Sequence[tuple[pa.Table, pa.Table]] = ()

    @property
    def doubles(self) -> int:
        """How many rows were left out."""
        return sum(rows.num_rows for rows in self.removed)


@dataclass(frozen=True, slots=True)
class _Group:
    """A row group: where it is, and its rows' least and greatest time in microseconds (None: not known).

    `first` is the number of its first row.
    """

    source: pq.ParquetFile
    place: int
    first: int
    rows: int
    least: int | None
    greatest: int | None


def sorter(data: Path, memory_bytes: int) -> duckdb.DuckDBPyConnection:
    """A connection for `slices`, which may be used again: a new one costs 20 ms, as much as a small merge."""
    spill = data / "tmp" / "merge"
    files.remove(spill.glob("duckdb_temp_*"))  # of a process that was killed
    return duck.memory(memory_bytes=max(_LEAST_BYTES, memory_bytes // _SHARE), temporary=spill, threads=1)


def in_order(table: model.Table, paths: Sequence[Path], without: Rows) -> Iterator[Slice]:
    """All rows of the segments but those `without`, as they are, in slices of about a row group.

    Raises `Corrupt` for a file that is no segment.
    """
    return revised_in_order(table, paths, without, lambda rows, _: Revised(rows))


def revised_in_order(
    table: model.Table, paths: Sequence[Path], without: Rows, revise: Revise, uncount: Rows = NO_ROWS
) -> Iterator[Slice]:
    """`in_order`, the rows of each row group revised; `revise` is told those to `uncount`."""
    parts: list[pa.Table] = []
    removed: list[pa.Table] = []
    changed: list[tuple[pa.Table, pa.Table]] = []
    for group in _row_groups(table, paths):
        if parts and sum(part.num_rows for part in parts) + group.rows > segment.ROW_GROUP_ROWS:
            yield Slice(pa.concat_tables(parts), removed, changed)
            parts, removed, changed = [], [], []
        rows = segment.conformed(group.source.read_row_group(group.place, use_threads=False), table)
        gone, uncounted = _among(group, without), _among(group, uncount)
        if gone.any():
            removed.append(rows.filter(pa.array(gone)))
            rows, uncounted = rows.filter(pa.array(~gone)), uncounted[~gone]
        revised = revise(rows, uncounted)
        parts.append(revised.rows)
        changed += revised.changed
    if parts:
        yield Slice(pa.concat_tables(parts), removed, changed)


def _among(group: _Group, numbers: Rows) -> Mask:
    """Which rows of a row group have one of some numbers."""
    low, high = np.searchsorted(numbers, (group.first, group.first + group.rows))
    mask = np.zeros(group.rows, dtype=np.bool_)
    mask[numbers[low:high] - group.first] = True
    return mask


def doubles(
    connection: duckdb.DuckDBPyConnection, table: model.Table, paths: Sequence[Path], memory_bytes: int
) -> Rows:
    """The rows of the segments that are the same record as one that came in before.

    Reads only what tells a record, a stretch of time after the other. Raises `Corrupt` for a file that is no segment.
    """
    if not table.identity:
        return NO_ROWS
    needed = sorted({*table.identity, table.time, "ingest_time"})
    groups = list(_row_groups(table, paths))
    found = [_doubled(connection, table, rows) for rows in _stretches(table, groups, needed, memory_bytes)]
    return np.sort(np.concatenate([NO_ROWS, *found]))


def slices(
    connection: duckdb.DuckDBPyConnection, table: model.Table, paths: Sequence[Path], memory_bytes: int
) -> Iterator[Slice]:
    """All rows of the segments, in slices of their own time, each sorted; two rows of one identity are in one slice.

    Of doubles, the row that came in first stays. Raises `Corrupt` for a file that is no segment.
    """
    groups = list(_row_groups(table, paths))
    for numbered in _stretches(table, groups, list(table.columns), memory_bytes):
        rows = numbered.drop([ROW])
        order = _order(connection, table, rows)
        whole = rows.unify_dictionaries().combine_chunks()
        yield Slice(whole.take(order), _left_out(whole, order))


def stretches(
    table: model.Table, paths: Sequence[Path], columns: Sequence[str], memory_bytes: int
) -> Iterator[pa.Table]:
    """`columns` of all rows of the segments and their numbers, in tables of one stretch of time that fit in memory."""
    return _stretches(table, list(_row_groups(table, paths)), columns, memory_bytes)


def summed(table: model.Table, paths: Sequence[Path], memory_bytes: int, most: int) -> Iterator[Slice]:
    """All cells of the segments, those with equal keys as one, in order of time; at most `most` of one time.

    Raises `Corrupt` for a file that is no segment.
    """
    groups = list(_row_groups(table, paths))
    seconds = model.CELL_WIDTHS[table.name]
    for numbered in _stretches(table, groups, list(table.columns), memory_bytes):
        yield Slice(rollup.folded(rollup.added_up(numbered.drop([ROW]), seconds), most))


def _left_out(rows: pa.Table, order: pa.Array) -> list[pa.Table]:
    if len(order) == rows.num_rows:
        return []
    places = np.setdiff1d(np.arange(rows.num_rows), order.to_numpy())
    return [rows.take(pa.array(places))]


def _row_groups(table: model.Table, paths: Iterable[Path]) -> Iterator[_Group]:
    first = 0
    for path in paths:
        source = segment.opened(path, table)
        leaf = next((at for at in range(len(source.schema)) if source.schema.column(at).path == table.time), None)
        for place in range(source.num_row_groups):
            group = source.metadata.row_group(place)
            found = None if leaf is None else group.column(leaf).statistics
            times = (None, None) if found is None or not found.has_min_max else (_micros(found.min), _micros(found.max))
            yield _Group(source, place, first, group.num_rows, *times)
            first += group.num_rows


def _stretches(
    table: model.Table, groups: Sequence[_Group], columns: Sequence[str], memory_bytes: int
) -> Iterator[pa.Table]:
    """`columns` of all rows, and their numbers, in tables of one stretch of time each that fit in memory."""
    rows = sum(group.rows for group in groups)
    size = sum(_bytes(group, columns) for group in groups) * _DECODED
    most = max(1, min(_SLICEROWS, memory_bytes // _SHARE * rows // max(1, size)))
    for low, high in pairwise([None, *_cuts(groups, most), None]):
        parts = [_read(table, group, columns, low, high) for group in groups if _is_between(group, low, high)]
        if sum(part.num_rows for part in parts):
            yield pa.concat_tables(parts)


def _bytes(group: _Group, columns: Iterable[str]) -> int:
    """The bytes of some columns of a row group, uncompressed."""
    wanted = frozenset(columns)
    read = group.source.metadata.row_group(group.place)
    return sum(
        column.total_uncompressed_size
        for column in map(read.column, range(read.num_columns))
        if column.path_in_schema.partition(".")[0] in wanted
    )


def _micros(value: Any) -> int:
    return int(pa.scalar(value, model.TIME).value)


def _cuts(groups: Sequence[_Group], most: int) -> list[int]:
    """Times at which to cut, so that about `most` rows lie between two of them."""
    cuts: list[int] = []
    rows = 0
    for group in sorted(groups, key=lambda group: -(2**63) if group.least is None else group.least):
        if rows + group.rows > most and rows and group.least is not None and group.least not in cuts[-1:]:
            cuts.append(group.least)
            rows = 0
        rows += group.rows
    return cuts


def _is_between(group: _Group, low: int | None, high: int | None) -> bool:
    """Whether a row group may have rows with low ≤ time < high."""
    return (high is None or group.least is None or group.least < high) and (
        low is None or group.greatest is None or group.greatest >= low
    )


def _read(table: model.Table, group: _Group, columns: Sequence[str], low: int | None, high: int | None) -> pa.Table:
    """`columns` of the rows of a row group with low ≤ time < high, and their numbers.

    One group at a time: Arrow does not read maps whose keys are dictionaries from several.
    """
    read = group.source.read_row_group(group.place, columns=list(columns), use_threads=False)
    rows = segment.conformed(read, table, columns)
    numbers = pa.array(np.arange(group.first, group.first + group.rows, dtype=np.int64))
    return _between(rows.append_column(ROW, numbers), rows[table.time], low, high)


def _between(rows: pa.Table, time: pa.ChunkedArray, low: int | None, high: int | None) -> pa.Table:
    micros = pc.fill_null(time.cast(pa.int64()), 0)
    keep: pa.ChunkedArray | None = None
    if low is not None:
        keep = pc.greater_equal(micros, low)
    if high is not None:
        below = pc.less(micros, high)
        keep = below if keep is None else pc.and_(keep, below)
    return rows if keep is None or pc.all(keep).as_py() else rows.filter(keep)


def _order(connection: duckdb.DuckDBPyConnection, table: model.Table, rows: pa.Table) -> pa.Array:
    """The places of the rows to keep, in the order of `table.sort`."""
    needed = sorted({*table.identity, *table.sort, "ingest_time"})
    numbered = rows.select(needed).append_column(ROW, pa.array(np.arange(rows.num_rows, dtype=np.int64)))
    row = duck.identifier(ROW)
    sort = ", ".join(map(duck.identifier, (*table.sort, "ingest_time", ROW)))
    connection.register("numbered", numbered)
    if table.identity:
        connection.register("doubles", connection.sql(_doubles(table)).to_arrow_table())
        query = f"SELECT {row} FROM numbered ANTI JOIN doubles USING ({row}) ORDER BY {sort}"  # noqa: S608
    else:
        query = f"SELECT {row} FROM numbered ORDER BY {sort}"  # noqa: S608
    order = connection.sql(query).to_arrow_table()[ROW].combine_chunks()
    connection.unregister("numbered")
    return order


def _doubled(connection: duckdb.DuckDBPyConnection, table: model.Table, numbered: pa.Table) -> Rows:
    connection.register("numbered", numbered)
    found: Rows = connection.sql(_doubles(table)).to_arrow_table()[ROW].to_numpy()
    connection.unregister("numbered")
    return found


def _doubles(table: model.Table) -> str:
    """SQL for the rows that are the same record as one that came in before.

    Hashes first: an identity may be twenty columns, and nearly all are found once.
    """
    row = duck.identifier(ROW)
    identity = ", ".join(map(duck.identifier, table.identity))
    told = " AND ".join(f"{duck.identifier(name)} IS NOT NULL" for name in table.identity if name in _IDS)
    return f"""
        WITH hashed AS MATERIALIZED (
            SELECT {row}, hash({identity}) AS hashed FROM numbered WHERE {told or "true"}
        ),
        suspect AS (SELECT hashed FROM hashed GROUP BY hashed HAVING count(*) > 1),
        copies AS (
            SELECT {row}, row_number() OVER (PARTITION BY {identity} ORDER BY ingest_time, {row}) AS copy
            FROM numbered SEMI JOIN (FROM hashed SEMI JOIN suspect USING (hashed)) USING ({row})
        )
        SELECT {row} FROM copies WHERE copy > 1
    """  # noqa: S608 -- names of model.TABLES only
