"""How much a request is made of, without parsing it: counted in little memory, before a parse might take much.

In: the bytes of an export request. Out: numbers, and a refusal where they are too large.

What is not repeated, and yet comes often, is read by protobuf into one message. What is then missing from the request
are the tags and lengths that framed the others: two bytes each, three where there are more than 127 bytes in them. So
the size of a merged message tells how many there were.
"""

from collections.abc import Mapping
from typing import Any, Final

from google.protobuf import message_factory
from google.protobuf.descriptor_pb2 import FieldDescriptorProto, FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import DecodeError

from exporter.errors import Reason, Refused
from exporter.receive.merged import TO_ITEMS, Way, skeletons
from exporter.receive.messages import ITEMS
from exporter.signals import Signal

PARSED_UNCOUNTED_BYTES: Final = 512 * 2**10
"""Larger requests are to be counted before they are parsed: 16 MiB of empty spans take 1.4 GB when parsed."""
MOST_PARTS: Final = 2_000_000
"""Attributes, their values, events, links, exemplars and so on, in a request. The writer needs up to 75 bytes for each.

16 MiB of spans with 13 attributes each have 800,000 parts; 16 MiB of empty events would be 8,000,000.
"""
PARTS_UNCOUNTED_BYTES: Final = 2 * MOST_PARTS
"""Larger requests have their parts counted: a part is two bytes at least."""

_HOLDERS_PER_ITEM: Final = 8
"""Resources, scopes, metrics and their data to an item: four, counted as eight, where no two share any."""

_F: Final = FieldDescriptorProto


def count(signal: Signal, payload: bytes) -> int:
    """How many items the request frames: 20 µs for 512 spans, 16 bytes each. 1 where the framing is broken."""
    try:
        return _sum(_ITEMS[signal].FromString(payload), TO_ITEMS[signal])
    except DecodeError:
        return 1


def parts(signal: Signal, payload: bytes) -> int:
    """How many messages nest in the request, all told, give or take a tenth: 2 µs a span. 0 where it is broken."""
    return _merged_away(_SKELETONS[signal], payload)


def holders(signal: Signal, payload: bytes) -> int:
    """How many resources, scopes and metrics hold the items, or none: up to twice as many as they are."""
    return _merged_away(_HOLDERS[signal], payload)


def check(signal: Signal, payload: bytes, most_items: int) -> None:
    """Raises `Refused`, TOO_MANY_ITEMS, where it is not the items that are too many, but what they hold or are in."""
    if len(payload) > PARTS_UNCOUNTED_BYTES and parts(signal, payload) > MOST_PARTS:
        what = f"what the {ITEMS[signal]} hold, such as attributes and events, is more than {MOST_PARTS} parts"
        raise Refused(Reason.TOO_MANY_ITEMS, what, mend="send smaller batches")
    most = _HOLDERS_PER_ITEM * most_items
    if holders(signal, payload) > most:
        what = f"what the {ITEMS[signal]} are in, such as resources and scopes, is more than {most} parts"
        raise Refused(Reason.TOO_MANY_ITEMS, what, mend="send smaller batches, or raise limits.items")


def _merged_away(kind: Any, payload: bytes) -> int:
    try:
        merged_bytes: int = kind.FromString(payload).ByteSize()
    except DecodeError:
        return 0  # to name the fault is the parser's part
    return (len(payload) - merged_bytes) // 2


def _levels(name: str, signal: Signal, way: Way, *, has_items: bool) -> Any:
    """`message Level0 { optional Level1 f1 = 1; } … message Level2 { repeated bytes f2 = 2; }`; the last if any."""
    file = FileDescriptorProto(name=f"exporter/receive/{name}_{signal.label}.proto", package="exporter.receive")
    for level, numbers in enumerate(way):
        message = file.message_type.add(name=f"Level{level}")
        for number in numbers:
            field = message.field.add(name=f"f{number}", number=number, label=_F.LABEL_OPTIONAL)
            if has_items and level + 1 == len(way):
                field.type, field.label = _F.TYPE_BYTES, _F.LABEL_REPEATED
            else:
                field.type, field.type_name = _F.TYPE_MESSAGE, f".{file.package}.Level{level + 1}"
    if not has_items:
        file.message_type.add(name=f"Level{len(way)}")
    pool = DescriptorPool()
    pool.AddSerializedFile(file.SerializeToString())
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{file.package}.Level0"))


def _sum(message: Any, way: Way) -> int:
    inner = [getattr(message, f"f{number}") for number in way[0]]
    return sum(map(len, inner)) if len(way) == 1 else sum(_sum(one, way[1:]) for one in inner)


_SKELETONS: Final = skeletons()
_ITEMS: Final[Mapping[Signal, Any]] = {
    signal: _levels("items", signal, way, has_items=True) for signal, way in TO_ITEMS.items()
}
_HOLDERS: Final[Mapping[Signal, Any]] = {
    signal: _levels("holders", signal, way[:-1], has_items=False) for signal, way in TO_ITEMS.items()
}
