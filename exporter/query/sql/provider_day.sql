-- The p95 of calls of each provider over a day, as a measure of the last minutes.
-- $start_us, $end_us: the day, Unix microseconds; hours that begin in it count.
WITH entries AS (
    SELECT
        coalesce(provider, 'unknown') AS provider,
        unnest(latency_buckets).bucket AS bucket,
        unnest(latency_buckets).count AS count
    FROM cells_1hour
    WHERE time >= make_timestamptz($start_us::BIGINT)
      AND time < make_timestamptz($end_us::BIGINT)
      AND source = 'call'
),
ranked AS (
    SELECT
        provider,
        bucket,
        sum(sum(count)) OVER (PARTITION BY provider ORDER BY bucket) AS rank,
        sum(sum(count)) OVER (PARTITION BY provider) AS of
    FROM entries
    GROUP BY provider, bucket
    HAVING sum(count) > 0
)
SELECT provider, round(sketch_value(min(bucket) FILTER (rank >= ceil(of * 0.95))))::BIGINT AS p95_ns
FROM ranked
GROUP BY provider
