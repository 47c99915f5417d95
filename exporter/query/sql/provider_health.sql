-- What tells the health of each provider: the last minutes, the day before as a measure, and its last calls.
-- $start_us, $end_us: the window, Unix microseconds; $day_us: where the day before it begins; $recent_us: since when
-- calls are looked at. $calls: how many last ones. {calls}: counted_calls.sql. {windowed}: provider_calls.sql, or
-- provider_cells.sql where there are many.
WITH recent AS (
    SELECT * REPLACE (coalesce(provider, 'unknown') AS provider)
    FROM ({calls})
    WHERE start_time >= make_timestamptz($recent_us::BIGINT)
      AND start_time < make_timestamptz($end_us::BIGINT)
),
windowed AS (
    {windowed}
),
last_calls AS (
    SELECT provider, failed
    FROM recent
    QUALIFY row_number() OVER (PARTITION BY provider ORDER BY end_us DESC) <= $calls::BIGINT
),
lasting AS (
    SELECT provider, count(*) AS last_count, count(*) FILTER (NOT failed) AS last_succeeded
    FROM last_calls
    GROUP BY provider
),
entries AS (
    SELECT
        coalesce(provider, 'unknown') AS provider,
        unnest(latency_buckets).bucket AS bucket,
        unnest(latency_buckets).count AS count
    FROM cells_1hour
    WHERE time >= make_timestamptz($day_us::BIGINT)
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
),
daily AS (
    SELECT provider, round(sketch_value(min(bucket) FILTER (rank >= ceil(of * 0.95))))::BIGINT AS p95_ns
    FROM ranked
    GROUP BY provider
)
SELECT
    provider,
    coalesce(windowed.count, 0) AS count,
    coalesce(windowed.failed, 0) AS failed,
    windowed.p95_ns,
    daily.p95_ns AS p95_day_ns,
    coalesce(windowed.cost_nanos, 0) AS cost_nanos,
    coalesce(lasting.last_count, 0) AS last_count,
    coalesce(lasting.last_succeeded, 0) AS last_succeeded
FROM windowed
FULL JOIN lasting USING (provider)
FULL JOIN daily USING (provider)
ORDER BY provider
