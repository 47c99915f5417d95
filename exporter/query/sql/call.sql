-- A call of a model with its messages. A span's id, or the beginning of one; two rows at most.
-- $prefix: lower-case hexadecimal digits. {of_trace}: by calls.py, with $trace_id,
-- $start_us and $end_us.
WITH found AS (
    FROM llm_calls
    WHERE {of_trace} AND starts_with(span_id, $prefix)
    ORDER BY start_time_unix_nano, span_id, ingest_time
    LIMIT 2
)
SELECT
    *,
    input_messages(attributes) AS input_messages,
    output_messages(attributes) AS output_messages,
    first_of(attributes, ['gen_ai.system_instructions', 'gen_ai.request.instructions']) AS system_instructions
FROM found
