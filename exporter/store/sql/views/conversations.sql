-- One row a conversation: its calls, tools and what it cost. A conversation is what a sender gives one id, or a session.
CREATE VIEW conversations AS
SELECT
    coalesce(gen_ai_conversation_id, session_id) AS conversation_id,
    tenant_id,
    any_value(user_id) AS user_id,
    arg_min(service_name, start_time_unix_nano) AS service_name,
    list_sort(list_distinct(list(service_name))) AS service_names,
    list_sort(list_distinct(list(gen_ai_agent_name))) AS agent_names,
    min(start_time_unix_nano) AS start_time_unix_nano,
    min(start_time) AS start_time,
    unix_time(max(add_wrapping(start_time_unix_nano, duration_ns))) AS end_time,
    count(DISTINCT trace_id) AS traces,
    count(*) FILTER (is_counted) AS llm_calls,
    count(*) FILTER (gen_ai_operation_name = 'execute_tool') AS tool_calls,
    count(*) FILTER (has_failed(status_code, error_type)) AS failed,
    sum(gen_ai_usage_input_tokens) FILTER (is_counted)::BIGINT AS tokens_input,
    sum(gen_ai_usage_output_tokens) FILTER (is_counted)::BIGINT AS tokens_output,
    usd(sum(cost_nanos)::BIGINT) AS cost_usd,
    usd(sum(cost_reported_nanos) FILTER (is_counted)::BIGINT) AS cost_usd_reported,
    count(*) FILTER (is_counted AND cost_nanos IS NULL) AS unpriced_calls
FROM stored.spans
WHERE coalesce(gen_ai_conversation_id, session_id) IS NOT NULL
    AND (gen_ai_operation_name IS NOT NULL OR ax_kind IS NOT NULL)
GROUP BY 1, 2;
