"""Whether a request is valid, and how many items it has: it is parsed once, and for nothing else.

In: the bytes of an export request. Out: what of it can be stored; refused where it cannot be read.

The same parse finds whether a value may nest too deeply. upb gives up beyond 100 messages, one in another. Inside of as
many groups as make up the difference, a request whose values nest at most `depth` arrays still parses, and one that
nests more does not. Groups have no length, so what goes around the request is constant. The copy costs 8 µs for 300 kB
and the way in to the request 30 µs; a walk over the values would cost 5 µs a span. Since lists of key and value nest
faster than arrays do, the parse may suspect what is allowed: then the walk decides.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from operator import attrgetter
from typing import Any, Final

from google.protobuf import descriptor_pool, message_factory
from google.protobuf.descriptor_pb2 import FieldDescriptorProto, FileDescriptorProto
from google.protobuf.message import DecodeError, Message

from exporter.model import Signal
from exporter.receive.depth import cut
from exporter.receive.fault import fault
from exporter.receive.messages import EXPORTS, items_of
from exporter.receive.wire import LENGTH, to_varint

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
        export = around.parse(payload)
    except DecodeError:
        return _parse_closely(signal, payload, depth)
    return Parsed(payload, items_of(export))


def _parse_closely(signal: Signal, payload: bytes, depth: int) -> Parsed:
    """What does not parse inside of the groups is invalid, or too deep, or just deep; what is kept is not too deep."""
    kind = EXPORTS[signal]
    try:
        export = kind.FromString(payload)
    except DecodeError:
        raise fault(payload, kind.DESCRIPTOR) from None
    around = _around(signal, depth)
    removed = cut(export, depth, around.is_suspect)
    return Parsed(export.SerializeToString(), items_of(export), removed)


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


def _nested_type() -> type[Message]:
    """`message Nested { optional group Nested nested = 1; ExportTraceServiceRequest traces = 2; … }`."""
    file = FileDescriptorProto(name="exporter/receive/nested.proto", package="exporter.receive")
    message = file.message_type.add(name="Nested")
    place: dict[str, Any] = {"label": FieldDescriptorProto.LABEL_OPTIONAL}
    group = {"type": FieldDescriptorProto.TYPE_GROUP, "type_name": f".{file.package}.{message.name}"}
    message.field.add(name="nested", number=_GROUP, **group, **place)
    for signal, export in EXPORTS.items():
        file.dependency.append(export.DESCRIPTOR.file.name)
        request = {"type": FieldDescriptorProto.TYPE_MESSAGE, "type_name": f".{export.DESCRIPTOR.full_name}"}
        message.field.add(name=signal.label, number=_GROUP + signal, **request, **place)
    pool = descriptor_pool.Default()
    pool.AddSerializedFile(file.SerializeToString())
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{file.package}.{message.name}"))


def _most_nested(kind: type[Message]) -> int:
    """How many messages, one in another, the installed protobuf reads; 100 in all versions so far."""
    for nested in range(1, 1_000):
        try:
            kind.FromString(_OPEN * nested + _CLOSE * nested)
        except DecodeError:
            return nested - 1
    raise AssertionError("protobuf has no limit on nesting, on which the limit of depth builds")


_NESTED: Final[Any] = _nested_type()
_MOST_NESTED: Final = _most_nested(_NESTED)
