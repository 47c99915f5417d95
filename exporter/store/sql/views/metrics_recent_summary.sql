-- The last 60 minutes: the metrics that rules know by name, as `value`, then all stored ones, of which `value` is the
-- mean. `unit` of ours is ns, ratio, usd or count. `value` is NULL where there was nothing to measure.
CREATE VIEW metrics_recent_summary AS
WITH recent AS (
    SELECT *
    FROM cells_1min
    WHERE time >= now() - INTERVAL 60 MINUTE
),
calls AS (
    SELECT
        coalesce(sum(count), 0)::BIGINT AS calls,
        sum(failed) AS failed,
        sum(latency_sum_ns) AS latency_sum_ns,
        min(latency_min_ns) AS latency_min_ns,
        max(latency_max_ns) AS latency_max_ns,
        flatten(list(latency_buckets)) AS buckets,
        coalesce(sum(cost_nanos), 0)::DOUBLE / 1e9 AS cost_usd
    FROM recent
    WHERE source = 'call'
),
limits AS (
    SELECT
        sum(cache_hits) AS hits,
        sum(cache_hits + cache_misses) AS lookups,
        sum(rate_limit_denied) AS denied,
        sum(rate_limit_allowed + rate_limit_denied) AS limited
    FROM recent
),
named AS (
    SELECT 'calls' AS metric, 'count' AS unit, calls::DOUBLE AS value, calls AS records FROM calls
    UNION ALL
    SELECT 'avg_latency', 'ns', latency_sum_ns::DOUBLE / nullif(calls, 0), calls FROM calls
    UNION ALL
    SELECT 'p50_latency', 'ns', latency_quantile(buckets, 0.5, latency_min_ns, latency_max_ns), calls FROM calls
    UNION ALL
    SELECT 'p95_latency', 'ns', latency_quantile(buckets, 0.95, latency_min_ns, latency_max_ns), calls FROM calls
    UNION ALL
    SELECT 'p99_latency', 'ns', latency_quantile(buckets, 0.99, latency_min_ns, latency_max_ns), calls FROM calls
    UNION ALL
    SELECT 'error_rate', 'ratio', failed / nullif(calls, 0), calls FROM calls
    UNION ALL
    SELECT 'success_rate', 'ratio', (calls - failed) / nullif(calls, 0), calls FROM calls
    UNION ALL
    SELECT 'hourly_cost', 'usd', cost_usd, calls FROM calls
    UNION ALL
    SELECT 'cache_hit_rate', 'ratio', hits / nullif(lookups, 0), coalesce(lookups, 0)::BIGINT FROM limits
    UNION ALL
    SELECT 'rate_limit_denial_rate', 'ratio', denied / nullif(limited, 0), coalesce(limited, 0)::BIGINT FROM limits
)
SELECT metric, unit, value, records, NULL::DOUBLE AS min, NULL::DOUBLE AS max, NULL::DOUBLE AS last
FROM named
UNION ALL
SELECT
    metric_name,
    any_value(unit),
    sum(sum) / nullif(sum(count), 0),
    sum(count)::BIGINT,
    min(min),
    max(max),
    arg_max(last, {'time': last_time_unix_nano, 'value': last})
FROM recent
WHERE source = 'point'
GROUP BY metric_name;
