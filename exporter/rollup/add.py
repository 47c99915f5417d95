"""Cells of the same kind add up, to wider ones too; and can be taken back.

In: tables of `model.CELLS`. Out: the same, fewer.
"""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from exporter import model
from exporter.rollup.group import SCHEMA, Ints, Numbers, Parts, Sketch, grouped, nothing

_US_PER_S = 1_000_000


def added_up(cells: pa.Table, seconds: int) -> pa.Table:
    """One cell for each distinct key, of `seconds`; those whose figures cancel out are gone."""
    if not cells.num_rows:
        return cells
    width = seconds * _US_PER_S
    time = cells["time"].cast(pa.int64()).to_numpy() // width * width
    return without_nothing(grouped(parts_of(cells, time)))


def parts_of(cells: pa.Table, time: Ints) -> Parts:
    """Cells as what rows add, each to that of another `time` (µs)."""
    texts = {name: cells[name] for name, kind in model.CELL_KEYS.items() if kind == model.LOW}
    numbers = {name: _numbers(cells[name], name) for name in _FIGURES if cells[name].null_count < cells.num_rows}
    sketches = {name: _sketch(cells[name]) for name in model.CELL_SKETCHES}
    overflow = pc.fill_null(cells["overflow"], fill_value=False).to_numpy()
    return Parts(time, texts, numbers, sketches, overflow)


def negated(cells: pa.Table) -> pa.Table:
    """What takes the cells back. Least, greatest and last figures stay: what is taken back is there once more."""
    columns = []
    for item in SCHEMA:
        column = cells[item.name]
        if item.name in model.CELL_SUMS:
            columns.append(pc.negate(column))
        elif item.name in model.CELL_SKETCHES:
            columns.append(_negated_lists(column, item.type))
        elif item.name in model.CELL_KEYS:
            columns.append(column)
        else:
            columns.append(pa.nulls(cells.num_rows, item.type))
    return pa.Table.from_arrays(columns, schema=SCHEMA)


def without_nothing(cells: pa.Table) -> pa.Table:
    """The cells that have figures other than zero."""
    says = np.zeros(cells.num_rows, dtype=np.bool_)
    for name in model.CELL_SUMS:
        says |= cells[name].to_numpy() != 0
    for name in model.CELL_SKETCHES:
        says |= _lengths(_one(cells[name])) != 0
    return cells if says.all() else cells.filter(pa.array(says))


_FIGURES = (*model.CELL_SUMS, *model.CELL_LEAST, *model.CELL_GREATEST, *model.CELL_LAST)


def _numbers(column: pa.ChunkedArray, name: str) -> Numbers:
    filled = pc.fill_null(column, pa.scalar(nothing(name), column.type)) if column.null_count else column
    found: Numbers = filled.to_numpy()
    return found


def _sketch(column: pa.ChunkedArray) -> Sketch:
    lists = _one(column)
    counted = lists.flatten()
    rows = np.repeat(np.arange(len(lists)), _lengths(lists))
    return Sketch(rows, counted.field(0).to_numpy(), counted.field(1).to_numpy())


def _negated_lists(column: pa.ChunkedArray, kind: pa.ListType) -> pa.Array:
    lists = _one(column)
    counted = lists.flatten()
    values = [counted.field(0), pc.negate(counted.field(1))]
    structs = pa.StructArray.from_arrays(values, fields=list(kind.value_type))
    offsets = np.concatenate([[0], np.cumsum(_lengths(lists))])
    return pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), structs, type=kind)


def _lengths(lists: pa.ListArray) -> Ints:
    found: Ints = pc.fill_null(pc.list_value_length(lists), 0).to_numpy().astype(np.int64)
    return found


def _one(column: pa.ChunkedArray) -> pa.ListArray:
    whole = column.combine_chunks()
    return whole.combine_chunks() if isinstance(whole, pa.ChunkedArray) else whole
