-- What models and agents were asked and what they answered, whoever instrumented them, as JSON arrays of OpenTelemetry's
-- messages. A view of its own: it takes 40 ms to bind, which every question about calls would pay.
CREATE VIEW llm_messages AS
SELECT
    trace_id,
    span_id,
    start_time_unix_nano,
    start_time,
    service_name,
    tenant_id,
    gen_ai_operation_name AS operation,
    coalesce(gen_ai_conversation_id, session_id) AS conversation_id,
    input_messages(attributes) AS input_messages,
    output_messages(attributes) AS output_messages,
    first_of(attributes, ['gen_ai.system_instructions', 'gen_ai.request.instructions']) AS system_instructions
FROM stored.spans
WHERE is_counted OR gen_ai_operation_name = 'invoke_agent';
