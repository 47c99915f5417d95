-- What tells the health of each provider: the last minutes, the day before as a measure, and its last calls.
-- $start_us, $end_us: the window, Unix microseconds; $recent_us: since when calls are looked at. $calls: how many last
-- ones. $daily: the rows of provider_day.sql. {calls}: counted_calls.sql. {windowed}: provider_calls.sql, or
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
daily AS (
    SELECT unnest($daily::STRUCT(provider VARCHAR, p95_ns BIGINT)[], recursive := true)
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
