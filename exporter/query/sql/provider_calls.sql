-- How calls of each provider went in a window, from the calls themselves. For {windowed}.
-- $start_us, $end_us: the window, Unix microseconds. It follows `recent` in provider_health.sql.
SELECT
    provider,
    count(*) AS count,
    count(*) FILTER (failed) AS failed,
    quantile_disc(duration_ns, 0.95) AS p95_ns,
    coalesce(sum(cost_nanos), 0)::BIGINT AS cost_nanos
FROM recent
WHERE end_us >= $start_us::BIGINT AND end_us < $end_us::BIGINT
GROUP BY provider
