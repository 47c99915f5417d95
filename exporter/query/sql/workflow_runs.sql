-- Runs of workflows that began in a period, newest first.
-- $start_us, $end_us: the period, Unix microseconds. $last_ns: none is after it, Unix
-- nanoseconds. $limit: most rows, after as many as $skip. {where}: by filter.py.
SELECT
    run_id,
    workflow_name,
    status,
    trace_id,
    start_time_unix_nano AS start_ns,
    duration_ns,
    steps_total,
    steps_completed,
    steps_failed,
    error_type,
    status_message,
    service_name,
    tenant_id,
    user_id
FROM workflow_runs
WHERE start_time >= make_timestamptz($start_us::BIGINT)
  AND start_time < make_timestamptz($end_us::BIGINT)
  AND start_time_unix_nano <= $last_ns::BIGINT
  AND {where}
ORDER BY start_time_unix_nano DESC, run_id, span_id, trace_id
LIMIT $limit::BIGINT OFFSET $skip::BIGINT
