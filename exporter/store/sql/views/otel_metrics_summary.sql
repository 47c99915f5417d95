-- Points of summaries under the column names of the Collector's ClickHouse exporter.
CREATE VIEW otel_metrics_summary AS
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
    count AS "Count",
    sum AS "Sum",
    list_transform(quantile_values, lambda entry: entry.quantile) AS "ValueAtQuantiles.Quantile",
    list_transform(quantile_values, lambda entry: entry.value) AS "ValueAtQuantiles.Value",
    flags AS "Flags"
FROM metrics_summary;
