-- Spans under the column names of the Collector's ClickHouse exporter. What is absent is '' there, not NULL.
CREATE VIEW otel_traces AS
SELECT
    start_time AS "Timestamp",
    coalesce(trace_id, '') AS "TraceId",
    coalesce(span_id, '') AS "SpanId",
    coalesce(parent_span_id, '') AS "ParentSpanId",
    trace_state AS "TraceState",
    name AS "SpanName",
    title_case(kind) AS "SpanKind",
    coalesce(service_name, '') AS "ServiceName",
    resource_attributes AS "ResourceAttributes",
    scope_name AS "ScopeName",
    scope_version AS "ScopeVersion",
    attributes AS "SpanAttributes",
    duration_ns AS "Duration",
    title_case(status_code) AS "StatusCode",
    status_message AS "StatusMessage",
    list_transform(events, lambda event: unix_time(event.time_unix_nano)) AS "Events.Timestamp",
    list_transform(events, lambda event: event.name) AS "Events.Name",
    list_transform(events, lambda event: event.attributes) AS "Events.Attributes",
    list_transform(links, lambda link: coalesce(link.trace_id, '')) AS "Links.TraceId",
    list_transform(links, lambda link: coalesce(link.span_id, '')) AS "Links.SpanId",
    list_transform(links, lambda link: link.trace_state) AS "Links.TraceState",
    list_transform(links, lambda link: link.attributes) AS "Links.Attributes"
FROM spans;
