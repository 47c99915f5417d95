"""What it means that requests came back equal: the same records, each with all that was said of it.

In: OTLP export requests in protobuf. Out: values that compare with ==. It walks protobuf's descriptors, so that a field
that OTLP gets tomorrow is compared too. Only this is forgiven: how records are grouped and ordered, the order of
attributes, an absent message instead of an empty one, and the earlier ones of several attributes with one key, which
count as dropped where the message counts that.
"""

from collections.abc import Iterable
from typing import Any, Final

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

from exporter.model import Signal
from tests.otlp import EXPORTS

HOMELESS: Final = {
    "opentelemetry.proto.common.v1.KeyValue.key_strindex": "an index of a string table, which only profiles have",
    "opentelemetry.proto.common.v1.AnyValue.string_value_strindex": "an index of a string table, as above",
}
"""Fields of OTLP that are not kept, and why."""

_LEVELS: Final = frozenset(
    {
        *("resource_spans", "scope_spans", "resource_logs", "scope_logs", "resource_metrics", "scope_metrics"),
        *("metrics", "gauge", "sum", "histogram", "exponential_histogram", "summary"),
    }
)
"""The fields on the way from a request to its records."""
_RECORDS: Final = frozenset({"spans", "log_records", "data_points"})
_UINT32_MAX: Final = 2**32 - 1


def canonical(payloads: Iterable[bytes], signal: Signal) -> list[Any]:
    """The records of export requests, each after what encloses it, in an order that the records alone decide."""
    records: list[Any] = []
    for payload in payloads:
        _collect(EXPORTS[signal].FromString(payload), (), records)
    return sorted(records, key=repr)


def _collect(message: Message, enclosing: tuple[Any, ...], records: list[Any]) -> None:
    here = (*enclosing, _shape(message, without=_LEVELS | _RECORDS))
    for field, value in message.ListFields():
        if field.name in _RECORDS:
            records.extend((*here, _shape(record)) for record in value)
        elif field.name in _LEVELS:
            for inner in value if field.is_repeated else [value]:
                _collect(inner, (*here, field.name), records)


def _shape(message: Message, without: frozenset[str] = frozenset()) -> dict[str, Any]:
    """All fields of a message, those that it may have but has not included."""
    shape: dict[str, Any] = {}
    doubled = 0
    descriptor: Any = message.DESCRIPTOR
    for field in descriptor.fields:
        if field.name in without or field.full_name in HOMELESS:
            continue
        value = getattr(message, field.name)
        if field.message_type is KeyValue.DESCRIPTOR:
            last = {item.key: _any(item.value) for item in value}
            shape[field.name] = sorted(last.items())
            doubled += len(value) - len(last)
        elif field.is_repeated:
            shape[field.name] = [_single(field, item) for item in value]
        elif _is_absent(message, field):
            shape[field.name] = None
        else:
            shape[field.name] = _single(field, value)
    if doubled and "dropped_attributes_count" in shape:
        shape["dropped_attributes_count"] = min(shape["dropped_attributes_count"] + doubled, _UINT32_MAX)
    return shape


def _is_absent(message: Message, field: FieldDescriptor) -> bool:
    """Whether the field is absent, where that says something else than that it is empty."""
    says_something = (
        field.message_type is None or field.message_type is AnyValue.DESCRIPTOR or field.containing_oneof is not None
    )
    return field.has_presence and says_something and not message.HasField(field.name)


def _single(field: FieldDescriptor, value: Any) -> Any:
    if isinstance(value, AnyValue):
        return _any(value)
    if field.message_type is not None:
        return _shape(value)
    # Text tells 0.0 from -0.0, and finds NaN equal to NaN.
    return repr(value) if isinstance(value, float) else value


def _any(value: AnyValue) -> Any:
    kind = value.WhichOneof("value")
    if kind is None or AnyValue.DESCRIPTOR.fields_by_name[kind].full_name in HOMELESS:
        return None
    inner = getattr(value, kind)
    match kind:
        case "array_value":
            return kind, [_any(item) for item in inner.values]
        case "kvlist_value":
            return kind, [(item.key, _any(item.value)) for item in inner.values]
        case "double_value":
            return kind, repr(inner)
    return kind, inner
