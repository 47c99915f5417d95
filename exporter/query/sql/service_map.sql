-- Who calls whom in a period, the busiest first: the view `service_map` of a part of time.
-- $start_us, $end_us: the period in which calls began, Unix microseconds. $margin_us: as long before it the span that
-- called may have begun. $limit: most rows.
WITH began AS (
    SELECT *
    FROM stored.spans
    WHERE start_time >= make_timestamptz($start_us::BIGINT) AND start_time < make_timestamptz($end_us::BIGINT)
),
parents AS (
    SELECT trace_id, span_id, service_name
    FROM stored.spans
    WHERE start_time >= make_timestamptz($start_us::BIGINT - $margin_us::BIGINT)
      AND start_time < make_timestamptz($end_us::BIGINT)
),
calls AS (
    SELECT
        parent.service_name AS caller,
        child.service_name AS callee,
        'service' AS callee_kind,
        child.start_time_unix_nano AS start_ns,
        child.duration_ns,
        has_failed(child.status_code, child.error_type) AS failed,
        NULL::BIGINT AS cost_nanos
    FROM began AS child
    JOIN parents AS parent ON parent.trace_id = child.trace_id AND parent.span_id = child.parent_span_id
    WHERE child.service_name IS DISTINCT FROM parent.service_name
    UNION ALL
    SELECT
        service_name,
        CASE
            WHEN is_counted THEN gen_ai_provider_name
            WHEN gen_ai_operation_name = 'execute_tool' THEN gen_ai_tool_name
            ELSE db_system_name
        END,
        CASE
            WHEN is_counted THEN 'provider'
            WHEN gen_ai_operation_name = 'execute_tool' THEN 'tool'
            ELSE 'database'
        END,
        start_time_unix_nano,
        duration_ns,
        has_failed(status_code, error_type),
        cost_nanos
    FROM began
    WHERE is_counted
        OR gen_ai_operation_name = 'execute_tool'
        OR (db_system_name IS NOT NULL AND kind = 'CLIENT')
)
SELECT
    caller,
    callee,
    callee_kind,
    count(*) AS calls,
    count(*) FILTER (failed) AS failed,
    avg(duration_ns)::BIGINT AS avg_duration_ns,
    quantile_disc(duration_ns, 0.95)::BIGINT AS p95_duration_ns,
    max(duration_ns) AS max_duration_ns,
    sum(cost_nanos)::BIGINT AS cost_nanos,
    min(start_ns) AS first_ns,
    max(start_ns) AS last_ns
FROM calls
WHERE callee IS NOT NULL
GROUP BY caller, callee, callee_kind
ORDER BY calls DESC, caller, callee, callee_kind
LIMIT $limit::BIGINT
