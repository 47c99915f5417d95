"""The decoder that ours is compared with: protobuf's own parser, and Python loops that fill a list per column.

In: requests. Out: the tables that `exporter.decode` makes of them. Only what is vectorised without more ado (ids in
hex, dictionaries, times) is not a loop. A batch in which a limit is exceeded or something is odd goes to our decoder,
as does all that is no trace: a bench sends none of the one and little of the other.
"""

from collections.abc import Iterable, Sequence
from itertools import accumulate
from typing import Any, Final

import numpy as np
import pyarrow as pa
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from exporter import decode as ours
from exporter.app import child, write
from exporter.config import Limits, Retention
from exporter.decode import Decoded, odd
from exporter.decode import columns as c
from exporter.decode.anew import normalised
from exporter.decode.context import bag_of
from exporter.decode.spans import KINDS, STATUS_CODES, table_of
from exporter.decode.values import text_of
from exporter.model import (
    DEFAULT_TENANT,
    EVENTS,
    INT,
    LINKS,
    MAP,
    PROMOTED_RESOURCE,
    PROMOTED_SPAN,
    REAL,
    SPANS,
    UNDERSTOOD,
    Promoted,
    Request,
    Signal,
    column_of,
)
from otel_ax import semconv

_LETTERS: Final = {INT: "i", REAL: "d"}
_SPECIAL: Final = {semconv.TENANT_ID, semconv.SPAN_PENDING}


class OddError(Exception):
    """Something in a batch is not as usual."""


def decode(requests: Sequence[Request], limits: Limits, retention: Retention) -> Decoded:
    """As `exporter.decode.decode`."""
    traces = [request for request in requests if request.signal is Signal.TRACES]
    others = [request for request in requests if request.signal is not Signal.TRACES]
    try:
        tables = spans(traces, limits, retention)
    except OddError:
        return ours.decode(requests, limits, retention)
    return Decoded({**tables, **ours.decode(others, limits, retention).tables})


def spans(requests: Sequence[Request], limits: Limits, retention: Retention) -> dict[str, pa.Table]:
    """The table `spans`, unless it has no rows. Raises `OddError` for what our decoder is to see to."""
    found: list[Any] = []
    shared: dict[str, list[Any]] = {}
    received: list[int] = []
    for request in requests:
        for group in ExportTraceServiceRequest.FromString(request.payload).resource_spans:
            of_resource = _resource(group, request, limits)
            for scope in group.scope_spans:
                found.extend(scope.spans)
                received.extend([request.received_at] * len(scope.spans))
                for name, value in (of_resource | _scope(scope, limits)).items():
                    shared.setdefault(name, []).extend([value] * len(scope.spans))
    if not found:
        return {}
    columns = _own(found, limits)
    at = np.array(received, np.int64)
    start, end = columns.pop("start"), columns.pop("end")
    if odd.beyond_signed(start, end).any() or (end < start).any():
        raise OddError
    columns |= {
        "start_time_unix_nano": pa.array(start),
        "start_time": c.micros(start),
        "duration_ns": pa.array(end - start),
        "clock_skew": pa.array(odd.skewed(np.where(end != 0, end, start), at, retention.spans)),
        "odd": pa.array([None] * len(found), pa.string()).dictionary_encode(),
        "ingest_time": c.micros(at),
        **{name: _column(SPANS[name], values) for name, values in shared.items()},
    }
    columns |= {name: pa.nulls(len(found), SPANS[name]) for name in UNDERSTOOD}
    return {"spans": normalised(table_of("spans", columns))}  # which is ours: loops are compared by how they decode


def _resource(group: Any, request: Request, limits: Limits) -> dict[str, Any]:
    """The columns that the spans of a resource share."""
    bag = bag_of(group.resource.attributes, limits)
    named = bag.strings.get(semconv.TENANT_ID)
    if group.resource.entity_refs:
        raise OddError
    return {
        **{column_of(name): bag.texts.get(name) for name in PROMOTED_RESOURCE},
        "tenant_id": request.tenant if named is None or request.tenant != DEFAULT_TENANT else named,
        "resource_attributes": bag.literal,
        "resource_attribute_types": bag.types,
        "resource_dropped_attributes_count": group.resource.dropped_attributes_count + bag.dropped,
        "resource_schema_url": group.schema_url,
        "resource_entity_refs": "",
    }


def _scope(group: Any, limits: Limits) -> dict[str, Any]:
    """The columns that the spans of a scope share."""
    bag = bag_of(group.scope.attributes, limits)
    return {
        "scope_name": group.scope.name,
        "scope_version": group.scope.version,
        "scope_attributes": bag.literal,
        "scope_attribute_types": bag.types,
        "scope_dropped_attributes_count": group.scope.dropped_attributes_count + bag.dropped,
        "scope_schema_url": group.schema_url,
    }


