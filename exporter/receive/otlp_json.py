"""OTLP/JSON becomes OTLP in protobuf.

In: a body. Out: the bytes of the same export request, or a refusal that names the field.

OTLP's JSON is protobuf's, but that trace and span ids are hex. A field is known by its lowerCamelCase name, or as the
.proto file calls it; fields that are not known, or null, are left out. `google.protobuf.json_format` is not used: it
reads `"value": "x"` and `"status": []` as empty messages, which loses data without a word, and takes 200 µs a span.
"""

import base64
import json
import math
from collections.abc import Callable, Collection, Mapping
from functools import partial
from typing import Any, Final

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import EncodeError

from exporter.errors import Reason, Refused
from exporter.receive.messages import EXPORTS
from exporter.signals import Signal

_MOST_PARTS: Final = 1_000_000
"""Objects and lists in a body: 16 MiB of empty ones would take 400 MB, and no telemetry is like that."""
_MOST_VALUES: Final = 3_000_000
"""Commas in a body, also in its text: 16 MiB of numbers would take 500 MB and seconds. A sixth is usual."""
_IDS: Final = frozenset({"trace_id", "span_id", "parent_span_id"})
_MOST_DIGITS: Final = 20
_WORDS: Final = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}
_MOST_SHOWN: Final = 60

_Read = Callable[[Any], Any]


def to_protobuf(signal: Signal, body: bytes) -> bytes:
    """The request in `body` as protobuf; raises `Refused`, MALFORMED, TOO_DEEP or TOO_LARGE."""
    for most, found, what in (
        (_MOST_PARTS, body.count(b"{") + body.count(b"["), "objects and lists"),
        (_MOST_VALUES, body.count(b","), "values"),
    ):
        if found > most:
            raise Refused(Reason.TOO_LARGE, f"the body holds more than {most} {what}", mend="send smaller batches")
    kind = EXPORTS[signal]
    mend = f"send {kind.DESCRIPTOR.name} as OTLP/JSON defines it"
    try:
        fields = _message(kind.DESCRIPTOR)(json.loads(body))
        return kind(**fields).SerializeToString()
    except _Wrong as wrong:
        place = "".join(reversed(wrong.path)).lstrip(".") or "the body"
        raise Refused(Reason.MALFORMED, f"{place} is not {wrong}", mend=mend) from None
    except (RecursionError, EncodeError):
        message = "the body nests values too deeply"
        raise Refused(Reason.TOO_DEEP, message, mend="send a deep value as a string of JSON") from None
    except ValueError as error:
        raise Refused(Reason.MALFORMED, f"the body is not JSON: {error}", mend=mend) from None


class _Wrong(Exception):
    """A value is not as `expected`; `path` is the way to it, innermost first."""

    def __init__(self, expected: str, value: object) -> None:
        shown = repr(value)
        super().__init__(f"{expected}: {shown if len(shown) <= _MOST_SHOWN else f'{shown[:_MOST_SHOWN]}…'}")
        self.path: list[str] = []


# ── Messages ──────────────────────────────────────────────────────────────────────────────────────────────────────

_MESSAGES: Final[dict[str, _Read]] = {}


def _message(kind: Descriptor) -> _Read:
    """What makes a JSON object the arguments of a protobuf message."""
    if kind.full_name not in _MESSAGES:
        fields: dict[str, tuple[str, _Read]] = {}
        choices = [frozenset(field.name for field in choice.fields) for choice in kind.oneofs if len(choice.fields) > 1]
        _MESSAGES[kind.full_name] = partial(_read_message, fields, choices)  # before its fields: messages nest
        for field in kind.fields:
            read = partial(_read_list, _field(field)) if field.is_repeated else _field(field)
            fields[field.name] = fields[field.camelcase_name] = field.name, read
    return _MESSAGES[kind.full_name]


