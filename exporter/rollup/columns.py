"""Columns of stored tables as numpy takes them."""

from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from exporter.units import NS_PER_US

Ints = npt.NDArray[np.int64]
Reals = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

_LAST_US: Final = 2**63 // NS_PER_US - 1  # later times leave 64 bits as nanoseconds


def ints(column: pa.ChunkedArray) -> Ints:
    """Whole numbers, 0 where there is none."""
    found: Ints = (pc.fill_null(column, 0) if column.null_count else column).to_numpy()
    return found


def reals(column: pa.ChunkedArray) -> Reals:
    """Numbers, NaN where there is none."""
    found: Reals = (pc.fill_null(column, float("nan")) if column.null_count else column).to_numpy()
    return found


def true(column: pa.ChunkedArray) -> Mask:
    """Where a truth value is true."""
    found: Mask = (pc.fill_null(column, fill_value=False) if column.null_count else column).to_numpy()
    return found


def there(column: pa.ChunkedArray) -> Mask:
    """Where a column is not NULL."""
    if column.null_count == 0:
        return np.ones(len(column), dtype=np.bool_)
    found: Mask = column.is_valid().to_numpy()
    return found


def one_dictionary(column: pa.ChunkedArray) -> pa.DictionaryArray:
    """The text of all chunks over one dictionary."""
    if column.num_chunks == 1:
        return column.chunk(0)
    whole: Any = column.unify_dictionaries().combine_chunks()
    return whole


def equal(column: pa.DictionaryArray, text: str) -> Mask:
    """Where text of few values is `text`."""
    places = [place for place, value in enumerate(column.dictionary.to_pylist()) if value == text]
    if not places:
        return np.zeros(len(column), dtype=np.bool_)
    return np.isin(codes(column), places)


def codes(column: pa.DictionaryArray) -> npt.NDArray[np.int32]:
    """Places in the dictionary, -1 for NULL."""
    found: npt.NDArray[np.int32] = column.indices.fill_null(-1).to_numpy(zero_copy_only=False)
    return found


def first_of(column: pa.DictionaryArray, other: pa.DictionaryArray) -> pa.DictionaryArray:
    """`column`, and where that is NULL `other`."""
    if column.null_count == 0 or not np.any((codes(column) < 0) & (codes(other) >= 0)):
        return column
    return pc.coalesce(column.dictionary_decode(), other.dictionary_decode()).dictionary_encode()


def effective_us(own_ns: Ints, rows: pa.Table) -> Ints:
    """When rows count: at their own time, or when they came in where their sender's clock is off. Microseconds."""
    arrived = ints(rows["ingest_time"].cast(pa.int64()))
    times = np.where((own_ns >= 0) & ~true(rows["clock_skew"]), own_ns // NS_PER_US, arrived)
    return np.clip(times, 0, _LAST_US)
