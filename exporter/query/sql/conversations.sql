-- Conversations of a period, newest first; a session is one where its spans name none.
-- $start_us, $end_us: the period in which spans began, Unix microseconds. $last_ns: none begins after it, Unix
-- nanoseconds. $limit: most rows, after as many as $skip. {where}: by filter.py.
WITH summed AS (
    SELECT
        coalesce(gen_ai_conversation_id, session_id) AS conversation_id,
        tenant_id,
        any_value(user_id) AS user_id,
        arg_min(service_name, start_time_unix_nano) AS service_name,
        min(start_time_unix_nano) AS start_ns,
        max(add_wrapping(start_time_unix_nano, duration_ns)) - min(start_time_unix_nano) AS duration_ns,
        count(DISTINCT trace_id) AS traces,
        count(*) FILTER (is_counted) AS llm_calls,
        count(*) FILTER (gen_ai_operation_name = 'execute_tool') AS tool_calls,
        count(*) FILTER (has_failed(status_code, error_type)) AS failures,
        sum(gen_ai_usage_input_tokens) FILTER (is_counted)::BIGINT AS tokens_input,
        sum(gen_ai_usage_output_tokens) FILTER (is_counted)::BIGINT AS tokens_output,
        sum(cost_nanos)::BIGINT AS cost_nanos
    FROM stored.spans
    WHERE start_time >= make_timestamptz($start_us::BIGINT)
      AND start_time < make_timestamptz($end_us::BIGINT)
      AND coalesce(gen_ai_conversation_id, session_id) IS NOT NULL
      AND (gen_ai_operation_name IS NOT NULL OR ax_kind IS NOT NULL)
    GROUP BY 1, 2
)
SELECT *
FROM summed
WHERE start_ns <= $last_ns::BIGINT AND {where}
ORDER BY start_ns DESC, conversation_id, tenant_id
LIMIT $limit::BIGINT OFFSET $skip::BIGINT
