-- Log records under the column names of the Collector's ClickHouse exporter. What is absent is '' there, not NULL.
CREATE VIEW otel_logs AS
SELECT
    time AS "Timestamp",
    date_trunc('second', time) AS "TimestampTime",
    coalesce(trace_id, '') AS "TraceId",
    coalesce(span_id, '') AS "SpanId",
    flags & 255 AS "TraceFlags",
    severity_text AS "SeverityText",
    severity_number AS "SeverityNumber",
    coalesce(service_name, '') AS "ServiceName",
    coalesce(body, '') AS "Body",
    resource_schema_url AS "ResourceSchemaUrl",
    resource_attributes AS "ResourceAttributes",
    scope_schema_url AS "ScopeSchemaUrl",
    scope_name AS "ScopeName",
    scope_version AS "ScopeVersion",
    scope_attributes AS "ScopeAttributes",
    attributes AS "LogAttributes",
    event_name AS "EventName"
FROM logs;
