"""Every field of OTLP has a home: set alone in a record, it comes back from decode and encode."""

from collections.abc import Iterator
from typing import Any

import pytest
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message
from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric

from exporter.config import Limits, Retention
from exporter.decode import decode, encode
from exporter.model import TABLES, Signal
from tests.canonical import HOMELESS
from tests.otlp import EXPORTS, Export, request_of

Path = tuple[FieldDescriptor, ...]

SAMPLES: dict[int, Any] = {
    FieldDescriptor.CPPTYPE_STRING: "x",
    FieldDescriptor.CPPTYPE_BOOL: True,
    FieldDescriptor.CPPTYPE_ENUM: 2,
    FieldDescriptor.CPPTYPE_DOUBLE: 7.5,
    FieldDescriptor.CPPTYPE_INT32: 7,
    FieldDescriptor.CPPTYPE_INT64: 7,
    FieldDescriptor.CPPTYPE_UINT32: 7,
    FieldDescriptor.CPPTYPE_UINT64: 7,
}
GROUPS = {
    Signal.TRACES: ("resource_spans", "scope_spans", "spans"),
    Signal.METRICS: ("resource_metrics", "scope_metrics", "metrics"),
    Signal.LOGS: ("resource_logs", "scope_logs", "log_records"),
}


def leaves(kind: Descriptor, above: Path = ()) -> Iterator[Path]:
    """The way to every field that is no message; a message inside one of its own type is entered once."""
    for field in kind.fields:
        here = (*above, field)
        if field.message_type is None:
            yield here
        elif sum(step.message_type is field.message_type for step in above) <= 1:
            yield from leaves(field.message_type, here)


def dotted(path: Path) -> str:
    return ".".join(field.name for field in path)


def sample(field: FieldDescriptor) -> Any:
    return b"\x07\x08" if field.type == FieldDescriptor.TYPE_BYTES else SAMPLES[field.cpp_type]


def put(message: Message, path: Path) -> None:
    """Set the last field of the path, and on the way to it make one of each message that is not there."""
    for field in path[:-1]:
        inner = getattr(message, field.name)
        if field.is_repeated:
            message = inner[0] if inner else inner.add()
        else:
            inner.SetInParent()
            message = inner
    field = path[-1]
    if field.is_repeated:
        getattr(message, field.name).append(sample(field))
    else:
        setattr(message, field.name, sample(field))


def get(message: Message, path: Path) -> Any:
    """The value at the path, as text where nothing is there."""
    for field in path:
        value = getattr(message, field.name)
        if field.is_repeated:
            if not value:
                return f"no {field.full_name}"
            value = value[0]
        elif field.has_presence and not message.HasField(field.name):
            return f"no {field.full_name}"
        message = value
    return message


def add_a_record(export: Export, signal: Signal) -> None:
    """Make sure that the first group has a record, since only records are stored."""
    message: Message = export
    for name in GROUPS[signal]:
        inner = getattr(message, name)
        message = inner[0] if inner else inner.add()
    if isinstance(message, Metric):
        points = getattr(message, message.WhichOneof("data") or "gauge").data_points
        if not points:
            points.add()


def comes_back(signal: Signal, path: Path) -> bool:
    """Whether a request in which only this field is set has it after decode and encode."""
    export = EXPORTS[signal]()
    put(export, path)
    add_a_record(export, signal)
    tables = decode([request_of(export)], Limits(), Retention()).tables
    (payload,) = [payload for name, rows in tables.items() for payload in encode(TABLES[name], rows)]
    return bool(get(EXPORTS[signal].FromString(payload), path) == sample(path[-1]))


@pytest.mark.parametrize("signal", Signal, ids=lambda signal: signal.label)
def test_every_field_of_otlp_comes_back_but_those_known_to_be_homeless(signal: Signal) -> None:
    paths = list(leaves(EXPORTS[signal].DESCRIPTOR))
    lost = {path for path in paths if not comes_back(signal, path)}
    expected = {path for path in paths if path[-1].full_name in HOMELESS}
    assert not sorted(map(dotted, lost - expected)), "these have no column, or encode forgets them"
    assert not sorted(map(dotted, expected - lost)), "these have a home by now: remove them from HOMELESS"


def test_only_fields_that_exist_are_called_homeless() -> None:
    known = {path[-1].full_name for signal in Signal for path in leaves(EXPORTS[signal].DESCRIPTOR)}
    assert known >= HOMELESS.keys()
