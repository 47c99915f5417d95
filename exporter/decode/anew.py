"""Stored spans understood anew: what a better mapping, or a new price, makes of rows that were written before.

In: rows of `spans` or `spans_pending` as segments hold them. Out: the same rows; columns that are computed from what
was sent are computed again where they are out of date. What was sent (the map `attributes` with its types, events) is
not touched.
"""

from collections.abc import Callable
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from exporter.decode import columns as c
from exporter.decode.attributes import Attributes, Entries, Letters, Values, promoted_columns
from exporter.decode.mapping import CANONICAL, VERSION
from exporter.decode.nesting import Ids
from exporter.decode.normalise import Spans, among, understood
from exporter.model import PROMOTED_SPAN, UNDERSTOOD, column_of
from otel_ax import semconv

COMPUTED: Final = (*(column_of(name) for name in PROMOTED_SPAN), *UNDERSTOOD)
"""The columns of a span that are computed from what was sent."""


def is_current(rows: pa.Table) -> bool:
    """Whether today's mapping made all of these rows."""
    versions = rows["mapping_version"]
    return versions.null_count == 0 and bool(pc.all(pc.equal(versions, VERSION), min_count=0).as_py())


def normalised(rows: pa.Table, *, anew: Callable[[pa.Table], pa.Array] | None = None) -> pa.Table:
    """Rows in today's columns, those that an older mapping made computed again, and those that `anew` marks.

    The rows are in `segment.arrow_schema` and in the order in which they came in; which calls count is seen among the
    rows themselves.
    """
    outdated = pc.not_equal(rows["mapping_version"], VERSION).fill_null(fill_value=True)
    if anew is not None:
        outdated = pc.or_(outdated, anew(rows))
    if not pc.any(outdated).as_py():
        return rows
    whole = rows.unify_dictionaries().combine_chunks()
    attributes = _attributes(whole)
    made = understood(attributes, _spans(whole, attributes.true(semconv.SPAN_PENDING)))
    columns = {name: _put(made[name], whole[name], outdated.combine_chunks()) for name in COMPUTED}
    taken = [columns.get(name, whole[name]) for name in whole.column_names]
    return pa.Table.from_arrays(taken, schema=whole.schema)


def _put(made: pa.Array, stored: pa.ChunkedArray, outdated: pa.Array) -> pa.Array:
    """`made` where a row is out of date, else what is stored."""
    before = stored.combine_chunks() if stored.num_chunks != 1 else stored.chunk(0)
    if not pa.types.is_dictionary(made.type):
        return pc.if_else(outdated, made, before)
    return pc.if_else(outdated, made.dictionary_decode(), before.dictionary_decode()).dictionary_encode()


def _spans(rows: pa.Table, pending: c.Mask | None) -> Spans:
    start = c.to_numpy(_array(rows, "start_time_unix_nano"))
    return Spans(
        Ids(*(_array(rows, name) for name in ("trace_id", "span_id", "parent_span_id"))),
        _array(rows, "name"),
        _array(rows, "scope_name"),
        start,
        start + c.to_numpy(_array(rows, "duration_ns")),
        _array(rows, "events"),
        among(_array(rows, "status_code"), {"ERROR"}),
        pending,
    )


def _array(rows: pa.Table, name: str) -> pa.Array:
    column = rows[name]
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()


def _attributes(rows: pa.Table) -> Attributes:
    """What decode reads from the wire, read from the map: each attribute of each span is a pair of its own."""
    maps, types = _array(rows, "attributes"), _array(rows, "attribute_types")
    lengths = c.lengths_of(maps)
    offsets = c.offsets_of(maps)
    own = slice(int(offsets[0]), int(offsets[-1])) if len(maps) else slice(0, 0)
    keys = maps.keys[own] if pa.types.is_dictionary(maps.keys.type) else maps.keys[own].dictionary_encode()
    texts = maps.items[own]
    begin = int(c.offsets_of(types)[0]) if len(types) else 0
    letters = np.frombuffer(types.buffers()[2] or b"", np.uint8)[begin : begin + len(texts)]
    values = Values(
        texts,
        letters,
        letters,
        _parsed(texts, letters, "i", pa.int64()),
        _parsed(texts, letters, "d", pa.float64()),
        None,
    )
    record = np.repeat(np.arange(len(maps), dtype=np.int32), lengths)
    pair = np.arange(len(texts), dtype=np.int32)
    entries = Entries(len(maps), record, pair, keys.dictionary.to_pylist(), c.to_numpy(keys.indices), values)
    promoted = {
        name: column.dictionary_decode().dictionary_encode() if pa.types.is_dictionary(column.type) else column
        for name, column in promoted_columns(entries, CANONICAL).items()
    }
    return Attributes(maps, types, promoted, None, None, None, None, entries)


def _parsed(texts: pa.Array, letters: Letters, letter: str, kind: pa.DataType) -> pa.Array:
    """Texts of one type as numbers, NULL for the others."""
    return pc.if_else(pa.array(letters == ord(letter)), texts, pa.scalar(None, pa.string())).cast(kind)
