-- The last value that each process told of what health looks at; of several processes of a service the worst.
-- A pool of connections has no gauge of its share: it is what is used of the most there may be.
-- $start_us, $end_us: the period, Unix microseconds.
WITH told AS (
    SELECT
        metric_name,
        service_name,
        service_instance_id,
        coalesce(
            attributes['gen_ai.provider.name'],
            attributes['ax.worker_pool.name'],
            attributes['ax.queue.name'],
            attributes['ax.circuit_breaker.name'],
            attributes['ax.quota.name'],
            attributes['db.client.connection.pool.name']
        ) AS name,
        attributes['db.client.connection.state'] AS state,
        coalesce(value, value_int::DOUBLE) AS value,
        time_unix_nano
    FROM metrics_gauge
    WHERE time >= make_timestamptz($start_us::BIGINT)
      AND time < make_timestamptz($end_us::BIGINT)
      AND metric_name IN (
          'ax.provider.up', 'ax.worker_pool.utilization', 'ax.queue.length', 'ax.circuit_breaker.state',
          'ax.quota.usage', 'process.cpu.utilization', 'db.client.connection.count', 'db.client.connection.max'
      )
),
last AS (
    SELECT metric_name, service_name, service_instance_id, name, state, max_by(value, time_unix_nano) AS value
    FROM told
    GROUP BY ALL
),
pools AS (
    SELECT
        service_name,
        service_instance_id,
        name,
        sum(value) FILTER (metric_name = 'db.client.connection.count' AND state = 'used') AS used,
        max(value) FILTER (metric_name = 'db.client.connection.max') AS most
    FROM last
    WHERE metric_name LIKE 'db.client.connection.%'
    GROUP BY ALL
)
SELECT
    metric_name AS metric,
    service_name AS service,
    name,
    CASE WHEN metric_name = 'ax.provider.up' THEN min(value) ELSE max(value) END AS value
FROM last
WHERE metric_name NOT LIKE 'db.client.connection.%' AND value IS NOT NULL
GROUP BY metric_name, service_name, name
UNION ALL
SELECT 'db.client.connection.utilization', service_name, name, max(used / most)
FROM pools
WHERE most > 0 AND used IS NOT NULL
GROUP BY ALL
ORDER BY metric, service, name
