-- Figures of a period from cells. {summed}: cells_summed.sql.
-- $most: rows that are given.
WITH {summed},
-- Millions of buckets may be added up: by one number each, which is the group's place and the bucket.
entries AS (
    SELECT place, unnest(latency_buckets) AS one
    FROM picked
    JOIN sums ON sums.bucket_ns = picked.bucket_ns AND sums.labels = picked.labels
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
