"""The oracle's half about records: what the columns of spans and logs hold, and those that all signals share.

In: protobuf messages with their resource and scope. Out: rows as `oracle.decode` gives them.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord, ResourceLogs, ScopeLogs
from opentelemetry.proto.metrics.v1.metrics_pb2 import ResourceMetrics, ScopeMetrics
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span

from exporter.config import Limits, Retention
from exporter.model import DEFAULT_TENANT, PROMOTED_LOG, PROMOTED_RESOURCE, Request, column_of
from otel_ax.semconv import SPAN_PENDING, TENANT_ID
from tests.oracle_understood import Told
from tests.oracle_values import Attributes, Row, attributes_of, compact, literal, promote, read

KINDS: Final = ("UNSPECIFIED", "INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER")
STATUSES: Final = ("UNSET", "OK", "ERROR")
ODD: Final = ("trace_id", "span_id", "parent_span_id", "time", "duplicate_key", "truncated", "dropped")
"""What `odd` can say, in its order."""
TEN_MINUTES_NS: Final = 600 * 10**9

Found = Iterator[tuple[str, Row]]
"""Rows, each with the name of its table."""


@dataclass(frozen=True, slots=True)
class Context:
    """What the rows of one scope share: how they were received, and their columns of resource and scope."""

    request: Request
    limits: Limits
    resource: Attributes
    columns: Row

    def complete(self, row: Row, found: Attributes, event_ns: int, kept_for_ns: int) -> Row:
        """The record's own columns and the shared ones; `found` are its attributes, `event_ns` its time."""
        received_at = self.request.received_at
        in_time = received_at - kept_for_ns <= event_ns <= received_at + TEN_MINUTES_NS
        return (
            row
            | self.columns
            | {
                "tenant_id": self.tenant(found),
                "ingest_time": received_at // 1000,
                "clock_skew": not in_time,
            }
        )

    def tenant(self, found: Attributes) -> str:
        """The tenant of the token, else the one that the record or its resource names."""
        if self.request.tenant != DEFAULT_TENANT:
            return self.request.tenant
        for attributes in (found, self.resource):
            entry = attributes.get(TENANT_ID)
            if entry and entry.value.HasField("string_value"):
                return entry.text or ""
        return DEFAULT_TENANT


def context(
    request: Request,
    limits: Limits,
    group: ResourceSpans | ResourceLogs | ResourceMetrics,
    scope_group: ScopeSpans | ScopeLogs | ScopeMetrics,
) -> Context:
    """The context of one scope's records."""
    scope = scope_group.scope
    of_resource = attributes_of(group.resource.attributes, limits)
    of_scope = attributes_of(scope.attributes, limits)
    refs = [
        {
            "schema_url": ref.schema_url,
            "type": ref.type,
            "id_keys": list(ref.id_keys),
            "description_keys": list(ref.description_keys),
        }
        for ref in group.resource.entity_refs
    ]
    texts = dict(of_resource.pairs)
    columns = {column_of(key): texts.get(key) for key in PROMOTED_RESOURCE} | {
        "resource_attributes": literal(of_resource.pairs),
        "resource_attribute_types": of_resource.types,
        "resource_dropped_attributes_count": group.resource.dropped_attributes_count + of_resource.dropped,
        "resource_schema_url": group.schema_url,
        "resource_entity_refs": compact(refs) if refs else "",
        "scope_name": scope.name,
        "scope_version": scope.version,
        "scope_attributes": literal(of_scope.pairs),
        "scope_attribute_types": of_scope.types,
        "scope_dropped_attributes_count": scope.dropped_attributes_count + of_scope.dropped,
        "scope_schema_url": scope_group.schema_url,
    }
    return Context(request, limits, of_resource, columns)


# ── Fields ────────────────────────────────────────────────────────────────────────────────────────────────────────


def hex_of(raw: bytes) -> str | None:
    """An id in hex; None for the empty one."""
    return raw.hex() or None


def signed(number: int) -> int:
    """The int64 of the same bits as the uint64."""
    return number - 2**64 if number >= 2**63 else number


def name_of(number: int, names: tuple[str, ...]) -> str:
    """The name of an enum number, or the number as text."""
    return names[number] if 0 <= number < len(names) else str(number)


def odd_of(said: set[str]) -> str | None:
    """The column `odd`."""
    return ",".join(word for word in ODD if word in said) or None


# ── Traces ────────────────────────────────────────────────────────────────────────────────────────────────────────


