-- Workflows that began in a period and still run. $start_us, $end_us: the period, Unix microseconds.
SELECT count(*) AS workflows
FROM workflow_runs
WHERE status = 'running'
  AND start_time >= make_timestamptz($start_us::BIGINT)
  AND start_time < make_timestamptz($end_us::BIGINT)
