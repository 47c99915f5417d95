-- Conversations of which something began latest in a period, the latest first.
-- $start_us, $end_us: the period, Unix microseconds. $limit: most rows. {after}: by calls.py.
SELECT
    coalesce(gen_ai_conversation_id, session_id) AS conversation_id,
    max(start_time_unix_nano) AS last_ns
FROM stored.spans
WHERE start_time >= make_timestamptz($start_us::BIGINT)
  AND start_time < make_timestamptz($end_us::BIGINT)
  AND coalesce(gen_ai_conversation_id, session_id) IS NOT NULL
  AND (gen_ai_operation_name IS NOT NULL OR ax_kind IS NOT NULL)
GROUP BY 1
HAVING {after}
ORDER BY last_ns DESC, conversation_id DESC
LIMIT $limit::BIGINT