def spans(request: Request, limits: Limits, retention: Retention) -> Found:
    """The rows of a trace request."""
    for group in ExportTraceServiceRequest.FromString(request.payload).resource_spans:
        for scope_group in group.scope_spans:
            shared = context(request, limits, group, scope_group)
            for span in scope_group.spans:
                found = attributes_of(span.attributes, limits)
                pending = found.get(SPAN_PENDING)
                is_pending = pending is not None and pending.value.bool_value
                event_ns = span.end_time_unix_nano or span.start_time_unix_nano
                start_ns, end_ns = signed(span.start_time_unix_nano), signed(span.end_time_unix_nano)
                row = span_row(span, found, limits) | {"told": Told(found, start_ns, end_ns, is_pending, {})}
                if is_pending:
                    yield "spans_pending", shared.complete(row, found, event_ns, retention.spans_pending)
                else:
                    yield "spans", shared.complete(row, found, event_ns, retention.spans)


def span_row(span: Span, found: Attributes, limits: Limits) -> Row:
    """The columns of the span itself."""
    odd = set(found.odd)
    if len(span.trace_id) != 16 or not any(span.trace_id):
        odd.add("trace_id")
    if len(span.span_id) != 8 or not any(span.span_id):
        odd.add("span_id")
    if span.parent_span_id and len(span.parent_span_id) != 8:
        odd.add("parent_span_id")
    start, end = span.start_time_unix_nano, span.end_time_unix_nano
    if start >= 2**63 or end >= 2**63 or end < start:
        odd.add("time")
    row = {
        "attributes": found.pairs,
        "attribute_types": found.types,
        "trace_id": hex_of(span.trace_id),
        "span_id": hex_of(span.span_id),
        "parent_span_id": hex_of(span.parent_span_id),
        "trace_state": span.trace_state,
        "flags": span.flags,
        "name": span.name,
        "kind": name_of(span.kind, KINDS),
        "start_time_unix_nano": signed(start),
        "start_time": start // 1000,
        "duration_ns": signed((end - start) % 2**64),
        "status_code": name_of(span.status.code, STATUSES),
        "status_message": span.status.message,
        "dropped_attributes_count": span.dropped_attributes_count + found.dropped,
        "events": [event_of(event, limits, odd) for event in span.events],
        "dropped_events_count": span.dropped_events_count,
        "links": [link_of(link, limits, odd) for link in span.links],
        "dropped_links_count": span.dropped_links_count,
    }
    return row | {"odd": odd_of(odd)}


def event_of(event: Span.Event, limits: Limits, odd: set[str]) -> Row:
    """One element of `events`; what is odd about it is added to what is odd about its span."""
    found = attributes_of(event.attributes, limits)
    odd |= found.odd
    return {
        "time_unix_nano": signed(event.time_unix_nano),
        "name": event.name,
        "attributes": found.pairs,
        "attribute_types": found.types,
        "dropped_attributes_count": event.dropped_attributes_count + found.dropped,
    }


def link_of(link: Span.Link, limits: Limits, odd: set[str]) -> Row:
    """One element of `links`; what is odd about it is added to what is odd about its span."""
    found = attributes_of(link.attributes, limits)
    odd |= found.odd
    return {
        "trace_id": hex_of(link.trace_id),
        "span_id": hex_of(link.span_id),
        "trace_state": link.trace_state,
        "attributes": found.pairs,
        "attribute_types": found.types,
        "dropped_attributes_count": link.dropped_attributes_count + found.dropped,
        "flags": link.flags,
    }


# ── Logs ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def logs(request: Request, limits: Limits, retention: Retention) -> Found:
    """The rows of a logs request."""
    for group in ExportLogsServiceRequest.FromString(request.payload).resource_logs:
        for scope_group in group.scope_logs:
            shared = context(request, limits, group, scope_group)
            for log in scope_group.log_records:
                found = attributes_of(log.attributes, limits)
                event_ns = log.time_unix_nano or log.observed_time_unix_nano or request.received_at
                yield "logs", shared.complete(log_row(log, found, event_ns, limits), found, event_ns, retention.logs)


def log_row(log: LogRecord, found: Attributes, event_ns: int, limits: Limits) -> Row:
    """The columns of the log record itself."""
    odd = set(found.odd)
    if event_ns >= 2**63:
        odd.add("time")
    body_type, body, was_cut = read(log.body, limits.value_bytes)
    if was_cut:
        odd.add("truncated")
    return promote(found, PROMOTED_LOG) | {
        "time_unix_nano": signed(log.time_unix_nano),
        "time": event_ns // 1000,
        "observed_time_unix_nano": signed(log.observed_time_unix_nano),
        "severity_number": log.severity_number,
        "severity_text": log.severity_text,
        "event_name": log.event_name,
        "body": body,
        "body_type": body_type if log.HasField("body") else None,
        "trace_id": hex_of(log.trace_id),
        "span_id": hex_of(log.span_id),
        "flags": log.flags,
        "dropped_attributes_count": log.dropped_attributes_count + found.dropped,
        "odd": odd_of(odd),
    }
