-- The steps of a run, in the order in which they began, 20,000 at most.
-- $run_id: its id; $trace_id: of its trace, where steps do not say their run.
SELECT
    step_key,
    step_name,
    status,
    span_id,
    start_time_unix_nano AS start_ns,
    duration_ns,
    retry_count,
    input_bytes,
    output_bytes,
    error_type,
    status_message
FROM workflow_steps
WHERE run_id = $run_id OR (run_id IS NULL AND trace_id = $trace_id)
ORDER BY start_time_unix_nano, span_id
LIMIT 20000
