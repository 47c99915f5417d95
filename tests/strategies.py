"""Odd requests of every kind: hypothesis strategies that walk OTLP's descriptors.

In: a signal. Out: strategies of protobuf export requests and of batches of journal requests. Every field of every
message is drawn, one that OTLP gets tomorrow too; the tables below say what a field is likely to hold.
"""

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, Final

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue, KeyValueList

from exporter import model
from exporter.config import Limits, Retention
from exporter.model import Request, Signal
from otel_ax.semconv import PROMPT_KEYS, SPAN_PENDING, TENANT_ID
from tests.factories import logs_request, metrics_request, spans_request
from tests.otlp import EXPORTS, START, Export, Plain, key_values, points_of, request_of

Draw = st.DrawFn

NS_PER_S: Final = 10**9
RETENTION: Final = Retention(
    spans=3_600 * NS_PER_S, spans_pending=60 * NS_PER_S, logs=7_200 * NS_PER_S, metrics=86_400 * NS_PER_S
)
TINY: Final = Limits(attributes=3, key_bytes=20, value_bytes=12, prompt_bytes=24)
"""Limits that generated records exceed."""
VAST: Final = Limits(attributes=10_000, key_bytes=2**20)
"""Limits that no generated record exceeds."""

# ── Values ────────────────────────────────────────────────────────────────────────────────────────────────────────

_NASTY: Final = (
    *("", "a", "NULL", "null", "true", "1", " x ", '"', "\\", '\\"', "'", "{", "}", "[1,2]", '{"a"="b"}', "=", ", "),
    *("a\nb", "\x00", "a\x00b", "\x01\x1f\x7f", "\t\r", "\u2028", "\ufeff", "é", "日本語", "😀", "e\u0301"),
    *('"a"="b", "c"="d"', '{"values":[]}', "\\u0000", "%s", "\ud7ff\ue000", "\U0010ffff"),
    *("ß" * 6, "日" * 4, "😀" * 3, "x" * 12, "x" * 13),
)
_MOST: Final = 2**64 - 1


