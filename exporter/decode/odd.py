"""What is odd about a record that is stored all the same: the columns `odd` and `clock_skew`.

A record that parses is kept as it was sent; these columns say what a reader should not rely on.
"""

from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from exporter.decode import columns as c
from exporter.decode.attributes import Attributes
from exporter.units import NS_PER_S

AHEAD_NS: Final = 600 * NS_PER_S
"""How far a sender's clock may be ahead of ours; what is further ahead is not believed."""

ODDITIES: Final = ("trace_id", "span_id", "parent_span_id", "time", "duplicate_key", "truncated", "dropped")
"""In the order in which the column names them."""

Flags = npt.NDArray[np.uint8]


def attribute_flags(attributes: Attributes, count: int) -> Flags:
    """Oddities of n records' attributes, one bit each."""
    flags = np.zeros(count, dtype=np.uint8)
    mark(flags, "duplicate_key", attributes.duplicate)
    mark(flags, "truncated", attributes.cut)
    mark(flags, "dropped", attributes.limited)
    return flags


def mark(flags: Flags, oddity: str, where: c.Mask | None) -> None:
    """Set an oddity's bit."""
    if where is not None:
        flags |= where.astype(np.uint8) << np.uint8(ODDITIES.index(oddity))


def odd_column(flags: Flags) -> pa.Array:
    """The column `odd`: NULL, or the oddities' names joined with commas."""
    if not flags.any():
        return c.nulls(pa.dictionary(pa.int32(), pa.string()), len(flags))
    present, codes = np.unique(flags, return_inverse=True)
    names = [",".join(name for i, name in enumerate(ODDITIES) if bits >> i & 1) or None for bits in present.tolist()]
    return pa.array(names, pa.string()).take(pa.array(codes.astype(np.int32))).dictionary_encode()


def bad_id(ids: pa.BinaryArray, length: int, *, optional: bool = False) -> c.Mask | None:
    """Ids of another length than `length`, or all zero; an optional one may be empty and is not tested for zeros."""
    sizes = c.lengths_of(ids)
    bad: c.Mask = sizes != length
    if optional:
        bad = bad & (sizes != 0)
        return bad if bad.any() else None
    if bad.any():
        return bad | np.array([not any(one) for one in ids.to_pylist()], dtype=np.bool_)
    begin = c.offsets_of(ids)[0] if len(ids) else 0
    data = np.frombuffer(ids.buffers()[2] or b"", dtype=np.uint8)[begin : begin + length * len(ids)]
    zero: c.Mask = (data.view(np.uint64).reshape(len(ids), length // 8) == 0).all(axis=1)
    return zero if zero.any() else None


def skewed(event: c.Ints, received: c.Ints, retention_ns: int | c.Ints) -> c.Mask:
    """Event times (bits of unsigned nanoseconds) outside of [received - retention, received + 10 min]."""
    time = event.view(np.uint64)
    earliest = np.maximum(received - retention_ns, 0).view(np.uint64)
    latest = (received + AHEAD_NS).view(np.uint64)
    skew: c.Mask = (time < earliest) | (time > latest)
    return skew


def beyond_signed(*times: c.Ints) -> c.Mask:
    """Times of 2^63 ns and later, which a signed column shows as negative."""
    late = times[0] < 0
    for other in times[1:]:
        late = late | (other < 0)
    return late
