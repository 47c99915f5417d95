-- What happened in a conversation, in order: model calls, tools, agents and turns.
-- $conversation: its id, or that of a session. $limit: most rows, after as many as $skip.
SELECT
    trace_id,
    span_id,
    start_time_unix_nano AS start_ns,
    duration_ns,
    name,
    coalesce(gen_ai_operation_name, ax_kind, lower(kind)) AS operation,
    gen_ai_provider_name AS provider,
    coalesce(gen_ai_request_model, gen_ai_response_model) AS model,
    gen_ai_agent_name AS agent,
    gen_ai_tool_name AS tool,
    gen_ai_usage_input_tokens AS tokens_input,
    gen_ai_usage_output_tokens AS tokens_output,
    cost_nanos,
    error_type,
    attributes['gen_ai.input.messages'] AS input,
    attributes['gen_ai.output.messages'] AS output
FROM stored.spans
WHERE (gen_ai_conversation_id = $conversation OR session_id = $conversation)
  AND (gen_ai_operation_name IS NOT NULL OR ax_kind IS NOT NULL OR parent_span_id IS NULL)
ORDER BY start_ns, trace_id, span_id
LIMIT $limit::BIGINT OFFSET $skip::BIGINT