def _own(spans: list[Any], limits: Limits) -> dict[str, Any]:
    """The columns of the spans themselves, `start` and `end` as numbers."""
    maps, types, promoted = _attributes(spans, PROMOTED_SPAN, limits)
    trace_ids = pa.array([span.trace_id for span in spans], pa.binary())
    span_ids = pa.array([span.span_id for span in spans], pa.binary())
    parent_ids = pa.array([span.parent_span_id for span in spans], pa.binary())
    wrong = odd.bad_id(trace_ids, 16), odd.bad_id(span_ids, 8), odd.bad_id(parent_ids, 8, optional=True)
    if any(bad is not None and bad.any() for bad in wrong):
        raise OddError
    statuses = [span.status for span in spans]
    return {
        "start": np.array([span.start_time_unix_nano for span in spans], np.uint64).view(np.int64),
        "end": np.array([span.end_time_unix_nano for span in spans], np.uint64).view(np.int64),
        "trace_id": c.hex_of(trace_ids),
        "span_id": c.hex_of(span_ids),
        "parent_span_id": c.hex_of(parent_ids),
        "trace_state": _low([span.trace_state for span in spans]),
        "flags": pa.array([span.flags for span in spans], INT),
        "name": _low([span.name for span in spans]),
        "kind": _low([KINDS.get(span.kind) or str(span.kind) for span in spans]),
        "status_code": _low([STATUS_CODES.get(status.code) or str(status.code) for status in statuses]),
        "status_message": _low([status.message for status in statuses]),
        "attributes": maps,
        "attribute_types": types,
        "dropped_attributes_count": pa.array([span.dropped_attributes_count for span in spans], INT),
        "events": _listed([span.events for span in spans], EVENTS, limits),
        "dropped_events_count": pa.array([span.dropped_events_count for span in spans], INT),
        "links": _listed([span.links for span in spans], LINKS, limits),
        "dropped_links_count": pa.array([span.dropped_links_count for span in spans], INT),
        **promoted,
    }


def _attributes(
    records: Sequence[Any], promoted: Promoted, limits: Limits
) -> tuple[pa.MapArray, pa.Array, dict[str, pa.Array]]:
    """The maps, the letters and the columns of promoted attributes."""
    keys: list[str] = []
    texts: list[str | None] = []
    offsets = [0]
    types: list[str] = []
    columns: dict[str, list[Any]] = {key: [None] * len(records) for key in promoted}
    destinations = {key: (_LETTERS.get(kind, "s"), columns[key]) for key, kind in promoted.items()}
    nowhere: tuple[str, list[Any]] = ("", [])
    for row, record in enumerate(records):
        found: dict[str, str | None] = {}
        letters = ""
        for attribute in record.attributes:
            key, value = attribute.key, attribute.value
            plain = text = value.string_value
            if text:
                letter = "s"
            elif value.WhichOneof("value") == "int_value":
                letter, plain = "i", value.int_value
                text = str(plain)
            else:
                letter, text = text_of(value)
                plain = value.double_value if letter == "d" else text
            found[key] = text
            letters += letter
            wanted, column = destinations.get(key, nowhere)
            if wanted == letter:
                column[row] = plain
        if len(found) < len(letters) or len(letters) > limits.attributes:
            raise OddError
        keys.extend(found)
        texts.extend(found.values())
        offsets.append(len(keys))
        types.append(letters)
    distinct = set(keys)
    of_texts = pa.array(texts, pa.string())
    is_long = len(of_texts) and int(c.lengths_of(of_texts).max()) > min(limits.value_bytes, limits.prompt_bytes)
    if is_long or distinct & _SPECIAL or any(len(key.encode()) > limits.key_bytes for key in distinct):
        raise OddError
    maps = pa.MapArray.from_arrays(pa.array(offsets, pa.int32()), _column(MAP.key_type, keys), of_texts)
    return (
        maps,
        pa.array(types, pa.string()),
        {column_of(key): _column(promoted[key], values) for key, values in columns.items()},
    )


def _listed(lists: Sequence[Sequence[Any]], kind: pa.ListType, limits: Limits) -> pa.ListArray:
    """Events or links: each field that is no attribute has the same name in OTLP."""
    items = [item for one in lists for item in one]
    maps, types, _ = _attributes(items, {}, limits)
    given = {"attributes": maps, "attribute_types": types}
    values = [given.get(field.name) or _plain(items, field) for field in kind.value_type]
    offsets = pa.array(list(accumulate(map(len, lists), initial=0)), pa.int32())
    return pa.ListArray.from_arrays(offsets, pa.StructArray.from_arrays(values, fields=list(kind.value_type)))


def _plain(items: Iterable[Any], field: pa.Field) -> pa.Array:
    values = [getattr(item, field.name) for item in items]
    if field.name.endswith("_id"):
        return c.hex_of(pa.array(values, pa.binary()))
    return pa.array(values, field.type)


def _column(kind: pa.DataType, values: Sequence[Any]) -> pa.Array:
    return _low(values) if pa.types.is_dictionary(kind) else pa.array(values, kind)


def _low(values: Sequence[str | None]) -> pa.DictionaryArray:
    return pa.array(values, pa.string()).dictionary_encode()


def _work(life: child.Life) -> None:
    write.work(life, decode)


if __name__ == "__main__":
    child.run("write", _work)
