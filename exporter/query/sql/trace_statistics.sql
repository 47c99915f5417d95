-- What the traces of a period come to.
-- $start_us, $end_us: the period in which spans began, Unix microseconds.
WITH summed AS (
    SELECT
        trace_id,
        count(*) AS spans,
        count(*) FILTER (status_code = 'ERROR') AS errors,
        max(add_wrapping(start_time_unix_nano, duration_ns)) - min(start_time_unix_nano) AS duration_ns
    FROM stored.spans
    WHERE start_time >= make_timestamptz($start_us::BIGINT)
      AND start_time < make_timestamptz($end_us::BIGINT)
      AND trace_id IS NOT NULL
    GROUP BY trace_id
)
SELECT
    count(*) AS traces,
    coalesce(sum(spans), 0)::BIGINT AS spans,
    count(*) FILTER (errors > 0) AS failed,
    avg(spans) AS spans_per_trace,
    avg(duration_ns) AS avg_duration_ns,
    quantile_disc(duration_ns, 0.95)::BIGINT AS p95_duration_ns
FROM summed
