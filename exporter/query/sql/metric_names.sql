-- The metrics that have points in a period.
-- $start_us, $end_us: the period, Unix microseconds.
WITH points AS (
    SELECT 'gauge' AS kind, metric_name, metric_unit, metric_description, service_name, time FROM stored.metrics_gauge
    UNION ALL
    SELECT 'sum', metric_name, metric_unit, metric_description, service_name, time FROM stored.metrics_sum
    UNION ALL
    SELECT 'histogram', metric_name, metric_unit, metric_description, service_name, time FROM stored.metrics_histogram
    UNION ALL
    SELECT 'histogram', metric_name, metric_unit, metric_description, service_name, time
    FROM stored.metrics_exp_histogram
    UNION ALL
    SELECT 'summary', metric_name, metric_unit, metric_description, service_name, time FROM stored.metrics_summary
)
SELECT
    metric_name AS name,
    kind,
    any_value(metric_unit) AS unit,
    any_value(metric_description) AS description,
    count(DISTINCT service_name) AS services,
    count(*) AS points
FROM points
WHERE time >= make_timestamptz($start_us::BIGINT) AND time < make_timestamptz($end_us::BIGINT)
GROUP BY metric_name, kind
ORDER BY name, kind
