-- Figures of a period from the cells of {cells}, whose width divides the period's ends.
-- $start_us, $end_us: the period, Unix microseconds. $step_us: width of a bucket, 0 for one bucket.
-- $origin_us: where a bucket begins, Unix microseconds.
-- $sources: which cells, a list of call, span. $percentiles: whether to tell them, which takes most of the time.
-- {where}, {labels}, {groups}: made by views.py and filter.py.
-- $most: rows that are given.
WITH picked AS MATERIALIZED (
    SELECT
        CASE WHEN $step_us::BIGINT = 0 THEN $start_us::BIGINT
            ELSE (epoch_us(time) - $origin_us::BIGINT) // $step_us::BIGINT * $step_us::BIGINT + $origin_us::BIGINT END
            * 1000 AS bucket_ns,
        {labels} AS labels,
        *
    FROM {cells}
    WHERE time >= make_timestamptz($start_us::BIGINT) AND time < make_timestamptz($end_us::BIGINT)
      AND list_contains($sources::VARCHAR[], source)
      AND {where}
),
sums AS MATERIALIZED (
    SELECT
        bucket_ns,
        labels,
        row_number() OVER () AS place,
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
    GROUP BY bucket_ns, labels
),
-- Millions of buckets may be added up: by one number each, which is the group's place and the bucket.
entries AS (
    SELECT place, unnest(latency_buckets) AS one
    FROM picked
    JOIN sums ON sums.bucket_ns = picked.bucket_ns AND sums.labels = picked.labels
    WHERE $percentiles::BOOLEAN
),
added AS (
    SELECT place * 4096 + one.bucket + 1 AS place_and_bucket, sum(one.count)::BIGINT AS count
    FROM entries
    GROUP BY place_and_bucket
    HAVING sum(one.count) > 0
),
counted AS (
    SELECT place_and_bucket // 4096 AS place, place_and_bucket % 4096 - 1 AS bucket, count
    FROM added
),
totals AS (
    SELECT place, sum(count) AS of
    FROM counted
    GROUP BY place
),
ranked AS (
    SELECT place, bucket, sum(count) OVER (PARTITION BY place ORDER BY bucket) AS rank
    FROM counted
),
percentiles AS (
    SELECT
        place,
        min(bucket) FILTER (rank >= ceil(of * 0.5)) AS p50,
        min(bucket) FILTER (rank >= ceil(of * 0.95)) AS p95,
        min(bucket) FILTER (rank >= ceil(of * 0.99)) AS p99
    FROM ranked
    JOIN totals USING (place)
    GROUP BY place
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
        lambda bucket: CASE
            WHEN bucket IS NOT NULL
                THEN greatest(latency_min_ns, least(latency_max_ns, round(sketch_value(bucket))))::BIGINT
        END
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
LEFT JOIN percentiles USING (place)
ORDER BY sums.bucket_ns, sums.labels
LIMIT $most::BIGINT
