-- How many log records of a period a search finds, by level and bucket.
-- $start_us, $end_us: the period, $step_us: width of a bucket, 0 for one; microseconds. {where}: made by search.py.
SELECT
    CASE WHEN $step_us::BIGINT = 0 THEN $start_us::BIGINT ELSE epoch_us(time) // $step_us::BIGINT * $step_us::BIGINT END
        * 1000 AS bucket_ns,
    CASE
        WHEN severity_number >= 21 THEN 'fatal'
        WHEN severity_number >= 17 THEN 'error'
        WHEN severity_number >= 13 THEN 'warn'
        WHEN severity_number >= 9 THEN 'info'
        WHEN severity_number >= 5 THEN 'debug'
        WHEN severity_number >= 1 THEN 'trace'
        ELSE 'none'
    END AS level,
    count(*) AS count
FROM stored.logs
WHERE time >= make_timestamptz($start_us::BIGINT) AND time < make_timestamptz($end_us::BIGINT) AND {where}
GROUP BY ALL
ORDER BY bucket_ns, level
