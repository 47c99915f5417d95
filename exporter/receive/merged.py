"""OTLP's messages for a look at their bytes: the same wire format, in which parts of a record are read into one place.

In: OTLP's descriptors. Out: message types that read and refuse the same bytes as OTLP's, and take little memory.

A message that is not repeated, and yet comes often, is read into one by protobuf, each piece over the one before. So
eight million empty events become one message where events are declared as not repeated; OTLP's own take 500 MB. That
saves time as well, a tenth of what receiving a span takes. All that can be learnt is that there are no bad bytes.
"""

from collections.abc import Mapping
from typing import Any, Final

from google.protobuf import message_factory
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.descriptor_pb2 import DescriptorProto, FieldDescriptorProto, FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool

from exporter.receive.messages import EXPORTS
from exporter.signals import Signal

Way = tuple[tuple[int, ...], ...]
"""Numbers of the fields that lead from a request to parts of it, level by level."""
TO_ITEMS: Final[Mapping[Signal, Way]] = {
    Signal.TRACES: ((1,), (2,), (2,)),
    Signal.METRICS: ((1,), (2,), (2,), (5, 7, 9, 10, 11), (1,)),
    Signal.LOGS: ((1,), (2,), (2,)),
}
"""A request's resources, their scopes, those's items; of metrics, the metrics, their data, and the points of those."""

_F: Final = FieldDescriptorProto
_NEVER_PACKED: Final = frozenset({FieldDescriptor.TYPE_STRING, FieldDescriptor.TYPE_BYTES})
_VARINTS: Final = frozenset({FieldDescriptor.TYPE_UINT32, FieldDescriptor.TYPE_UINT64})
"""Of those that OTLP has lists of."""


def file_of(name: str) -> FileDescriptorProto:
    """The requests of all signals, with their items; the parts of an item, a resource and a scope are merged."""
    file = _file(name)
    for signal, export in EXPORTS.items():
        _add(file, export.DESCRIPTOR, TO_ITEMS[signal])
    return file


def name_of(file: FileDescriptorProto, kind: Descriptor) -> str:
    """What the message `kind` of OTLP is called in `file`."""
    return f"{file.package}.{_local(kind)}"


def skeletons() -> Mapping[Signal, Any]:
    """Requests in which all messages are merged and everything else is unknown, of which protobuf keeps the bytes."""
    file = _file("skeletons")
    for export in EXPORTS.values():
        _add(file, export.DESCRIPTOR, (), with_scalars=False)
    pool = DescriptorPool()
    pool.AddSerializedFile(file.SerializeToString())
    kinds = {signal: pool.FindMessageTypeByName(name_of(file, export.DESCRIPTOR)) for signal, export in EXPORTS.items()}
    return {signal: message_factory.GetMessageClass(kind) for signal, kind in kinds.items()}


def _file(name: str) -> FileDescriptorProto:
    package = f"exporter.receive.{name}"
    return FileDescriptorProto(name=f"exporter/receive/{name}.proto", package=package, syntax="proto3")  # text is UTF-8


def _local(kind: Descriptor) -> str:
    return kind.full_name.replace(".", "_")


def _add(file: FileDescriptorProto, kind: Descriptor, way: Way, *, with_scalars: bool = True) -> None:
    """Adds `kind`, and what it is made of, unless it is there."""
    if any(message.name == _local(kind) for message in file.message_type):
        return
    message = file.message_type.add(name=_local(kind))
    kept, rest = (way[0], way[1:]) if way else ((), ())
    for field in kind.fields:
        part = field.message_type
        if part is None and not with_scalars:
            continue
        merged = message.field.add(name=field.name, number=field.number, label=_F.LABEL_OPTIONAL)
        if part is not None:
            merged.type, merged.type_name = _F.TYPE_MESSAGE, f".{file.package}.{_local(part)}"
            _add(file, part, rest if field.number in kept else (), with_scalars=with_scalars)
        else:
            merged.type = _scalar(field)
        if field.number in kept:
            _keep(message, merged, field)
        elif field.is_repeated and part is None and field.type not in _NEVER_PACKED:
            merged.label = _F.LABEL_REPEATED  # else protobuf would not know numbers that are packed


def _keep(message: DescriptorProto, merged: FieldDescriptorProto, field: FieldDescriptor) -> None:
    """Leaves the field as it is: one of many, or one of a choice, the last of which counts."""
    if field.is_repeated:
        merged.label = _F.LABEL_REPEATED
    elif field.containing_oneof is not None:
        if not message.oneof_decl:
            message.oneof_decl.add(name=field.containing_oneof.name)
        merged.oneof_index = 0


def _scalar(field: FieldDescriptor) -> Any:
    """A type that is the same on the wire, has no names to know, and of which a list takes a byte for a byte."""
    if field.enum_type is not None:
        return _F.TYPE_INT32
    if field.is_repeated and field.type in _VARINTS:
        return _F.TYPE_BOOL
    return field.type
