"""Trace requests to the tables `spans`, `spans_pending`, `runs` and `steps`."""

from collections.abc import Sequence
from typing import Final

import numpy as np
import pyarrow as pa

from exporter.config import Limits, Retention
from exporter.decode import columns as c
from exporter.decode import odd
from exporter.decode.attributes import Attributes, read_attributes
from exporter.decode.context import read_scopes, scope_columns
from exporter.decode.mapping import CANONICAL
from exporter.decode.nesting import Ids, Recent
from exporter.decode.normalise import Spans, understood
from exporter.decode.runs import run_tables
from exporter.decode.wire import read_messages, read_values
from exporter.model import EVENTS, LINKS, TABLES, Request, arrow_schema
from otel_ax import semconv

KINDS: Final = {0: "UNSPECIFIED", 1: "INTERNAL", 2: "SERVER", 3: "CLIENT", 4: "PRODUCER", 5: "CONSUMER"}
STATUS_CODES: Final = {0: "UNSET", 1: "OK", 2: "ERROR"}
_ERROR: Final = 2


def decode_spans(
    requests: Sequence[Request], limits: Limits, retention: Retention, recent: Recent | None = None
) -> dict[str, pa.Table]:
    """Rows of `spans` and `spans_pending`, in the order of the requests, and those of `runs` and `steps` they tell.

    `recent` knows the calls of earlier requests, and learns these.
    """
    batch = read_messages("ExportTraceServiceRequest", [request.payload for request in requests])
    scopes = read_scopes(batch, requests, ("scope_spans", "spans"), limits)
    spans = scopes.messages
    attributes = read_attributes(c.field(spans, "attributes"), CANONICAL, limits)
    start = c.signed(c.field(spans, "start_time_unix_nano"))
    end = c.signed(c.field(spans, "end_time_unix_nano"))
    status = c.field(spans, "status")
    received = scopes.received[scopes.parents]
    pending = attributes.true(semconv.SPAN_PENDING)
    events, event_flags = _events(c.field(spans, "events"), limits)
    links, link_flags = _links(c.field(spans, "links"), limits)

    flags = odd.attribute_flags(attributes, len(spans)) | event_flags | link_flags
    odd.mark(flags, "trace_id", odd.bad_id(c.field(spans, "trace_id"), 16))
    odd.mark(flags, "span_id", odd.bad_id(c.field(spans, "span_id"), 8))
    odd.mark(flags, "parent_span_id", odd.bad_id(c.field(spans, "parent_span_id"), 8, optional=True))
    odd.mark(flags, "time", odd.beyond_signed(start, end) | (end < start))
    event_time = np.where(end != 0, end, start)
    kept_for = np.full(len(spans), retention.spans)
    if pending is not None:
        kept_for[pending] = retention.spans_pending

    ids = Ids(*(c.hex_of(c.field(spans, f"{name}_id")) for name in ("trace", "span", "parent_span")))
    name = c.low(c.field(spans, "name"))
    shared = scope_columns(scopes, scopes.parents, attributes.strings(semconv.TENANT_ID))
    code = c.field(status, "code").fill_null(0)
    failed = c.to_numpy(code) == _ERROR
    facts = Spans(ids, name, shared["scope_name"], start, end, events, failed, pending)
    columns = {
        "trace_id": ids.trace,
        "span_id": ids.span,
        "parent_span_id": ids.parent,
        "trace_state": c.low(c.field(spans, "trace_state")),
        "flags": c.field(spans, "flags").cast(pa.int64()),
        "name": name,
        "kind": c.named(c.field(spans, "kind"), KINDS),
        "start_time_unix_nano": pa.array(start),
        "start_time": c.micros(start),
        "duration_ns": pa.array(end - start),
        "status_code": c.named(code, STATUS_CODES),
        "status_message": c.low(c.field(status, "message").fill_null("")),
        "clock_skew": pa.array(odd.skewed(event_time, received, kept_for)),
        "odd": odd.odd_column(flags),
        "attributes": attributes.maps,
        "attribute_types": attributes.types,
        "dropped_attributes_count": dropped_count(spans, attributes),
        "events": events,
        "dropped_events_count": c.field(spans, "dropped_events_count").cast(pa.int64()),
        "links": links,
        "dropped_links_count": c.field(spans, "dropped_links_count").cast(pa.int64()),
        **shared,
        **understood(attributes, facts, recent),
    }
    table = table_of("spans", columns)
    runs = run_tables(table, attributes, pending)
    if pending is None:
        return {"spans": table, **runs}
    return {"spans": table.filter(pa.array(~pending)), "spans_pending": table.filter(pa.array(pending)), **runs}


def table_of(name: str, columns: dict[str, pa.Array]) -> pa.Table:
    """The columns in their table's order."""
    schema = arrow_schema(TABLES[name])
    return pa.Table.from_arrays([columns[field.name] for field in schema], schema=schema)


def dropped_count(messages: pa.StructArray, attributes: Attributes) -> pa.Array:
    """What the sender dropped, and what our limits did."""
    by_sender = c.field(messages, "dropped_attributes_count").cast(pa.int64())
    if attributes.dropped is None:
        return by_sender
    return pa.array(c.to_numpy(by_sender) + attributes.dropped)


def _events(lists: pa.ListArray, limits: Limits) -> tuple[pa.ListArray, odd.Flags]:
    serialised = lists.flatten()
    if len(serialised) == 0:
        return c.relisted(lists, pa.nulls(0, EVENTS.value_type)), np.zeros(len(lists), dtype=np.uint8)
    events = read_values("Event", serialised)
    attributes = read_attributes(c.field(events, "attributes"), {}, limits)
    values = pa.StructArray.from_arrays(
        [
            pa.array(c.signed(c.field(events, "time_unix_nano"))),
            c.field(events, "name"),
            attributes.maps,
            attributes.types,
            dropped_count(events, attributes),
        ],
        fields=list(EVENTS.value_type),
    )
    return c.relisted(lists, values), flags_of_parents(lists, attributes)


def _links(lists: pa.ListArray, limits: Limits) -> tuple[pa.ListArray, odd.Flags]:
    serialised = lists.flatten()
    if len(serialised) == 0:
        return c.relisted(lists, pa.nulls(0, LINKS.value_type)), np.zeros(len(lists), dtype=np.uint8)
    links = read_values("Link", serialised)
    attributes = read_attributes(c.field(links, "attributes"), {}, limits)
    values = pa.StructArray.from_arrays(
        [
            c.hex_of(c.field(links, "trace_id")),
            c.hex_of(c.field(links, "span_id")),
            c.field(links, "trace_state"),
            attributes.maps,
            attributes.types,
            dropped_count(links, attributes),
            c.field(links, "flags").cast(pa.int64()),
        ],
        fields=list(LINKS.value_type),
    )
    return c.relisted(lists, values), flags_of_parents(lists, attributes)


def flags_of_parents(lists: pa.ListArray, attributes: Attributes) -> odd.Flags:
    """Oddities of the attributes of a record's events, links or exemplars, as the record's own."""
    flags = odd.attribute_flags(attributes, len(attributes.maps))
    of_parents = np.zeros(len(lists), dtype=np.uint8)
    if flags.any():
        np.bitwise_or.at(of_parents, c.parents_of(lists), flags)
    return of_parents
