-- One row an event of a span.
CREATE VIEW span_events AS
SELECT
    span.trace_id,
    span.span_id,
    span.name AS span_name,
    span.service_name,
    span.tenant_id,
    event.time_unix_nano,
    unix_time(event.time_unix_nano) AS time,
    event.name,
    event.attributes,
    event.attribute_types,
    event.dropped_attributes_count,
    span.ingest_time
FROM stored.spans AS span, unnest(span.events) AS of_span (event);
