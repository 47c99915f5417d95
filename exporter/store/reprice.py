"""Prices of stored calls anew, by today's price list, at the rates of their own time.

In: rows of spans. Out: the same rows; of calls that cost something else by today's list, the cost, its parts and whose
price it is. Which spans count as calls stays as it is.
"""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from exporter import model
from exporter.decode.anew import normalised
from exporter.rollup.columns import Mask, true
from exporter.store.amends import Amends
from exporter.store.merge import Stopped
from exporter.store.rewrite import Change
from exporter.store.slices import NO_ROWS, in_order
from exporter.units import NS_PER_US

TABLE: Final = "spans"
_PRICED: Final = (
    *(name for name in model.UNDERSTOOD if name.startswith("cost_") and name != "cost_reported_nanos"),
    "price_version",
    "price_date",
    "unpriced",
)


def repriced(rows: pa.Table, since_ns: int) -> tuple[pa.Table, Mask]:
    """The rows, and which of them cost something else now; those that began before `since_ns` stay as they are."""
    meant = pc.and_(
        pc.fill_null(rows["is_counted"], fill_value=False),
        pc.greater_equal(rows["start_time"].cast(pa.int64()), since_ns // NS_PER_US),
    )
    none = np.zeros(rows.num_rows, dtype=np.bool_)
    if not pc.any(meant).as_py():
        return rows, none
    anew = normalised(rows, anew=lambda _: meant)
    differs = pc.fill_null(pc.not_equal(rows["cost_nanos"], anew["cost_nanos"]), fill_value=False)
    appears = pc.xor(pc.is_null(rows["cost_nanos"]), pc.is_null(anew["cost_nanos"]))
    changed: Mask = true(meant) & true(anew["is_counted"]) & (true(differs) | true(appears))
    if not changed.any():
        return rows, none
    mask = pa.array(changed)
    for name in _PRICED:
        field = rows.schema.field(name)
        column = pc.if_else(mask, _plain(anew[name]), _plain(rows[name])).combine_chunks()
        encoded = column.dictionary_encode() if pa.types.is_dictionary(field.type) else column
        rows = rows.set_column(rows.schema.get_field_index(name), field, encoded)
    return rows, changed


def concerns(path: Path, since_ns: int, stopped: Callable[[], bool]) -> bool:
    """Whether any call in the file of a segment costs something else: most cost what they did. Raises `Stopped`."""
    for part in in_order(model.STORED[TABLE], [path], NO_ROWS):
        if stopped():
            raise Stopped
        if repriced(part.rows, since_ns)[1].any():
            return True
    return False


def change(since_ns: int, amends: Amends, told: Callable[[int], None]) -> Change:
    """The change of a segment; `amends` takes what it means for cells, `told` hears how many calls changed."""

    def changed(table: model.Table, path: Path) -> Iterable[pa.Table]:
        for part in in_order(table, [path], NO_ROWS):
            after, where = repriced(part.rows, since_ns)
            if where.any():
                mask = pa.array(where)
                amends.replace(table.name, part.rows.filter(mask), after.filter(mask))
                told(int(where.sum()))
            yield after

    return changed


def _plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return column.cast(column.type.value_type) if pa.types.is_dictionary(column.type) else column
