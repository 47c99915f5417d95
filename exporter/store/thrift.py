"""Thrift's compact protocol, as far as the footers of Parquet files need it.

In: bytes of structs. Out: where their fields are; the same bytes with some numbers greater; bytes of structs.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

TRUE: Final = 1
FALSE: Final = 2
BYTE: Final = 3
I64: Final = 6
DOUBLE: Final = 7
BINARY: Final = 8
LIST: Final = 9
SET: Final = 10
STRUCT: Final = 12
"""Types."""

OFFSET: Final = "offset"
"""In a shape: this number grows. A shape says by their numbers what fields are: an offset, a struct of another shape,
or a list of such structs; fields that it does not name stay as they are."""

Shape = Mapping[int, Any]

_LONG_LIST: Final = 15  # in the head of a list: its length follows
_DOUBLE_BYTES: Final = 8
_MORE: Final = 0x80  # in a byte of a number: another one follows


@dataclass(frozen=True, slots=True)
class Field:
    """The type of a field, and where its value begins and ends."""

    kind: int
    begin: int
    end: int


def fields_of(data: bytes) -> dict[int, Field]:
    """The fields of the struct at the beginning of `data`, by number."""
    found, at, field = {}, 0, 0
    while head := data[at]:
        field, begin = _field_head(data, at, head, field)
        at = _after(data, begin, head & 15)
        found[field] = Field(head & 15, begin, at)
    return found


def grown(data: bytes, at: int, length: int, shape: Shape, by: int) -> bytes:
    """So many structs from `at` on, in which what `shape` calls offsets is greater; 0 says that there is none."""
    walk = _Walk(data, at, by)
    for _ in range(length):
        walk.struct(shape)
    return walk.end()


class _Walk:
    """Goes through structs, copying them with other offsets."""

    def __init__(self, data: bytes, at: int, by: int) -> None:
        self._data, self._at, self._by = data, at, by
        self._copied = at
        self._out = bytearray()

    def struct(self, shape: Shape) -> None:
        data, field = self._data, 0
        while head := data[self._at]:
            field, self._at = _field_head(data, self._at, head, field)
            told = shape.get(field)
            if told is None:
                self._at = _after(data, self._at, head & 15)
            elif told is OFFSET:
                self._offset()
            elif isinstance(told, list):
                length, _, self._at = list_head(data, self._at)
                for _ in range(length):
                    self.struct(told[0])
            else:
                self.struct(told)
        self._at += 1

    def end(self) -> bytes:
        self._copy()
        return bytes(self._out)

    def _offset(self) -> None:
        self._copy()
        value, self._at = number(self._data, self._at)
        self._out += as_number(value + self._by if value > 0 else value)
        self._copied = self._at

    def _copy(self) -> None:
        self._out += self._data[self._copied : self._at]


def _field_head(data: bytes, at: int, head: int, before: int) -> tuple[int, int]:
    """The number of a field, and where its value begins."""
    if head >> 4:
        return before + (head >> 4), at + 1
    return number(data, at + 1)


def _after(data: bytes, at: int, kind: int) -> int:
    """Where a value ends."""
    if kind in (TRUE, FALSE):
        return at
    if kind == BYTE:
        return at + 1
    if kind <= I64:
        return _varint(data, at)[1]
    if kind == DOUBLE:
        return at + _DOUBLE_BYTES
    if kind == BINARY:
        length, at = _varint(data, at)
        return at + length
    if kind in (LIST, SET):
        length, of, at = list_head(data, at)
        for _ in range(length):
            at = at + 1 if of in (TRUE, FALSE) else _after(data, at, of)
        return at
    if kind == STRUCT:
        while head := data[at]:
            _, begin = _field_head(data, at, head, 0)
            at = _after(data, begin, head & 15)
        return at + 1
    raise ValueError(f"type {kind}")  # a map: `parquet.thrift` has none


def list_head(data: bytes, at: int) -> tuple[int, int, int]:
    """How many elements of which type the list at `at` has, and where they begin."""
    head = data[at]
    if head >> 4 < _LONG_LIST:
        return head >> 4, head & 15, at + 1
    length, begin = _varint(data, at + 1)
    return length, head & 15, begin


def number(data: bytes, at: int) -> tuple[int, int]:
    """The whole number at `at`, and where it ends."""
    value, end = _varint(data, at)
    return value >> 1 ^ -(value & 1), end


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while (byte := data[at]) & _MORE:
        value |= (byte & ~_MORE) << shift
        shift += 7
        at += 1
    return value | byte << shift, at + 1


def as_number(value: int) -> bytes:
    """A whole number, whether positive or not."""
    return as_varint(value << 1 if value >= 0 else (-value << 1) - 1)


def as_varint(value: int) -> bytes:
    """A length, say: a number that is not negative."""
    out = bytearray()
    while value >= _MORE:
        out.append(value & ~_MORE & 0xFF | _MORE)
        value >>= 7
    out.append(value)
    return bytes(out)


def as_list_head(kind: int, length: int) -> bytes:
    """The head of a list of so many elements of a type."""
    return bytes([length << 4 | kind]) if length < _LONG_LIST else bytes([_LONG_LIST << 4 | kind]) + as_varint(length)


def as_struct(fields: Mapping[int, tuple[int, bytes]]) -> bytes:
    """A struct of fields by number, each with its type and value; no two next to each other are 15 numbers apart."""
    out, before = bytearray(), 0
    for field in sorted(fields):
        kind, value = fields[field]
        out += bytes([(field - before) << 4 | kind]) + value
        before = field
    return bytes(out) + b"\0"
