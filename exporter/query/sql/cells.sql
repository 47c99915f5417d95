-- Figures of a period from the cells of {cells}, whose width divides the period's ends.
-- $start_us, $end_us: the period, Unix microseconds. $step_us: width of a bucket, 0 for one bucket.
-- $sources: which cells, a list of call, span. {where}, {labels}, {groups}: made by views.py and filter.py.
WITH picked AS MATERIALIZED (
    SELECT
        CASE WHEN $step_us::BIGINT = 0 THEN $start_us::BIGINT ELSE epoch_us(time) // $step_us::BIGINT * $step_us::BIGINT END
            * 1000 AS bucket_ns,
        {labels} AS labels,
        *
    FROM {cells}
    WHERE time >= make_timestamptz($start_us::BIGINT) AND time < make_timestamptz($end_us::BIGINT)
      AND source IN (SELECT unnest($sources::VARCHAR[]))
      AND {where}
),
sums AS (
    SELECT
        bucket_ns,
        labels,
        sum(count)::BIGINT AS count,
        sum(failed)::BIGINT AS failed,
        sum(latency_sum_ns)::BIGINT AS latency_sum_ns,
        min(latency_min_ns) AS latency_min_ns,
        max(latency_max_ns) AS latency_max_ns,
        coalesce(sum(tokens_input), 0)::BIGINT AS tokens_input,
        coalesce(sum(tokens_output), 0)::BIGINT AS tokens_output,
        coalesce(sum(tokens_cache_read), 0)::BIGINT AS tokens_cache_read,
        coalesce(sum(tokens_cache_write), 0)::BIGINT AS tokens_cache_write,
        coalesce(sum(tokens_reasoning), 0)::BIGINT AS tokens_reasoning,
        coalesce(sum(cost_nanos), 0)::BIGINT AS cost_nanos,
        coalesce(sum(cost_reported_nanos), 0)::BIGINT AS cost_reported_nanos,
        coalesce(sum(unpriced), 0)::BIGINT AS unpriced,
        coalesce(sum(cache_hits), 0)::BIGINT AS cache_hits,
        coalesce(sum(cache_misses), 0)::BIGINT AS cache_misses,
        coalesce(sum(rate_limit_allowed), 0)::BIGINT AS rate_limit_allowed,
        coalesce(sum(rate_limit_denied), 0)::BIGINT AS rate_limit_denied
    FROM picked
    GROUP BY ALL
),
entries AS (
    SELECT bucket_ns, labels, unnest(latency_buckets).bucket AS bucket, unnest(latency_buckets).count AS count
    FROM picked
),
counted AS (
    SELECT bucket_ns, labels, bucket, sum(count)::BIGINT AS count
    FROM entries
    GROUP BY ALL
    HAVING sum(count) > 0
),
ranked AS (
    SELECT
        *,
        sum(count) OVER (PARTITION BY bucket_ns, labels ORDER BY bucket) AS rank,
        sum(count) OVER (PARTITION BY bucket_ns, labels) AS of
    FROM counted
),
percentiles AS (
    SELECT
        bucket_ns,
        labels,
        min(bucket) FILTER (rank >= ceil(of * 0.5)) AS p50,
        min(bucket) FILTER (rank >= ceil(of * 0.95)) AS p95,
        min(bucket) FILTER (rank >= ceil(of * 0.99)) AS p99
    FROM ranked
    GROUP BY ALL
)
SELECT
    sums.bucket_ns,
    sums.labels,
    count,
    failed,
    latency_sum_ns,
    latency_min_ns,
    latency_max_ns,
    list_transform(
        [p50, p95, p99],
        lambda bucket: greatest(latency_min_ns, least(latency_max_ns, round(sketch_value(bucket))))::BIGINT
    ) AS percentiles_ns,
    tokens_input,
    tokens_output,
    tokens_cache_read,
    tokens_cache_write,
    tokens_reasoning,
    cost_nanos,
    cost_reported_nanos,
    unpriced,
    cache_hits,
    cache_misses,
    rate_limit_allowed,
    rate_limit_denied
FROM sums
LEFT JOIN percentiles ON percentiles.bucket_ns = sums.bucket_ns AND percentiles.labels = sums.labels
ORDER BY sums.bucket_ns, sums.labels
