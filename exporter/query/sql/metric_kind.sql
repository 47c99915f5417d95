-- Of which kind a metric is, by its points in a period; nothing where it has none.
-- $name: of the metric. $start_us, $end_us: the period, Unix microseconds.
WITH points AS (
    SELECT 'gauge' AS kind, metric_name, time FROM stored.metrics_gauge
    UNION ALL
    SELECT 'sum', metric_name, time FROM stored.metrics_sum
    UNION ALL
    SELECT 'histogram', metric_name, time FROM stored.metrics_histogram
    UNION ALL
    SELECT 'histogram', metric_name, time FROM stored.metrics_exp_histogram
    UNION ALL
    SELECT 'summary', metric_name, time FROM stored.metrics_summary
)
SELECT kind
FROM points
WHERE metric_name = $name
  AND time >= make_timestamptz($start_us::BIGINT)
  AND time < make_timestamptz($end_us::BIGINT)
LIMIT 1
