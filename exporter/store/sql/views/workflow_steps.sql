-- Steps of workflows, running ones too, each once; kept longer than their spans.
CREATE VIEW workflow_steps AS
SELECT
    trace_id,
    span_id,
    any_value(parent_span_id) AS parent_span_id,
    any_value(workflow_run_id) AS run_id,
    any_value(gen_ai_workflow_name) AS workflow_name,
    coalesce(any_value(step_key) FILTER (NOT is_pending), any_value(step_key)) AS step_key,
    coalesce(any_value(step_name), any_value(step_key)) AS step_name,
    run_status(
        NOT bool_and(is_pending),
        any_value(status) FILTER (NOT is_pending),
        coalesce(bool_or(has_failed(status_code, error_type)) FILTER (NOT is_pending), false),
        max(ingest_time)
    ) AS status,
    min(start_time_unix_nano) AS start_time_unix_nano,
    min(start_time) AS start_time,
    unix_time(min(start_time_unix_nano) + any_value(duration_ns) FILTER (NOT is_pending)) AS end_time,
    any_value(duration_ns) FILTER (NOT is_pending) AS duration_ns,
    any_value(retry_count) FILTER (NOT is_pending) AS retry_count,
    any_value(input_bytes) AS input_bytes,
    any_value(output_bytes) AS output_bytes,
    any_value(error_type) AS error_type,
    any_value(status_message) FILTER (status_message <> '') AS status_message,
    any_value(service_name) AS service_name,
    any_value(tenant_id) AS tenant_id,
    any_value(coalesce(gen_ai_conversation_id, session_id)) AS conversation_id,
    any_value(user_id) AS user_id,
    max(ingest_time) AS ingest_time
FROM stored.steps
GROUP BY trace_id, span_id;
