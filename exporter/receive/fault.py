"""What is wrong with a request that does not parse.

In: its bytes, and what they should be. Out: a refusal that names the place.
"""

from typing import Final

from google.protobuf.descriptor import Descriptor, FieldDescriptor

from exporter.errors import Reason, Refused
from exporter.receive.wire import FIXED32, FIXED64, LENGTH, VARINT, varint

_GZIP: Final = b"\x1f\x8b"
_SOME_FIELDS: Final = 20_000
"""Fields looked at, 1 µs each: a fault behind them is not named."""
_MOST_NESTED: Final = 100
_WIDTHS: Final = {FIXED64: 8, FIXED32: 4}
_PACKED_WIDTHS: Final = {
    FieldDescriptor.TYPE_DOUBLE: 8,
    FieldDescriptor.TYPE_FIXED64: 8,
    FieldDescriptor.TYPE_SFIXED64: 8,
}


def fault(payload: bytes, kind: Descriptor) -> Refused:
    """The refusal of `payload`, which does not parse as a message of `kind`."""
    if payload.startswith(_GZIP):
        return Refused(
            Reason.MALFORMED,
            f"the body is gzip where {kind.name} was expected",
            mend="name the encoding: Content-Encoding: gzip",
        )
    if payload.lstrip().startswith(b"{"):
        return Refused(
            Reason.MALFORMED,
            f"the body looks like JSON where {kind.name} in protobuf was expected",
            mend="send JSON to OTLP/HTTP with Content-Type: application/json",
        )
    try:
        _Search(payload).message(0, len(payload), kind, depth=0)
    except _TooDeep:
        return Refused(
            Reason.TOO_DEEP,
            f"the {kind.name} nests values deeper than protobuf is read",
            mend="send a deep value as a string of JSON",
        )
    except _Fault as found:
        place = "".join(reversed(found.path)).lstrip(".") or "it"
        message = f"cannot read the body as {kind.name}: {place} {found.what}"
    else:
        message = f"cannot read the body as {kind.name}"
    return Refused(Reason.MALFORMED, message, mend="send the message whole, as opentelemetry.proto defines it")


class _Fault(Exception):
    """A place that cannot be read; `path` is the way to it, innermost first."""

    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.what = what
        self.path: list[str] = []


class _TooDeep(Exception):
    """Messages nest deeper than protobuf reads."""


class _Search:
    def __init__(self, payload: bytes) -> None:
        self._payload = payload
        self._fields_left = _SOME_FIELDS

    def message(self, position: int, end: int, kind: Descriptor, *, depth: int) -> None:
        """Raises at the first fault of the message between two positions."""
        if depth > _MOST_NESTED:
            raise _TooDeep
        places: dict[int, int] = {}
        while position < end and self._fields_left > 0:
            self._fields_left -= 1
            tag, position = self._varint(position, end, "a field's number")
            number, wire = tag >> 3, tag & 7
            if number == 0:
                raise _Fault("holds a field with the number 0, which no field has")
            field = kind.fields_by_number.get(number)
            place = places[number] = places.get(number, -1) + 1
            try:
                position = self._field(position, end, field, wire, depth)
            except _Fault as found:
                name = f".{field.name}" if field else f".field {number}"
                found.path.append(f"{name}[{place}]" if field and field.is_repeated else name)
                raise

    def _field(self, position: int, end: int, field: FieldDescriptor | None, wire: int, depth: int) -> int:
        """The position after the field's value."""
        if wire == VARINT:
            return self._varint(position, end, "its value")[1]
        if wire in _WIDTHS:
            size = _WIDTHS[wire]
        elif wire == LENGTH:
            size, position = self._varint(position, end, "its length")
        else:
            raise _Fault(f"has the wire type {wire}, which OTLP has no use for")
        if position + size > end:
            raise _Fault(f"has a length of {size} bytes, of which {end - position} are there")
        if wire == LENGTH and field is not None:
            self._value(position, position + size, field, depth)
        return position + size

    def _value(self, position: int, end: int, field: FieldDescriptor, depth: int) -> None:
        if field.message_type is not None:
            self.message(position, end, field.message_type, depth=depth + 1)
        elif field.type == FieldDescriptor.TYPE_STRING:
            try:
                self._payload[position:end].decode()
            except UnicodeDecodeError:
                raise _Fault("is not UTF-8") from None
        elif field.type in _PACKED_WIDTHS and (end - position) % _PACKED_WIDTHS[field.type]:
            raise _Fault(f"has {end - position} bytes, which is no whole number of values")

    def _varint(self, position: int, end: int, what: str) -> tuple[int, int]:
        try:
            value, after = varint(self._payload, position)
        except (IndexError, ValueError):
            after = end + 1
        if after > end:
            raise _Fault(f"ends amidst {what}")
        return value, after
