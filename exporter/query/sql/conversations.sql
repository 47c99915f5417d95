-- Conversations of a period, those of which something began latest first; a session is one where its spans name none.
-- $start_us, $end_us: the period in which spans began, Unix microseconds. $limit: most rows. {where}: by filter.py,
-- {after}, {of}: by calls.py.
WITH summed AS (
    SELECT
        coalesce(gen_ai_conversation_id, session_id) AS conversation_id,
        any_value(tenant_id) AS tenant_id,
        any_value(user_id) AS user_id,
        arg_min(service_name, start_time_unix_nano) AS service_name,
        min(start_time_unix_nano) AS start_ns,
        max(start_time_unix_nano) AS last_ns,
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
      AND {of}
    GROUP BY 1
)
SELECT *
FROM summed
WHERE {after} AND {where}
ORDER BY last_ns DESC, conversation_id DESC
LIMIT $limit::BIGINT
