-- Quotas by their last told use, and rate limits by what became of requests: of a counter that goes on by how much each
-- series rose, of others the sum.
-- $start_us, $end_us: the period, Unix microseconds. $limit: most rows.
WITH told AS (
    SELECT
        attributes['ax.quota.name'] AS name,
        service_name AS service,
        tenant_id AS tenant,
        service_instance_id,
        arg_max(value, time_unix_nano) FILTER (metric_name = 'ax.quota.usage') AS used_ratio,
        arg_max(value, time_unix_nano) FILTER (metric_name = 'ax.quota.limit') AS quota_limit,
        max(time_unix_nano) AS last_ns
    FROM (
        SELECT * REPLACE (coalesce(value, value_int::DOUBLE) AS value)
        FROM metrics_gauge
        WHERE time >= make_timestamptz($start_us::BIGINT)
          AND time < make_timestamptz($end_us::BIGINT)
          AND metric_name IN ('ax.quota.usage', 'ax.quota.limit')
    )
    GROUP BY ALL
),
rose AS (
    SELECT
        coalesce(attributes['ax.rate_limit.type'], 'unknown') AS name,
        service_name AS service,
        tenant_id AS tenant,
        attributes['ax.rate_limit.outcome'] AS outcome,
        CASE
            WHEN lower(aggregation_temporality) LIKE '%cumulative%'
                THEN max(coalesce(value, value_int::DOUBLE)) - min(coalesce(value, value_int::DOUBLE))
            ELSE sum(coalesce(value, value_int::DOUBLE))
        END AS requests,
        max(time_unix_nano) AS last_ns
    FROM metrics_sum
    WHERE time >= make_timestamptz($start_us::BIGINT)
      AND time < make_timestamptz($end_us::BIGINT)
      AND metric_name = 'ax.rate_limit.requests'
    GROUP BY name, service, tenant, outcome, service_instance_id, aggregation_temporality, attributes
),
limits AS (
    SELECT
        name,
        service,
        tenant,
        coalesce(sum(requests) FILTER (outcome = 'allowed'), 0)::BIGINT AS allowed,
        coalesce(sum(requests) FILTER (outcome = 'denied'), 0)::BIGINT AS denied,
        max(last_ns) AS last_ns
    FROM rose
    GROUP BY ALL
)
SELECT
    'quota' AS kind,
    coalesce(name, 'unknown') AS name,
    service,
    tenant,
    max(used_ratio) AS used_ratio,
    max(quota_limit) AS limit,
    NULL::BIGINT AS allowed,
    NULL::BIGINT AS denied,
    NULL::DOUBLE AS denial_ratio,
    max(last_ns) AS last_ns
FROM told
GROUP BY ALL
UNION ALL
SELECT
    'rate_limit',
    name,
    service,
    tenant,
    NULL,
    NULL,
    allowed,
    denied,
    denied / nullif(allowed + denied, 0),
    last_ns
FROM limits
ORDER BY kind, used_ratio DESC NULLS LAST, denied DESC NULLS LAST, name, service, tenant
LIMIT $limit::BIGINT
