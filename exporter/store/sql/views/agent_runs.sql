-- Runs of agents. Tokens and cost are those of the calls in `llm_calls`; sums on an agent's own span repeat them.
CREATE VIEW agent_runs AS
SELECT
    trace_id,
    span_id,
    parent_span_id,
    start_time_unix_nano,
    start_time,
    unix_time(add_wrapping(start_time_unix_nano, duration_ns)) AS end_time,
    duration_ns,
    service_name,
    tenant_id,
    coalesce(gen_ai_agent_name, name) AS agent_name,
    attributes['gen_ai.agent.id'] AS agent_id,
    gen_ai_provider_name AS provider,
    coalesce(gen_ai_request_model, gen_ai_response_model) AS model,
    status_code,
    status_message,
    error_type,
    has_failed(status_code, error_type) AS failed,
    coalesce(gen_ai_conversation_id, session_id) AS conversation_id,
    session_id,
    user_id,
    gen_ai_workflow_name AS workflow_name,
    workflow_run_id,
    step_key,
    scope_name,
    attributes,
    ingest_time
FROM stored.spans
WHERE gen_ai_operation_name = 'invoke_agent';
