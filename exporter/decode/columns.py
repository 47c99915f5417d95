"""Small moves on Arrow columns, each in one pass and without a Python loop over rows."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]
Codes = npt.NDArray[np.int32]

_HEX: Final = np.frombuffer("".join(f"{i:02x}" for i in range(256)).encode(), dtype="<u2")


def to_numpy(array: pa.Array) -> npt.NDArray[Any]:
    """The values of a numeric array without NULLs, not copied."""
    values: npt.NDArray[Any] = array.to_numpy(zero_copy_only=False)
    return values


def valid(array: pa.Array) -> Mask:
    """Where an array is not NULL."""
    if array.null_count == 0:
        return np.ones(len(array), dtype=np.bool_)
    return to_numpy(array.is_valid())


def offsets_of(array: pa.Array) -> Codes:
    """The offsets of a list, string or binary array, n + 1 of them; NULLs must be empty."""
    return np.frombuffer(array.buffers()[1], dtype=np.int32)[array.offset : array.offset + len(array) + 1]


def lengths_of(array: pa.Array) -> Codes:
    """The length of each list, string or binary value: elements or bytes."""
    return np.diff(offsets_of(array)) if len(array) else np.zeros(0, dtype=np.int32)


def parents_of(lists: pa.ListArray) -> Codes:
    """For each element of flattened lists, the index of the list that it came from."""
    return np.repeat(np.arange(len(lists), dtype=np.int32), lengths_of(lists))


def signed(array: pa.Array) -> Ints:
    """Unsigned 64-bit values with their bits taken as signed."""
    return to_numpy(array).view(np.int64)


def micros(nanos: Ints) -> pa.Array:
    """Timestamps (µs, UTC) of Unix nanoseconds, whose bits are taken as unsigned."""
    micro = (nanos.view(np.uint64) // np.uint64(1000)).view(np.int64)
    return pa.array(micro).view(pa.timestamp("us", tz="UTC"))


def hex_of(array: pa.BinaryArray) -> pa.StringArray:
    """Lower-case hex of ids of any length; an empty one is NULL."""
    offsets = offsets_of(array)
    if len(array) == 0:
        return pa.array([], pa.string())
    data = np.frombuffer(array.buffers()[2] or b"", dtype=np.uint8)[offsets[0] : offsets[-1]]
    text = _HEX[data]
    empty = lengths_of(array) == 0
    bits, nulls = None, 0
    if empty.any():
        bits, nulls = pa.py_buffer(np.packbits(~empty, bitorder="little")), int(empty.sum())
    buffer = pa.py_buffer(text if len(text) else b"")
    return pa.StringArray.from_buffers(len(array), pa.py_buffer((offsets - offsets[0]) * 2), buffer, bits, nulls)


def text_of_bytes(letters: npt.NDArray[np.uint8], offsets: Codes) -> pa.StringArray:
    """Strings cut out of one run of ASCII bytes at `offsets`, which start at 0."""
    return pa.StringArray.from_buffers(len(offsets) - 1, pa.py_buffer(offsets), pa.py_buffer(letters))


def low(array: pa.Array) -> pa.DictionaryArray:
    """Text of few distinct values, dictionary-encoded."""
    return array.dictionary_encode()


def low_taken(values: Sequence[str | None], index: Codes) -> pa.DictionaryArray:
    """`values[i]` for each i of `index`, dictionary-encoded, each distinct value once."""
    encoded = pa.array(values, pa.string()).dictionary_encode()
    return pa.DictionaryArray.from_arrays(encoded.indices.take(pa.array(index)), encoded.dictionary)


def named(codes: pa.Array, names: Mapping[int, str]) -> pa.DictionaryArray:
    """Enum numbers as names; a number without a name is its decimal text."""
    encoded = codes.dictionary_encode()
    return pa.DictionaryArray.from_arrays(
        encoded.indices, pa.array([names.get(code, str(code)) for code in encoded.dictionary.to_pylist()], pa.string())
    )


def taken(array: pa.Array, places: Codes) -> pa.Array:
    """The elements at `places`, which are known to be within the array."""
    return pc.take(array, pa.array(places), boundscheck=False)


def scattered(values: npt.NDArray[Any], rows: npt.NDArray[np.integer[Any]], count: int) -> pa.Array:
    """A column of `count` rows that has `values` at `rows`, which are distinct, and NULL elsewhere."""
    column = np.zeros(count, dtype=values.dtype)
    column[rows] = values
    if len(rows) == count:
        return pa.array(column)
    present = np.zeros(count, dtype=np.bool_)
    present[rows] = True
    buffers = [pa.py_buffer(np.packbits(present, bitorder="little")), pa.py_buffer(column)]
    return pa.Array.from_buffers(pa.from_numpy_dtype(values.dtype), count, buffers, count - len(rows))


def nulls(kind: pa.DataType, rows: int) -> pa.Array:
    """A column of NULLs."""
    if pa.types.is_dictionary(kind):
        return pa.DictionaryArray.from_arrays(pa.nulls(rows, kind.index_type), pa.array([], kind.value_type))
    return pa.nulls(rows, kind)


def relisted(lists: pa.ListArray, values: pa.Array) -> pa.ListArray:
    """Lists with the lengths of `lists` over other values."""
    offsets = offsets_of(lists)
    return pa.ListArray.from_arrays(pa.array(offsets - (offsets[0] if len(offsets) else 0)), values)


def field(structs: pa.StructArray, name: str) -> pa.Array:
    """A field of structs, NULL where the struct is."""
    # struct_field is a kernel call of 20 µs, and most structs are never NULL.
    return pc.struct_field(structs, name) if structs.null_count else structs.field(name)
