-- Runs of workflows, running ones too, each once; kept longer than their spans. A run of which only steps have come is
-- there as well, known by its id, until its own span comes. Steps are counted as they came, or as the sender says.
CREATE VIEW workflow_runs AS
WITH own AS (
    SELECT
        trace_id,
        span_id,
        any_value(workflow_run_id) AS run_id,
        any_value(gen_ai_workflow_name) AS workflow_name,
        NOT bool_and(is_pending) AS has_ended,
        any_value(status) FILTER (NOT is_pending) AS said,
        coalesce(bool_or(has_failed(status_code, error_type)) FILTER (NOT is_pending), false) AS failed,
        min(start_time_unix_nano) AS start_time_unix_nano,
        min(start_time) AS start_time,
        any_value(duration_ns) FILTER (NOT is_pending) AS duration_ns,
        max(steps_total) AS steps_total,
        max(steps_completed) AS steps_completed,
        max(steps_failed) AS steps_failed,
        any_value(error_type) AS error_type,
        any_value(status_message) FILTER (status_message <> '') AS status_message,
        any_value(service_name) AS service_name,
        any_value(tenant_id) AS tenant_id,
        any_value(coalesce(gen_ai_conversation_id, session_id)) AS conversation_id,
        any_value(user_id) AS user_id,
        max(ingest_time) AS ingest_time
    FROM stored.runs
    GROUP BY trace_id, span_id
),
of_steps AS (
    SELECT
        coalesce(run_id, trace_id) AS run,
        min(trace_id) AS trace_id,
        any_value(run_id) AS run_id,
        any_value(workflow_name) AS workflow_name,
        count(*) AS steps,
        count(*) FILTER (status = 'completed') AS completed,
        count(*) FILTER (status = 'failed') AS failed,
        min(start_time_unix_nano) AS start_time_unix_nano,
        min(start_time) AS start_time,
        any_value(service_name) AS service_name,
        any_value(tenant_id) AS tenant_id,
        any_value(conversation_id) AS conversation_id,
        any_value(user_id) AS user_id,
        max(ingest_time) AS ingest_time
    FROM workflow_steps
    GROUP BY ALL
)
SELECT
    coalesce(own.run_id, of_steps.run_id, own.span_id) AS run_id,
    coalesce(own.workflow_name, of_steps.workflow_name) AS workflow_name,
    run_status(
        coalesce(own.has_ended, false),
        own.said,
        coalesce(own.failed, false),
        greatest(own.ingest_time, of_steps.ingest_time)
    ) AS status,
    coalesce(own.trace_id, of_steps.trace_id) AS trace_id,
    own.span_id,
    coalesce(own.start_time_unix_nano, of_steps.start_time_unix_nano) AS start_time_unix_nano,
    coalesce(own.start_time, of_steps.start_time) AS start_time,
    unix_time(own.start_time_unix_nano + own.duration_ns) AS end_time,
    own.duration_ns,
    greatest(own.steps_total, coalesce(of_steps.steps, 0)) AS steps_total,
    greatest(own.steps_completed, coalesce(of_steps.completed, 0)) AS steps_completed,
    greatest(own.steps_failed, coalesce(of_steps.failed, 0)) AS steps_failed,
    own.error_type,
    own.status_message,
    coalesce(own.service_name, of_steps.service_name) AS service_name,
    coalesce(own.tenant_id, of_steps.tenant_id) AS tenant_id,
    coalesce(own.conversation_id, of_steps.conversation_id) AS conversation_id,
    coalesce(own.user_id, of_steps.user_id) AS user_id,
    greatest(own.ingest_time, of_steps.ingest_time) AS ingest_time
FROM own
FULL JOIN of_steps ON of_steps.run = coalesce(own.run_id, own.trace_id);
