-- Who calls whom: services, and the models' providers, databases and tools behind them; a row a caller and callee.
CREATE VIEW service_map AS
WITH calls AS (
    SELECT
        parent.service_name AS caller,
        child.service_name AS callee,
        'service' AS callee_kind,
        child.tenant_id,
        child.start_time,
        child.duration_ns,
        has_failed(child.status_code, child.error_type) AS failed,
        NULL::BIGINT AS cost_nanos
    FROM stored.spans AS child
    JOIN stored.spans AS parent ON parent.trace_id = child.trace_id AND parent.span_id = child.parent_span_id
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
        tenant_id,
        start_time,
        duration_ns,
        has_failed(status_code, error_type),
        cost_nanos
    FROM stored.spans
    WHERE is_counted
        OR gen_ai_operation_name = 'execute_tool'
        OR (db_system_name IS NOT NULL AND kind = 'CLIENT')
)
SELECT
    caller,
    callee,
    callee_kind,
    tenant_id,
    count(*) AS calls,
    count(*) FILTER (failed) AS failed,
    avg(duration_ns)::BIGINT AS duration_avg_ns,
    max(duration_ns) AS duration_max_ns,
    usd(sum(cost_nanos)::BIGINT) AS cost_usd,
    min(start_time) AS first_seen,
    max(start_time) AS last_seen
FROM calls
WHERE callee IS NOT NULL
GROUP BY ALL;
