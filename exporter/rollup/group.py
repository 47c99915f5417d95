"""Rows with equal keys become one cell.

In: `Parts`, what each row adds to which cell. Out: cells in `model.CELLS`, one for each distinct key, in order of time.
Keys are numbers made of dictionary codes; figures are summed as 64-bit integers over rows sorted by key, so that sums
are exact.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from exporter import model

Ints = npt.NDArray[np.int64]
Numbers = npt.NDArray[Any]

SCHEMA: Final = pa.schema(list(model.CELLS.items()))
"""What this makes."""

_TEXT_KEYS: Final = tuple(name for name, kind in model.CELL_KEYS.items() if kind == model.LOW)
_DENSE: Final = 16  # as many zeros for each count cost less than sorting
_MOST: Final = 2**62  # keys are made denser before they would leave 64 bits
_NO_INT: Final = {"least": np.iinfo(np.int64).max, "greatest": np.iinfo(np.int64).min}
_NO_REAL: Final = {"least": np.inf, "greatest": -np.inf}


@dataclass(frozen=True, slots=True)
class Sketch:
    """Counts by bucket: `rows[i]` has `counts[i]` in the bucket `at[i]`."""

    rows: Ints
    at: Numbers
    counts: Ints


@dataclass(frozen=True, slots=True)
class Parts:
    """What each row adds: its cell's `time` (µs) and text keys, and its figures; what is not named is nothing.

    `texts` are dictionary arrays or chunks of them. Columns of `numbers` are whole: zero in sums where a row has none,
    and in others what `nothing` says.
    """

    time: Ints
    texts: Mapping[str, pa.Array | pa.ChunkedArray]
    numbers: Mapping[str, Numbers] = field(default_factory=dict)
    sketches: Mapping[str, Sketch] = field(default_factory=dict)
    overflow: npt.NDArray[np.bool_] | None = None


def nothing(column: str) -> float | int:
    """What says in a column of `Parts` that a row has no figure there."""
    if column in model.CELL_SUMS:
        return 0
    kind = "least" if column in model.CELL_LEAST else "greatest"
    whole = model.CELLS[column] == model.INT
    return _NO_INT[kind] if whole else _NO_REAL[kind]


def grouped(parts: Parts) -> pa.Table:
    """One cell for each distinct key."""
    if not len(parts.time):
        return SCHEMA.empty_table()
    texts = {name: _whole(column) for name, column in parts.texts.items()}
    of, firsts = _groups(parts, texts)
    order = _stable_order(of, len(firsts))
    starts = np.searchsorted(of[order], np.arange(len(firsts)))
    by_time = np.argsort(parts.time[firsts], kind="stable")
    columns: dict[str, pa.Array] = {"time": pa.array(parts.time[firsts]).view(model.TIME)}
    over = parts.overflow
    columns["overflow"] = pa.array(np.zeros(len(firsts), dtype=np.bool_) if over is None else over[firsts])
    for name, column in texts.items():
        columns[name] = column.take(pa.array(firsts))
    for name in (*model.CELL_SUMS, *model.CELL_LEAST, *model.CELL_GREATEST):
        if name in parts.numbers:
            columns[name] = _reduced(name, parts.numbers[name][order], starts)
    columns |= _last(parts, of, len(firsts))
    for name, sketch in parts.sketches.items():
        columns[name] = _lists(sketch, of, len(firsts), model.CELLS[name])
    arrays = [columns.get(item.name, _absent(item, len(firsts))) for item in SCHEMA]
    return pa.Table.from_arrays(arrays, schema=SCHEMA).take(pa.array(by_time))


def _whole(column: pa.Array | pa.ChunkedArray) -> pa.DictionaryArray:
    if isinstance(column, pa.ChunkedArray):
        return column.unify_dictionaries().combine_chunks() if column.num_chunks != 1 else column.chunk(0)
    return column


def _groups(parts: Parts, texts: Mapping[str, pa.DictionaryArray]) -> tuple[Ints, Ints]:
    """The group of each row, and the first row of each group."""
    low = int(parts.time.min())
    key, size = _dense(parts.time - low) if len(parts.time) else (parts.time, 1)
    if parts.overflow is not None:
        key, size = key * 2 + parts.overflow, size * 2
    for name in _TEXT_KEYS:
        if name not in texts:
            continue
        column = texts[name]
        distinct = len(column.dictionary) + 1
        if column.null_count == len(column):
            continue
        if size * distinct >= _MOST:
            key, size = _dense(key)
        codes = column.indices.fill_null(-1) if column.null_count else column.indices
        key = key * distinct + (codes.to_numpy(zero_copy_only=False) + 1)
        size *= distinct
    of, count = _dense(key)
    firsts = np.empty(count, dtype=np.int64)
    firsts[of[::-1]] = np.arange(len(of) - 1, -1, -1)  # of several, the last assignment stays
    return of, firsts


def _dense(key: Ints) -> tuple[Ints, int]:
    """Numbers from 0 in place of others, equal ones for equal ones; and how many there are. By hashing, not sorting."""
    encoded = pa.array(key).dictionary_encode()
    return encoded.indices.to_numpy().astype(np.int64), len(encoded.dictionary)


def _stable_order(of: Ints, groups: int) -> Ints:
    small = of.astype(np.uint16) if groups < 2**16 else of  # numpy sorts 16 bits by radix: a third of the time
    return np.argsort(small, kind="stable")


def _reduced(name: str, ordered: Numbers, starts: Ints) -> pa.Array:
    if name in model.CELL_SUMS:
        return pa.array(np.add.reduceat(ordered, starts), model.CELLS[name])
    reduce = np.minimum if name in model.CELL_LEAST else np.maximum
    found = reduce.reduceat(ordered, starts)
    return pa.array(found, model.CELLS[name], mask=found == nothing(name))


def _last(parts: Parts, of: Ints, groups: int) -> dict[str, pa.Array]:
    """The value with the latest time of each group; of two, the greater one."""
    if "last" not in parts.numbers:
        return {}
    values, times = parts.numbers["last"], parts.numbers["last_time_unix_nano"]
    rows = np.flatnonzero(times != nothing("last_time_unix_nano"))
    rows = rows[np.lexsort((values[rows], times[rows], of[rows]))]
    latest = np.full(groups, -1)
    latest[of[rows]] = rows
    absent = latest < 0
    return {
        "last": pa.array(values[latest], model.REAL, mask=absent),
        "last_time_unix_nano": pa.array(times[latest], model.INT, mask=absent),
    }


def _lists(sketch: Sketch, of: Ints, groups: int, kind: pa.ListType) -> pa.Array:
    """The sums of counts by group and bucket, without those that are zero."""
    if not len(sketch.at):
        return pa.array([[]] * groups, kind)
    buckets, places = _ranked(sketch.at)
    keys, counts = _counted(of[sketch.rows] * len(buckets) + places, sketch.counts, groups * len(buckets))
    offsets = np.searchsorted(keys, np.arange(groups + 1) * len(buckets))
    bucket, count = kind.value_type
    values = [pa.array(buckets[keys % len(buckets)]).cast(bucket.type), pa.array(counts)]
    structs = pa.StructArray.from_arrays(values, fields=[bucket, count])
    return pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), structs, type=kind)


def _ranked(values: Numbers) -> tuple[Numbers, Ints]:
    """The distinct values in order, and the place of each among them; sorts only the distinct ones."""
    encoded = pa.array(values).dictionary_encode()
    distinct = encoded.dictionary.to_numpy()
    order = np.argsort(distinct)
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order))
    return distinct[order], rank[encoded.indices.to_numpy()]


def _counted(keys: Ints, counts: Ints, size: int) -> tuple[Ints, Ints]:
    """The distinct keys below `size`, ascending, with the sums of their counts that are not zero."""
    if size <= _DENSE * len(keys):
        sums = np.zeros(size, dtype=np.int64)
        np.add.at(sums, keys, counts)
        found = np.flatnonzero(sums)
        return found, sums[found]
    order = np.argsort(keys, kind="stable")
    ordered = keys[order]
    starts = np.flatnonzero(np.diff(ordered, prepend=-1))
    sums = np.add.reduceat(counts[order], starts)
    return ordered[starts][sums != 0], sums[sums != 0]


def _absent(item: pa.Field, rows: int) -> pa.Array:
    if item.name in model.CELL_SUMS:
        return pa.array(np.zeros(rows), item.type)
    if item.name in model.CELL_SKETCHES:
        return pa.array([[]] * rows, item.type)
    if pa.types.is_dictionary(item.type):
        return pa.DictionaryArray.from_arrays(pa.nulls(rows, item.type.index_type), pa.array([], pa.string()))
    return pa.nulls(rows, item.type)
