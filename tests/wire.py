"""The same message in other bytes: what protobuf allows a sender to write, and no usual encoder does.

In: a message and a source of randomness. Out: bytes that every protobuf parser reads as the same message.
"""

from random import Random
from typing import Any, Final

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

_LENGTH_DELIMITED: Final = 2
_WIRE_TYPES: Final = {
    FieldDescriptor.TYPE_FIXED64: 1,
    FieldDescriptor.TYPE_DOUBLE: 1,
    FieldDescriptor.TYPE_UINT64: 0,
}
"""Of the numbers that OTLP has lists of."""
_UNKNOWN: Final = (b"\xc0\xbb\x01\x05", b"\xca\xbb\x01\x03abc", b"\xd1\xbb\x01" + bytes(8), b"\xdd\xbb\x01" + bytes(4))
"""Fields 3000 to 3003, which OTLP does not have, one of each wire type."""


def rewritten(message: Message, rng: Random) -> bytes:
    """The message with its fields in any order, some unknown ones among them, and some packed numbers unpacked."""
    pieces: dict[int, list[bytes]] = {}
    order: list[int] = []
    for field, value in message.ListFields():
        items = value if field.is_repeated else [value]
        pieces[field.number] = [_piece(message, field, item, rng) for item in items]
        order += [field.number] * len(items)
    rng.shuffle(order)
    written = [pieces[number].pop(0) for number in order]
    if rng.random() < 1 / 4:
        written.insert(rng.randint(0, len(written)), rng.choice(_UNKNOWN))
    return b"".join(written)


def _piece(message: Message, field: FieldDescriptor, item: Any, rng: Random) -> bytes:
    if field.message_type is not None:
        inner = rewritten(item, rng)
        return _tag(field, _LENGTH_DELIMITED) + _varint(len(inner)) + inner
    alone = type(message)()
    if field.is_repeated:
        getattr(alone, field.name).append(item)
    else:
        setattr(alone, field.name, item)
    piece = alone.SerializeToString()
    if field.is_packed and rng.random() < 1 / 2:
        # A packed list of one is a tag, a length of one byte, and the number.
        number = piece[len(_tag(field, _LENGTH_DELIMITED)) + 1 :]
        return _tag(field, _WIRE_TYPES[field.type]) + number
    return piece


def _tag(field: FieldDescriptor, wire_type: int) -> bytes:
    return _varint(field.number << 3 | wire_type)


def _varint(number: int) -> bytes:
    written = bytearray()
    while number >= 1 << 7:
        written.append(number & 0x7F | 0x80)
        number >>= 7
    written.append(number)
    return bytes(written)
