-- Traces of a period, newest first.
-- $start_us, $end_us: the period in which they began, Unix microseconds. $limit: most rows. {where}: by filter.py,
-- {after}: by traces.py.
WITH touched AS (
    SELECT
        trace_id,
        parent_span_id,
        name,
        service_name,
        start_time_unix_nano,
        duration_ns,
        status_code,
        cost_nanos
    FROM stored.spans
    WHERE start_time >= make_timestamptz($start_us::BIGINT)
      AND start_time < make_timestamptz($end_us::BIGINT)
      AND trace_id IS NOT NULL
),
summed AS (
    SELECT
        trace_id,
        coalesce(
            arg_min(name, start_time_unix_nano) FILTER (parent_span_id IS NULL), arg_min(name, start_time_unix_nano)
        ) AS root_name,
        coalesce(
            arg_min(service_name, start_time_unix_nano) FILTER (parent_span_id IS NULL),
            arg_min(service_name, start_time_unix_nano)
        ) AS service_name,
        min(start_time_unix_nano) AS start_ns,
        max(add_wrapping(start_time_unix_nano, duration_ns)) - min(start_time_unix_nano) AS duration_ns,
        count(*) AS spans,
        count(*) FILTER (status_code = 'ERROR') AS errors,
        count(*) FILTER (parent_span_id IS NULL) > 0 AS has_root,
        coalesce(sum(cost_nanos), 0)::BIGINT AS cost_nanos
    FROM touched
    GROUP BY trace_id
)
SELECT *
FROM summed
WHERE {after} AND {where}
ORDER BY start_ns DESC, trace_id DESC
LIMIT $limit::BIGINT