def _read_message(
    fields: Mapping[str, tuple[str, _Read]], choices: Collection[frozenset[str]], value: object
) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _Wrong("an object", value)
    arguments: dict[str, Any] = {}
    for key, item in value.items():
        if item is None or key not in fields:
            continue
        name, read = fields[key]
        try:
            arguments[name] = read(item)
        except _Wrong as wrong:
            wrong.path.append(f".{key}")
            raise
    if len(arguments) > 1 and any(len(choice & arguments.keys()) > 1 for choice in choices):
        raise _Wrong("a value of one kind", sorted(value))
    return arguments


def _read_list(read: _Read, value: object) -> list[Any]:
    """The list itself, each element replaced: the tree of JSON is given up while its successor grows."""
    if not isinstance(value, list):
        raise _Wrong("a list", value)
    place = 0
    try:
        for place, item in enumerate(value):
            value[place] = read(item)
    except _Wrong as wrong:
        wrong.path.append(f"[{place}]")
        raise
    return value


def _field(field: FieldDescriptor) -> _Read:
    if field.message_type is not None:
        return _message(field.message_type)
    if field.enum_type is not None:
        return partial(_read_enum, {value.name: value.number for value in field.enum_type.values})
    if field.type == FieldDescriptor.TYPE_BYTES and field.name in _IDS:
        return _read_hex
    return _SCALARS[field.type]


# ── Scalars ───────────────────────────────────────────────────────────────────────────────────────────────────────


def _read_string(value: object) -> str:
    if not isinstance(value, str):
        raise _Wrong("a string", value)
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            raise _Wrong("text: it holds half of a surrogate pair", value) from None
    return value


def _read_bool(value: object) -> bool:
    if not isinstance(value, bool):
        raise _Wrong("true or false", value)
    return value


def _read_hex(value: object) -> bytes:
    try:
        if isinstance(value, str) and " " not in value:
            return bytes.fromhex(value)
    except ValueError:
        pass
    raise _Wrong("hex", value)


def _read_base64(value: object) -> bytes:
    try:
        if isinstance(value, str):
            text = value.replace("-", "+").replace("_", "/").rstrip("=")
            return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except ValueError:
        pass
    raise _Wrong("base64", value)


def _read_int(least: int, most: int, value: Any) -> int:
    is_text = isinstance(value, str) and len(value) <= _MOST_DIGITS and value.removeprefix("-").isdecimal()
    is_number = isinstance(value, int | float) and not isinstance(value, bool) and value == value // 1
    if (is_text or is_number) and least <= (number := int(value)) <= most:
        return number
    raise _Wrong(f"a whole number from {least} to {most}", value)


def _read_enum(numbers: Mapping[str, int], value: object) -> int:
    if isinstance(value, str) and value in numbers:
        return numbers[value]
    return _read_int(-(2**31), 2**31 - 1, value)


def _read_double(value: object) -> float:
    if isinstance(value, str) and value in _WORDS:
        return _WORDS[value]
    try:
        if isinstance(value, int | float | str) and not isinstance(value, bool):
            return float(value)
    except (ValueError, OverflowError):
        pass
    raise _Wrong("a number", value)


_SCALARS: Final[Mapping[int, _Read]] = {
    FieldDescriptor.TYPE_STRING: _read_string,
    FieldDescriptor.TYPE_BYTES: _read_base64,
    FieldDescriptor.TYPE_BOOL: _read_bool,
    FieldDescriptor.TYPE_DOUBLE: _read_double,
    FieldDescriptor.TYPE_INT64: partial(_read_int, -(2**63), 2**63 - 1),
    FieldDescriptor.TYPE_SFIXED64: partial(_read_int, -(2**63), 2**63 - 1),
    FieldDescriptor.TYPE_SINT32: partial(_read_int, -(2**31), 2**31 - 1),
    FieldDescriptor.TYPE_INT32: partial(_read_int, -(2**31), 2**31 - 1),
    FieldDescriptor.TYPE_UINT64: partial(_read_int, 0, 2**64 - 1),
    FieldDescriptor.TYPE_FIXED64: partial(_read_int, 0, 2**64 - 1),
    FieldDescriptor.TYPE_UINT32: partial(_read_int, 0, 2**32 - 1),
    FieldDescriptor.TYPE_FIXED32: partial(_read_int, 0, 2**32 - 1),
}
