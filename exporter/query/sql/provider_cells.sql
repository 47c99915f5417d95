-- How calls of each provider went in the minutes that a window touches, where there are many. For {windowed}.
-- $start_us, $end_us: the window, Unix microseconds.
SELECT
    sums.provider,
    count,
    failed,
    round(sketch_value(bucket))::BIGINT AS p95_ns,
    cost_nanos
FROM (
    SELECT
        coalesce(provider, 'unknown') AS provider,
        sum(count)::BIGINT AS count,
        sum(failed)::BIGINT AS failed,
        coalesce(sum(cost_nanos), 0)::BIGINT AS cost_nanos
    FROM cells_1min
    WHERE source = 'call'
      AND time >= cell_time(make_timestamptz($start_us::BIGINT), 60)
      AND time < make_timestamptz($end_us::BIGINT)
    GROUP BY ALL
) AS sums
LEFT JOIN (
    SELECT provider, min(bucket) FILTER (rank >= ceil(of * 0.95)) AS bucket
    FROM (
        SELECT
            provider,
            bucket,
            sum(sum(count)) OVER (PARTITION BY provider ORDER BY bucket) AS rank,
            sum(sum(count)) OVER (PARTITION BY provider) AS of
        FROM (
            SELECT
                coalesce(provider, 'unknown') AS provider,
                unnest(latency_buckets).bucket AS bucket,
                unnest(latency_buckets).count AS count
            FROM cells_1min
            WHERE source = 'call'
              AND time >= cell_time(make_timestamptz($start_us::BIGINT), 60)
              AND time < make_timestamptz($end_us::BIGINT)
        )
        GROUP BY provider, bucket
        HAVING sum(count) > 0
    )
    GROUP BY provider
) AS ranks USING (provider)
