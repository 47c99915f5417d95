-- How long each kind of work took in a period: model calls, tools, retrieval, agents, steps, databases, HTTP.
-- $start_us, $end_us: the period in which spans began, Unix microseconds. {where}: by filter.py.
SELECT
    CASE
        WHEN gen_ai_operation_name IS NOT NULL THEN gen_ai_operation_name
        WHEN ax_kind IS NOT NULL THEN ax_kind
        WHEN db_system_name IS NOT NULL THEN 'database'
        WHEN http_request_method IS NOT NULL THEN 'http ' || lower(kind)
        ELSE 'other'
    END AS component,
    count(*) AS count,
    count(*) FILTER (status_code = 'ERROR' OR error_type IS NOT NULL) AS failed,
    sum(duration_ns)::BIGINT AS total_ns,
    quantile_disc(duration_ns, [0.5, 0.95, 0.99]) AS percentiles_ns,
    max(duration_ns) AS max_ns
FROM stored.spans
WHERE start_time >= make_timestamptz($start_us::BIGINT) AND start_time < make_timestamptz($end_us::BIGINT) AND {where}
GROUP BY component
ORDER BY total_ns DESC
