-- Points of gauges under the column names of the Collector's ClickHouse exporter.
CREATE VIEW otel_metrics_gauge AS
SELECT
    resource_attributes AS "ResourceAttributes",
    resource_schema_url AS "ResourceSchemaUrl",
    scope_name AS "ScopeName",
    scope_version AS "ScopeVersion",
    scope_attributes AS "ScopeAttributes",
    scope_dropped_attributes_count AS "ScopeDroppedAttrCount",
    scope_schema_url AS "ScopeSchemaUrl",
    coalesce(service_name, '') AS "ServiceName",
    metric_name AS "MetricName",
    metric_description AS "MetricDescription",
    metric_unit AS "MetricUnit",
    attributes AS "Attributes",
    start_time AS "StartTimeUnix",
    time AS "TimeUnix",
    value AS "Value",
    flags AS "Flags",
    list_transform(exemplars, lambda exemplar: exemplar.filtered_attributes) AS "Exemplars.FilteredAttributes",
    list_transform(exemplars, lambda exemplar: unix_time(exemplar.time_unix_nano)) AS "Exemplars.TimeUnix",
    list_transform(exemplars, lambda exemplar: exemplar.value) AS "Exemplars.Value",
    list_transform(exemplars, lambda exemplar: coalesce(exemplar.span_id, '')) AS "Exemplars.SpanId",
    list_transform(exemplars, lambda exemplar: coalesce(exemplar.trace_id, '')) AS "Exemplars.TraceId"
FROM metrics_gauge;
