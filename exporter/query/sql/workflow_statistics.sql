-- What the runs of each workflow come to in a period.
-- $start_us, $end_us: the period in which they began, Unix microseconds. {where}: by filter.py.
SELECT
    workflow_name,
    count(*) AS runs,
    count(*) FILTER (status = 'completed') AS completed,
    count(*) FILTER (status = 'failed') AS failed,
    count(*) FILTER (status = 'cancelled') AS cancelled,
    count(*) FILTER (status IN ('running', 'pending')) AS running,
    count(*) FILTER (status = 'lost') AS lost,
    avg(duration_ns) AS avg_duration_ns,
    quantile_disc(duration_ns, 0.95)::BIGINT AS p95_duration_ns,
    max(epoch_us(start_time)) AS last_us
FROM workflow_runs
WHERE start_time >= make_timestamptz($start_us::BIGINT) AND start_time < make_timestamptz($end_us::BIGINT) AND {where}
GROUP BY workflow_name
ORDER BY runs DESC, workflow_name
