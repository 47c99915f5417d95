-- Calls of tools.
CREATE VIEW tool_calls AS
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
    coalesce(gen_ai_tool_name, name) AS tool_name,
    attributes['gen_ai.tool.type'] AS tool_type,
    first_of(attributes, ['gen_ai.tool.call.id', 'tool.id', 'ai.toolCall.id', 'lk.function_tool.id']) AS call_id,
    first_of(
        attributes,
        [
            'gen_ai.tool.call.arguments',
            'tool.parameters',
            'ai.toolCall.args',
            'tool_arguments',
            'lk.pii.function_tool.arguments',
            'traceloop.entity.input',
            'langfuse.observation.input',
            'gen_ai.prompt',
            'input.value'
        ]
    ) AS arguments,
    first_of(
        attributes,
        [
            'gen_ai.tool.call.result',
            'ai.toolCall.result',
            'tool_response',
            'lk.pii.function_tool.output',
            'traceloop.entity.output',
            'langfuse.observation.output',
            'gen_ai.completion',
            'output.value'
        ]
    ) AS result,
    status_code,
    status_message,
    error_type,
    has_failed(status_code, error_type) AS failed,
    gen_ai_agent_name AS agent_name,
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
WHERE gen_ai_operation_name = 'execute_tool';
