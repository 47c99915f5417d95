"""Protobuf's wire format, for what is not worth parsing.

In: bytes. Out: numbers.
"""

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
