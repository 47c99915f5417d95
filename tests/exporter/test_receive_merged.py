"""Merged messages have all that OTLP has, and make one of what is many."""

from collections.abc import Iterator
from typing import Final

import pytest
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.descriptor_pool import DescriptorPool

from exporter.model import Signal
from exporter.receive import merged
from tests.otlp import EXPORTS

_F: Final = FieldDescriptor
WIRE_TYPES: Final = {
    **dict.fromkeys((_F.TYPE_FIXED64, _F.TYPE_SFIXED64, _F.TYPE_DOUBLE), 1),
    **dict.fromkeys((_F.TYPE_STRING, _F.TYPE_BYTES, _F.TYPE_MESSAGE), 2),
    **dict.fromkeys((_F.TYPE_FIXED32, _F.TYPE_SFIXED32, _F.TYPE_FLOAT), 5),
}
"""All others are varints."""
KEPT: Final = {
    Signal.TRACES: {"resource_spans", "scope_spans", "spans"},
    Signal.LOGS: {"resource_logs", "scope_logs", "log_records"},
    Signal.METRICS: {"resource_metrics", "scope_metrics", "metrics", "data_points"},
}
NUMBERS: Final = {"bucket_counts", "explicit_bounds"}


def fields_of(kind: Descriptor) -> Iterator[FieldDescriptor]:
    """All fields of a message and of those in it."""
    seen: set[str] = set()
    left = [kind]
    while left:
        one = left.pop()
        if one.full_name not in seen:
            seen.add(one.full_name)
            yield from one.fields
            left += [field.message_type for field in one.fields if field.message_type]


@pytest.mark.parametrize("signal", list(Signal))
def test_every_field_of_otlp_is_there_with_its_wire_type_and_only_items_are_many(signal: Signal) -> None:
    file = merged.file_of("tested")
    pool = DescriptorPool()
    pool.AddSerializedFile(file.SerializeToString())
    made = {
        f"{field.containing_type.name}.{field.name}": field
        for field in fields_of(pool.FindMessageTypeByName(merged.name_of(file, EXPORTS[signal].DESCRIPTOR)))
    }
    for field in fields_of(EXPORTS[signal].DESCRIPTOR):
        found = made.pop(f"{field.containing_type.full_name.replace('.', '_')}.{field.name}")
        assert (found.number, WIRE_TYPES.get(found.type)) == (field.number, WIRE_TYPES.get(field.type)), field.full_name
        assert (found.type == _F.TYPE_STRING) == (field.type == _F.TYPE_STRING), field.full_name  # which is to be UTF-8
        assert found.is_repeated == (field.name in KEPT[signal] | NUMBERS), field.full_name
    assert made == {}
