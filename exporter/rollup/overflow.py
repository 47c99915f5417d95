"""A bound on how many cells a minute, an hour or a day has.

In: cells. Out: at most so many for each time, and those that say what was lost of the rest: its dimensions.
"""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from exporter.dimensions import DIMENSIONS
from exporter.rollup.add import parts_of, without_nothing
from exporter.rollup.group import Ints, Parts, grouped

_LEVELS = (DIMENSIONS, (*DIMENSIONS, "tenant_id"))
"""What goes first, and what goes too where there are more tenants than there may be cells."""


def folded(cells: pa.Table, most: int) -> pa.Table:
    """The cells, of which those with the least counts are one per source (and tenant) where a time has over `most`.

    Cells that take back what may be in such a one already go there too. `cells` are distinct.
    """
    for lost in _LEVELS:
        if cells.num_rows <= most:
            return cells
        time = cells["time"].cast(pa.int64()).to_numpy()
        count = cells["count"].to_numpy()
        small = _beyond(time, count, most)
        if not small.any():
            return cells
        is_over = small | cells["overflow"].to_numpy()
        small |= (count < 0) & np.isin(time, time[is_over])
        cells = without_nothing(grouped(_without(parts_of(cells, time), small, lost)))
    return cells


def _beyond(time: Ints, count: Ints, most: int) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """The cells that are too many at their time: the smallest; room is kept for what they become."""
    order = np.lexsort((-count, time))
    ordered = time[order]
    starts = np.flatnonzero(np.diff(ordered, prepend=ordered[0] - 1))
    sizes = np.diff(starts, append=len(ordered))
    rank = np.arange(len(ordered)) - np.repeat(starts, sizes)
    small = np.zeros(len(ordered), dtype=np.bool_)
    small[order] = (np.repeat(sizes, sizes) > most) & (rank >= most // 2)
    return small


def _without(parts: Parts, rows: np.ndarray[tuple[int], np.dtype[np.bool_]], lost: tuple[str, ...]) -> Parts:
    gone = pa.array(rows)
    texts = {name: _blanked(column, gone) if name in lost else column for name, column in parts.texts.items()}
    overflow = rows if parts.overflow is None else parts.overflow | rows
    return Parts(parts.time, texts, parts.numbers, parts.sketches, overflow)


def _blanked(column: pa.Array | pa.ChunkedArray, gone: pa.Array) -> pa.DictionaryArray:
    one = column.unify_dictionaries().combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    indices = pc.if_else(gone, pa.scalar(None, one.indices.type), one.indices)
    return pa.DictionaryArray.from_arrays(indices, one.dictionary)