def _drawn(usual: Callable[[int], Any], odd: Sequence[Any]) -> st.SearchStrategy[Any]:
    """Seven times in eight `usual` of a number below 2**61, else one of `odd`, with a single draw: they cost 50 µs."""
    return st.integers(0, _MOST).map(lambda n: odd[n // 8 % len(odd)] if n % 8 == 7 else usual(n // 8))


def _integers(least: int, most: int, *odd: int) -> st.SearchStrategy[int]:
    return _drawn(lambda n: least + n % (most - least + 1), (0, 1, least, most, *odd))


_TEXTS: Final = st.sampled_from(_NASTY) | st.text(max_size=30) | st.text("".join(_NASTY), max_size=30)
_BYTES: Final = _drawn(lambda n: n.to_bytes(8)[-n % 8 :], (b"", b"\x00", b"\xff" * 11, b"\xff" * 12, b"\xff" * 13))
_DOUBLES: Final = (
    st.sampled_from((0.0, -0.0, 1.0, 0.1, 1e16, 1e22, 1e-7, 5e-324, 1.7976931348623157e308, 2.0**53, -1.5))
    | st.sampled_from((float("nan"), float("inf"), float("-inf")))
    | st.floats()
)
_INT64: Final = _drawn(lambda n: n - 2**60, (0, 1, -1, 2**53 + 1, 2**63 - 1, -(2**63))) | st.integers(-300, 300)
_INT32: Final = _integers(-300, 300, 2**31 - 1, -(2**31))
_UINT64: Final = _integers(0, 10_000, 2**53 + 1, 2**63 - 1, 2**63, _MOST)
_UINT32: Final = _integers(0, 300, 0x101, 2**31, 2**32 - 1)
_ENUMS: Final = _integers(0, 6, 17, 24, -1, 2**31 - 1, -(2**31))
_SCALARS: Final = {
    "string_value": _TEXTS,
    "bool_value": st.booleans(),
    "int_value": _INT64,
    "double_value": _DOUBLES,
    "bytes_value": _BYTES,
}


def _edges() -> list[int]:
    """Times at which a row starts to be out of time, and those next to them."""
    kept_for = (RETENTION.spans, RETENTION.spans_pending, RETENTION.logs, RETENTION.metrics)
    edges = [START + 600 * NS_PER_S, *(START - age for age in kept_for)]
    return [edge + step for edge in edges for step in (-1, 0, 1)]


_ODD_TIMES: Final = (*_edges(), START, 0, 0, 1, 999, 1_000, 2**63 - 1, 2**63, _MOST)
_TIMES: Final = _drawn(lambda n: START - NS_PER_S + n % NS_PER_S, _ODD_TIMES)
_END_TIMES: Final = _drawn(lambda n: START + n % (60 * NS_PER_S), _ODD_TIMES)


def _ids(length: int) -> st.SearchStrategy[bytes]:
    odd = (b"", bytes(length), b"\x01", b"\x02" * (length - 1), b"\x03" * (length + 1))
    return _drawn(lambda n: (n + 1).to_bytes(length), odd)


# ── Attributes ────────────────────────────────────────────────────────────────────────────────────────────────────

_PROMOTED: Final = {**model.PROMOTED_SPAN, **model.PROMOTED_LOG, **model.PROMOTED_POINT}
_ODD_KEYS: Final = ("", "x" * 19, "x" * 20, "x" * 21, "é" * 10, "é" * 11, "y" * 300, 'q"k', "b\\k", "{", "=", "\x00")
_KEYS: Final = st.sampled_from(
    (
        *("a", "b", "c", "k1", "k2", "k3", "k4", "k5", "k6", "k7") * 12,
        *sorted(_PROMOTED) * 3,
        *model.PROMOTED_RESOURCE * 6,
        *(TENANT_ID, SPAN_PENDING) * 15,
        *sorted(PROMPT_KEYS),
        *_ODD_KEYS * 2,
        *_NASTY,
    )
)
_FIELDS_OF_TYPES: Final = {model.INT: "int_value", model.REAL: "double_value"}
_DEPTH: Final = 5


@st.composite
def _any_values(draw: Draw, depth: int = _DEPTH) -> AnyValue:
    choice = draw(st.integers(0, 10))
    if choice == 8 and depth:
        return AnyValue(array_value=ArrayValue(values=draw(st.lists(_any_values(depth - 1), max_size=3))))
    if choice == 9 and depth:
        return AnyValue(kvlist_value=KeyValueList(values=draw(st.lists(_key_values(depth - 1), max_size=3))))
    if choice == 10:
        return AnyValue()
    return _scalar(draw, _SCALAR_NAMES[choice % len(_SCALAR_NAMES)])


_SCALAR_NAMES: Final = tuple(_SCALARS)


def _scalar(draw: Draw, name: str) -> AnyValue:
    field: dict[str, Any] = {name: draw(_SCALARS[name])}
    return AnyValue(**field)


@st.composite
def _key_values(draw: Draw, depth: int = _DEPTH) -> KeyValue:
    key = draw(_KEYS)
    choice = draw(st.integers(0, 15))
    if choice == 15:
        return KeyValue(key=key)
    if choice == 14:
        return KeyValue(key=key, key_strindex=1, value=AnyValue(string_value_strindex=1))
    if key == SPAN_PENDING and choice < 12:
        return KeyValue(key=key, value=AnyValue(bool_value=choice < 9))
    if key in _PROMOTED and choice < 10:
        return KeyValue(key=key, value=_scalar(draw, _FIELDS_OF_TYPES.get(_PROMOTED[key], "string_value")))
    return KeyValue(key=key, value=draw(_any_values(depth)))


# ── Messages ──────────────────────────────────────────────────────────────────────────────────────────────────────

_BY_NAME: Final[dict[str, st.SearchStrategy[Any]]] = {
    "trace_id": _ids(16),
    "span_id": _ids(8),
    "parent_span_id": _ids(8),
    "time_unix_nano": _TIMES,
    "observed_time_unix_nano": _TIMES,
    "start_time_unix_nano": _TIMES,
    "end_time_unix_nano": _END_TIMES,
    "schema_url": st.sampled_from(("", "https://opentelemetry.io/schemas/1.44.0")) | _TEXTS,
    "name": st.sampled_from(("", "chat", "shop")) | _TEXTS,
    "body": _any_values(),
}
_BY_TYPE: Final[dict[int, st.SearchStrategy[Any]]] = {
    FieldDescriptor.TYPE_STRING: _TEXTS,
    FieldDescriptor.TYPE_BYTES: _BYTES,
    FieldDescriptor.TYPE_BOOL: st.booleans(),
    FieldDescriptor.TYPE_ENUM: _ENUMS,
    FieldDescriptor.TYPE_DOUBLE: _DOUBLES,
    FieldDescriptor.TYPE_SFIXED64: _INT64,
    FieldDescriptor.TYPE_SINT32: _INT32,
    FieldDescriptor.TYPE_FIXED64: _UINT64,
    FieldDescriptor.TYPE_UINT64: _UINT64,
    FieldDescriptor.TYPE_FIXED32: _UINT32,
    FieldDescriptor.TYPE_UINT32: _UINT32,
}
_SIZES: Final = {
    **dict.fromkeys(("resource_spans", "resource_metrics", "resource_logs"), (1, 2)),
    **dict.fromkeys(("scope_spans", "scope_metrics", "scope_logs"), (1, 2)),
    **dict.fromkeys(("spans", "log_records", "metrics", "data_points"), (2, 4)),
    "attributes": (3, 8),
    "bucket_counts": (0, 4),
}
"""How many elements a repeated field is usually given; any number up to that at times; up to 2 where it has no name."""


@cache
def messages(kind: Descriptor) -> st.SearchStrategy[Message]:
    """Messages of a type, each field set seven times in eight."""
    if kind is KeyValue.DESCRIPTOR:
        return _key_values()
    values = {field.name: _values(field) for field in kind.fields}
    choices = [[field.name for field in oneof.fields] for oneof in kind.oneofs if len(oneof.fields) > 1]
    alone = [field for field in kind.fields if not any(field.name in names for names in choices)]

    @st.composite
    def build(draw: Draw) -> Message:
        message = GetMessageClass(kind)()
        bits = draw(st.integers(0, 8 ** len(alone) - 1))
        chosen = [field.name for place, field in enumerate(alone) if bits >> 3 * place & 7 != 7]
        for name in [*chosen, *(draw(st.sampled_from(("", *names, *names))) for names in choices)]:
            if name:
                _set(message, name, draw(values[name]))
        return message

    return build()


def _values(field: FieldDescriptor) -> st.SearchStrategy[Any]:
    if field.name in _BY_NAME:
        one = _BY_NAME[field.name]
    elif field.message_type is not None:
        one = st.deferred(lambda: messages(field.message_type))
    else:
        one = _BY_TYPE[field.type]
    if not field.is_repeated:
        return one
    least, most = _SIZES.get(field.name, (0, 2))
    sizes = _drawn(lambda n: least + n % (most - least + 1), range(least + 1))

    @st.composite
    def some(draw: Draw) -> list[Any]:
        return [draw(one) for _ in range(draw(sizes))]

    return some()


def _set(message: Message, name: str, value: Any) -> None:
    if isinstance(value, Message):
        getattr(message, name).SetInParent()
        getattr(message, name).CopyFrom(value)
    elif isinstance(value, list):
        getattr(message, name).extend(value)
    else:
        setattr(message, name, value)


# ── Requests ──────────────────────────────────────────────────────────────────────────────────────────────────────


@st.composite
def exports(draw: Draw, signal: Signal) -> Export:
    """Export requests of a signal, some with the same resource or scope in several places."""
    export = EXPORTS[signal].FromString(draw(messages(EXPORTS[signal].DESCRIPTOR)).SerializeToString())
    groups = getattr(export, f"resource_{_GROUPS[signal]}")
    scopes = [scope for group in groups for scope in getattr(group, f"scope_{_GROUPS[signal]}")]
    share_resource, share_scope = draw(st.tuples(st.booleans(), st.booleans()))
    if share_resource:
        for group in groups[1:]:
            group.resource.CopyFrom(groups[0].resource)
    if share_scope:
        for scope in scopes[1:]:
            scope.scope.CopyFrom(scopes[0].scope)
    return export


_USUAL: Final = 100  # hypothesis's own, where a profile says nothing
_GROUPS: Final = {Signal.TRACES: "spans", Signal.METRICS: "metrics", Signal.LOGS: "logs"}
_TENANTS: Final = st.sampled_from((model.DEFAULT_TENANT, model.DEFAULT_TENANT, "acme", "ö/%"))


def promoted_requests() -> list[Request]:
    """Requests with every attribute that has a column, on records and resources, as values of every type."""
    made: list[Request] = []
    values: tuple[Plain, ...] = ("text", "", 7, -0.5, float("nan"), True, b"\xff", None, [1], {"a": 1})
    for value in values:
        attributes = key_values(dict.fromkeys((*_PROMOTED, *model.PROMOTED_RESOURCE, TENANT_ID, SPAN_PENDING), value))
        traces, metrics, logs = spans_request(1), metrics_request(5), logs_request(1)
        for group in (traces.resource_spans[0], metrics.resource_metrics[0], logs.resource_logs[0]):
            group.resource.attributes.extend(attributes)
        traces.resource_spans[0].scope_spans[0].spans[0].attributes.extend(attributes)
        logs.resource_logs[0].scope_logs[0].log_records[0].attributes.extend(attributes)
        for metric in metrics.resource_metrics[0].scope_metrics[0].metrics:
            points_of(metric)[0].attributes.extend(attributes)
        made += [request_of(export) for export in (traces, metrics, logs)]
    return made


@st.composite
def batches(draw: Draw, *signals: Signal) -> list[Request]:
    """One to three requests of the signals, of several tenants, sometimes one of them twice."""
    found: list[Request] = []
    for signal in draw(st.lists(st.sampled_from(signals), min_size=1, max_size=3)):
        received_at = START + draw(st.sampled_from((0, 0, 1, 999, 1_000)))
        found.append(request_of(draw(exports(signal)), tenant=draw(_TENANTS), received_at=received_at))
    if draw(st.booleans()):
        again = found[0]
        found.append(Request(again.signal, draw(_TENANTS), again.received_at + 1, again.items, again.payload))
    return found


def examples(count: int) -> settings:
    """How requests are drawn for a property: `count` of them, or as many as the profile `deep` asks for.

    Only `deep` looks for the smallest request that fails, which takes minutes.
    """
    is_usual = settings().max_examples == _USUAL
    return settings(
        max_examples=count if is_usual else settings().max_examples,
        phases=[Phase.explicit, Phase.reuse, Phase.generate, *([] if is_usual else [Phase.shrink])],
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
