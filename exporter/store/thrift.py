"""Thrift's compact protocol, as far as the footers of Parquet files need it.

In: bytes of structs. Out: where their fields and offsets are; the same bytes with offsets grown; bytes of structs.
What is not understood to the last byte is refused: a field that nobody here knows may be an offset.
"""

from collections.abc import Collection, Mapping, Sequence
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
KEPT: Final = "kept"
"""In a shape: this number grows; this stays as it is, whatever is in it. A shape says by their numbers what the fields
of a struct are: one of these, a struct of another shape, or a list of such structs. There are no others."""

Shape = Mapping[int, Any]

_LONG_LIST: Final = 15  # in the head of a list: its length follows
_BYTES: Final = {TRUE: 1, FALSE: 1, BYTE: 1, DOUBLE: 8}  # of an element of a list
_NUMBER_BITS: Final = 64
_MORE: Final = 0x80  # in a byte of a number: another one follows


@dataclass(frozen=True, slots=True)
class Field:
    """The type of a field, and where its value begins and ends."""

    kind: int
    begin: int
    end: int


@dataclass(frozen=True, slots=True)
class Offset:
    """A number that is an offset, and where it begins and ends."""

    value: int
    begin: int
    end: int


def fields_of(data: bytes, known: Collection[int]) -> dict[int, Field]:
    """The fields of the struct that `data` is, by number. Raises `IndexError` or `ValueError` where it is no such."""
    found, at, field = {}, 0, 0
    while head := data[at]:
        field, begin = _field_head(data, at, head, field)
        at = _after(data, begin, head & 15)
        if field in found or field not in known:
            raise ValueError(f"field {field}")
        found[field] = Field(head & 15, begin, at)
    if at + 1 != len(data):
        raise ValueError(f"{len(data) - at - 1} bytes behind the last field")
    return found


def offsets(data: bytes, where: Field, shape: Shape) -> list[Offset]:
    """The offsets in a list of structs of `shape`. Raises `IndexError` or `ValueError` where it is no such list."""
    walk = _Walk(data, where.begin)
    walk.value(where.kind, [shape])
    if walk.at != where.end:
        raise ValueError("a list that ends elsewhere")
    return walk.found


def grown(data: bytes, begin: int, end: int, found: Sequence[Offset], by: int) -> bytes:
    """The bytes from `begin` to `end` in which offsets are greater; 0 says that there is none."""
    out = bytearray()
    for one in found:
        out += data[begin : one.begin]
        out += as_number(one.value + by if one.value else 0)
        begin = one.end
    return bytes(out) + data[begin:end]


class _Walk:
    """Goes through structs and collects their offsets."""

    def __init__(self, data: bytes, at: int) -> None:
        self.at = at
        self.found: list[Offset] = []
        self._data = data

    def value(self, kind: int, told: Any) -> None:
        if told is KEPT:
            self.at = _after(self._data, self.at, kind)
        elif told is OFFSET and kind == I64:
            begin = self.at
            value, self.at = number(self._data, begin)
            self.found.append(Offset(value, begin, self.at))
        elif isinstance(told, list) and kind == LIST:
            length, of, self.at = list_head(self._data, self.at)
            for _ in range(length):
                self.value(of, told[0])
        elif isinstance(told, Mapping) and kind == STRUCT:
            self._struct(told)
        else:
            raise ValueError(f"type {kind} where {told} was expected")

    def _struct(self, shape: Shape) -> None:
        field, seen = 0, set[int]()
        while head := self._data[self.at]:
            field, self.at = _field_head(self._data, self.at, head, field)
            if field in seen or field not in shape:
                raise ValueError(f"field {field}")
            seen.add(field)
            self.value(head & 15, shape[field])
        self.at += 1


def _field_head(data: bytes, at: int, head: int, before: int) -> tuple[int, int]:
    """The number of a field, and where its value begins."""
    if head >> 4:
        return before + (head >> 4), at + 1
    return number(data, at + 1)


def _after(data: bytes, at: int, kind: int) -> int:
    """Where a value ends."""
    if kind in (TRUE, FALSE):
        return at
    if kind in _BYTES:
        return at + _BYTES[kind]
    if BYTE < kind <= I64:
        return _varint(data, at)[1]
    if kind == BINARY:
        length, at = _varint(data, at)
        return at + length
    if kind in (LIST, SET):
        length, of, at = list_head(data, at)
        if of in _BYTES:
            return at + length * _BYTES[of]
        for _ in range(length):  # each has a byte at least, so a length that lies ends with the data
            at = _after(data, at, of)
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
        if shift > _NUMBER_BITS:
            raise ValueError("a number that does not end")
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
