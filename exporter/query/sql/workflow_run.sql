-- Runs of workflows whose id begins with some text, that which has just this one first; two at most.
-- $prefix: of the run's id, or of its trace's.
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
WHERE starts_with(run_id, $prefix) OR starts_with(trace_id, $prefix)
ORDER BY run_id = $prefix DESC, start_time_unix_nano DESC
LIMIT 2
