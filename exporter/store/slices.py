"""The rows of several segments: as they are, or sorted and without doubles, a slice of time after the other.

In: the files of segments of one table. Out: Arrow tables that fit in memory, and how many doubles were left out.
DuckDB orders and finds doubles over the few columns that this takes; Arrow gathers the rows. Letting DuckDB sort whole
rows took 13 µs a row instead of 4, and failed for want of memory at 256 MiB and a million spans.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from exporter import model
from exporter.store import duck, files, segment

_SHARE: Final = 4
"""A slice in memory is at most this part of what a merge may use: it is there once read, once joined, once sorted."""
_DECODED: Final = 2  # bytes in memory for one as Parquet counts them uncompressed
_SLICE_ROWS: Final = 262_144
_LEAST_BYTES: Final = 64 * 2**20  # DuckDB does not work with much less

_ROW: Final = "row number"


@dataclass(frozen=True, slots=True)
class Slice:
    """Rows of one stretch of time, sorted; `doubles` of others in it were left out."""

    rows: pa.Table
    doubles: int


@dataclass(frozen=True, slots=True)
class _Group:
    """A row group: where it is, and its rows' least and greatest time in microseconds (None: not known)."""

    file: int
    place: int
    rows: int
    least: int | None
    greatest: int | None


def sorter(data: Path, memory_bytes: int) -> duckdb.DuckDBPyConnection:
    """A connection for `slices`, which may be used again: a new one costs 20 ms, as much as a small merge."""
    spill = data / "tmp" / "merge"
    files.remove(spill.glob("duckdb_temp_*"))  # of a process that was killed
    return duck.memory(memory_bytes=max(_LEAST_BYTES, memory_bytes // _SHARE), temporary=spill, threads=1)


def in_order(table: model.Table, paths: Sequence[Path]) -> Iterator[Slice]:
    """All rows of the segments as they are, a file after the other, in slices of about a row group.

    Raises `Corrupt` for a file that is no segment.
    """
    parts: list[pa.Table] = []
    for source in (segment.opened(path, table) for path in paths):
        for place in range(source.num_row_groups):
            if (
                sum(part.num_rows for part in parts) + source.metadata.row_group(place).num_rows
                > segment.ROW_GROUP_ROWS
            ):
                yield from _joined(parts)
                parts = []
            parts.append(segment.conformed(source.read_row_group(place, use_threads=False), table))
    yield from _joined(parts)


def _joined(parts: Sequence[pa.Table]) -> Iterator[Slice]:
    if parts:
        yield Slice(pa.concat_tables(parts), 0)


def slices(
    connection: duckdb.DuckDBPyConnection, table: model.Table, paths: Sequence[Path], memory_bytes: int
) -> Iterator[Slice]:
    """All rows of the segments, in slices of their own time; two rows of one identity are in one slice.

    Of doubles, the row that came in first stays. Raises `Corrupt` for a file that is no segment.
    """
    sources = [segment.opened(path, table) for path in paths]
    groups = [group for number, source in enumerate(sources) for group in _row_groups(number, source, table.time)]
    rows = sum(group.rows for group in groups)
    size = sum(_bytes(source) for source in sources) * _DECODED
    most = max(1, min(_SLICE_ROWS, memory_bytes // _SHARE * rows // max(1, size)))
    edges = [None, *_cuts(groups, most), None]
    for low, high in pairwise(edges):
        found = _read(table, sources, groups, low, high)
        if found.num_rows:
            order = _order(connection, table, found)
            yield Slice(found.take(order), found.num_rows - len(order))


def _row_groups(number: int, source: pq.ParquetFile, time: str) -> Iterator[_Group]:
    leaf = next((at for at in range(len(source.schema)) if source.schema.column(at).path == time), None)
    for place in range(source.metadata.num_row_groups):
        group = source.metadata.row_group(place)
        found = None if leaf is None else group.column(leaf).statistics
        if found is None or not found.has_min_max:
            yield _Group(number, place, group.num_rows, None, None)
        else:
            yield _Group(number, place, group.num_rows, _micros(found.min), _micros(found.max))


def _bytes(source: pq.ParquetFile) -> int:
    return sum(source.metadata.row_group(place).total_byte_size for place in range(source.metadata.num_row_groups))


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


def _read(
    table: model.Table, sources: Sequence[pq.ParquetFile], groups: Sequence[_Group], low: int | None, high: int | None
) -> pa.Table:
    """The rows with low ≤ time < high, in the order of files."""
    parts = [segment.arrow_schema(table).empty_table()]
    for number, source in enumerate(sources):
        places = [
            group.place
            for group in groups
            if group.file == number
            and (high is None or group.least is None or group.least < high)
            and (low is None or group.greatest is None or group.greatest >= low)
        ]
        if places:
            rows = segment.conformed(source.read_row_groups(places, use_threads=False), table)
            parts.append(_between(rows, rows[table.time], low, high))
    return pa.concat_tables(parts).unify_dictionaries().combine_chunks()


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
    needed = {*table.identity, *table.sort, "ingest_time"}
    numbered = rows.select(sorted(needed)).append_column(_ROW, pa.array(np.arange(rows.num_rows, dtype=np.int64)))
    row = duck.identifier(_ROW)
    sort = ", ".join(map(duck.identifier, (*table.sort, "ingest_time", _ROW)))
    connection.register("numbered", numbered)
    if table.identity:
        connection.register("doubles", connection.sql(_doubles(table)).to_arrow_table())
        query = f"SELECT {row} FROM numbered ANTI JOIN doubles USING ({row}) ORDER BY {sort}"  # noqa: S608
    else:
        query = f"SELECT {row} FROM numbered ORDER BY {sort}"  # noqa: S608
    order = connection.sql(query).to_arrow_table()[_ROW].combine_chunks()
    connection.unregister("numbered")
    return order


def _doubles(table: model.Table) -> str:
    """SQL for the rows that are the same record as one that came in before.

    Hashes first: an identity may be twenty columns, and nearly all are found once. A span without its ids is nobody's
    double: the ids are what its table has bloom filters for.
    """
    row = duck.identifier(_ROW)
    identity = ", ".join(map(duck.identifier, table.identity))
    told = " AND ".join(f"{duck.identifier(name)} IS NOT NULL" for name in table.identity if name in table.bloom)
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
