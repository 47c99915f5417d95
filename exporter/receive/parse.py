"""Whether a request is valid, and how many items it has: it is parsed once, and for nothing else.

In: the bytes of an export request. Out: what of it can be stored; refused where it cannot be read.

It is read as a message that keeps nothing but items (`merged`), so what those are made of takes no memory, however much
it is.

The same parse finds whether a value may nest too deeply. upb gives up beyond 100 messages, one in another. Inside of as
many groups as make up the difference, a request whose values nest at most `depth` arrays still parses, and one that
nests more does not. Groups have no length, so what goes around the request is constant. The copy costs 8 µs for 300 kB
and the way in to the request 30 µs; a walk over the values would cost 5 µs a span. Since lists of key and value nest
faster than arrays do, the parse may suspect what is allowed: then the walk decides.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from operator import attrgetter
from typing import Any, Final

from google.protobuf import message_factory
from google.protobuf.descriptor_pb2 import FieldDescriptorProto, FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import DecodeError, Message

from exporter.receive import merged
from exporter.receive.depth import cut
from exporter.receive.fault import fault
from exporter.receive.messages import EXPORTS, items_of
from exporter.receive.wire import LENGTH, to_varint
from exporter.signals import Signal

_GROUP: Final = 1
"""Number of the field that nests a `Nested` in a `Nested`; a signal's request has the number after its own."""
_OPEN: Final = bytes([_GROUP << 3 | 3])
_CLOSE: Final = bytes([_GROUP << 3 | 4])

_TO_ITEM: Final = tuple(bytes([number << 3 | LENGTH]) for number in (2, 2, 1))
"""Tags of an item in its scope, of that in its resource, of that in a request: the same for all signals."""
_MESSAGES_AROUND: Final = 6
"""From the request to the shallowest array: itself, ResourceSpans, Resource, KeyValue, AnyValue, ArrayValue."""
_MESSAGES_PER_ARRAY: Final = 2
"""AnyValue and ArrayValue."""


@dataclass(frozen=True, slots=True)
class Parsed:
    """A valid request: `payload` holds `items` items; `cut` more nested too deeply, and are not in it."""

    payload: bytes
    items: int
    cut: int = 0


def parse(signal: Signal, payload: bytes, depth: int) -> Parsed:
    """Reads a request, in which a value is to nest at most `depth` arrays and lists, one in another.

    Raises `Refused`: MALFORMED where it is no valid request, TOO_DEEP where it nests deeper than protobuf reads.
    """
    around = _around(signal, depth)
    try:
        request = around.parse(payload)
    except DecodeError:
        return _parse_closely(signal, payload, depth)
    return Parsed(payload, items_of(signal, request))


def _parse_closely(signal: Signal, payload: bytes, depth: int) -> Parsed:
    """What does not parse inside of the groups is invalid, or too deep, or just deep; what is kept is not too deep."""
    kind = EXPORTS[signal]
    try:
        _REQUESTS[signal].FromString(payload)  # first, since it takes no memory
        export = kind.FromString(payload)
    except DecodeError:
        raise fault(payload, kind.DESCRIPTOR) from None
    sent = items_of(signal, export)
    cut(export, depth, _around(signal, depth).is_suspect)
    kept = items_of(signal, export)
    return Parsed(export.SerializeToString(), kept, sent - kept)


@dataclass(frozen=True, slots=True)
class _Around:
    """What is put before a request's length and after the request, and the way to it once that is parsed."""

    head: bytes
    tail: bytes
    request_in: Callable[[Any], Any]

    def parse(self, payload: bytes) -> Any:
        """The request in `payload`; raises `DecodeError` where it is none, or something in it may be too deep."""
        return self.request_in(_NESTED.FromString(b"".join((self.head, to_varint(len(payload)), payload, self.tail))))

    def is_suspect(self, item: Message) -> bool:
        """Whether something may be too deep in a span, a log record or a metric, by the same token; 2 µs a span."""
        payload = item.SerializeToString()
        for tag in _TO_ITEM:
            payload = tag + to_varint(len(payload)) + payload
        try:
            self.parse(payload)
        except DecodeError:
            return True
        return False


@cache
def _around(signal: Signal, depth: int) -> _Around:
    groups = max(0, _MOST_NESTED - _MESSAGES_AROUND - _MESSAGES_PER_ARRAY * depth)
    head = _OPEN * groups + bytes([(_GROUP + signal) << 3 | LENGTH])
    return _Around(head, _CLOSE * groups, attrgetter("nested." * groups + signal.label))


def _types() -> tuple[Any, Mapping[Signal, Any]]:
    """Requests that are merged, and what goes around them.

    `message Nested { optional group Nested nested = 1; optional ExportTraceServiceRequest traces = 2; … }`
    """
    requests = merged.file_of("requests")
    file = FileDescriptorProto(name="exporter/receive/nested.proto", package="exporter.receive")
    file.dependency.append(requests.name)
    message = file.message_type.add(name="Nested")
    place: dict[str, Any] = {"label": FieldDescriptorProto.LABEL_OPTIONAL}
    nested = f"{file.package}.{message.name}"
    message.field.add(
        name="nested", number=_GROUP, type=FieldDescriptorProto.TYPE_GROUP, type_name=f".{nested}", **place
    )
    names = {signal: merged.name_of(requests, export.DESCRIPTOR) for signal, export in EXPORTS.items()}
    for signal, name in names.items():
        request = {"type": FieldDescriptorProto.TYPE_MESSAGE, "type_name": f".{name}"}
        message.field.add(name=signal.label, number=_GROUP + signal, **request, **place)
    pool = DescriptorPool()
    for described in (requests, file):
        pool.AddSerializedFile(described.SerializeToString())

    def made(name: str) -> Any:
        return message_factory.GetMessageClass(pool.FindMessageTypeByName(name))

    return made(nested), {signal: made(name) for signal, name in names.items()}


def _most_nested(kind: type[Message]) -> int:
    """How many messages, one in another, the installed protobuf reads; 100 in all versions so far."""
    for nested in range(1, 1_000):
        try:
            kind.FromString(_OPEN * nested + _CLOSE * nested)
        except DecodeError:
            return nested - 1
    raise AssertionError("protobuf has no limit on nesting, on which the limit of depth builds")


_NESTED, _REQUESTS = _types()
_MOST_NESTED: Final = _most_nested(_NESTED)
