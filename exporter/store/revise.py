"""Rows that are written again are written as one would today: with the meaning that today's mapping gives them.

In: rows of a table as they were stored, and which of them turned out to be no calls that count. Out: rows to store, and
those of them that are others now, before and after.
"""

from dataclasses import dataclass, field
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from exporter import model
from exporter.decode import mapping
from exporter.decode.anew import is_current, normalised
from exporter.rollup.columns import Mask, one_dictionary

_OF_CALLS: Final = (
    *(name for name in model.UNDERSTOOD if name.startswith("cost_") and name != "cost_reported_nanos"),
    "price_version",
    "price_date",
    "unpriced",
)
"""What only a call that counts has."""


@dataclass(frozen=True, slots=True)
class Revised:
    """Rows as they are to be stored; `changed` are some of them before and after."""

    rows: pa.Table
    changed: list[tuple[pa.Table, pa.Table]] = field(default_factory=list)


def revised(table: model.Table, rows: pa.Table, uncount: Mask) -> Revised:
    """`rows` in the order in which they came in, of which some count no longer."""
    found = Revised(rows) if "mapping_version" not in table.columns else _understood(rows)
    if not uncount.any():
        return found
    after, where = _uncounted(found.rows, uncount), pa.array(uncount)
    return Revised(after, [*found.changed, (found.rows.filter(where), after.filter(where))])


def _understood(rows: pa.Table) -> Revised:
    if is_current(rows):
        return Revised(rows)
    outdated = pc.not_equal(rows["mapping_version"], mapping.VERSION).fill_null(fill_value=True)
    after = normalised(rows)
    return Revised(after, [(rows.filter(outdated), after.filter(outdated))])


def _uncounted(rows: pa.Table, where: Mask) -> pa.Table:
    gone = pa.array(where)
    for name in _OF_CALLS:
        rows = _with(rows, name, _blanked(rows[name], gone))
    return _with(rows, "is_counted", pc.and_(rows["is_counted"], pc.invert(gone)))


def _with(rows: pa.Table, name: str, column: pa.Array | pa.ChunkedArray) -> pa.Table:
    place = rows.schema.get_field_index(name)
    return rows.set_column(place, rows.schema.field(place), column)


def _blanked(column: pa.ChunkedArray, gone: pa.Array) -> pa.Array | pa.ChunkedArray:
    """The column with NULL where it is `gone`."""
    if not pa.types.is_dictionary(column.type):
        return pc.if_else(gone, pa.scalar(None, column.type), column)
    one = one_dictionary(column)
    return pa.DictionaryArray.from_arrays(
        pc.if_else(gone, pa.scalar(None, one.indices.type), one.indices), one.dictionary
    )
