"""What only the events of a span tell: which exception it ended with, and when its first chunk came.

In: the column `events` of spans, as it is stored. Out: rows of spans with what their events say. Costs nothing where
there are no events.
"""

from collections.abc import Set as AbstractSet

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from exporter.decode import columns as c

_EXCEPTION_TYPE = "exception.type"


def exception_types(events: pa.ListArray, rows: c.Mask) -> pa.Array | None:
    """The type of the last exception of each span, NULL where there is none and beyond `rows`; None if nowhere."""
    inner, span = _flat(events, rows)
    if not len(span):
        return None
    maps = inner.field("attributes")
    keys = maps.keys.dictionary.to_pylist() if pa.types.is_dictionary(maps.keys.type) else None
    if keys is not None and _EXCEPTION_TYPE not in keys:
        return None
    offsets = c.offsets_of(maps)
    own = slice(int(offsets[0]), int(offsets[-1]))
    is_type = c.to_numpy(pc.equal(_texts(maps.keys)[own], _EXCEPTION_TYPE).fill_null(fill_value=False))
    entries = np.flatnonzero(is_type)
    if not len(entries):
        return None
    event = np.searchsorted(offsets - offsets[0], entries, side="right") - 1
    last = np.full(len(events), -1, dtype=np.int32)
    last[span[event]] = entries  # the later one of a span is written last
    return _texts(maps.items)[own].take(pa.array(np.where(rows & (last >= 0), last, 0), mask=~rows | (last < 0)))


def firsts(events: pa.ListArray, names: AbstractSet[str]) -> tuple[c.Codes, c.Ints] | None:
    """Spans with an event of one of some names, and the time of the first such (Unix ns); None if none has."""
    inner = events.flatten()
    if not len(inner):
        return None
    encoded = inner.field("name").dictionary_encode()
    wanted = np.array([name in names for name in encoded.dictionary.to_pylist()], dtype=np.bool_)
    if not wanted.any():
        return None
    found = np.flatnonzero(wanted[c.to_numpy(encoded.indices)])
    times, span = c.to_numpy(inner.field("time_unix_nano"))[found], c.parents_of(events)[found]
    order = np.lexsort((times, span))
    spans, first = np.unique(span[order], return_index=True)
    return spans, times[order][first]


def _flat(events: pa.ListArray, rows: c.Mask) -> tuple[pa.StructArray, c.Codes]:
    """All events and the span of each; none where no span of `rows` has any."""
    inner = events.flatten()
    span = c.parents_of(events)
    if len(span) and not rows[span].any():
        return inner[:0], span[:0]
    return inner, span


def _texts(values: pa.Array) -> pa.Array:
    return values.dictionary_decode() if pa.types.is_dictionary(values.type) else values
