-- Runs of workflows of which something came in behind a moment, newest first.
-- $after_us: of ingest, Unix microseconds. $limit: most rows. {where}: by filter.py.
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
WHERE ingest_time > make_timestamptz($after_us::BIGINT) AND {where}
ORDER BY start_time_unix_nano DESC
LIMIT $limit::BIGINT
