-- LLM calls of a period that stand out, the most first; equal ones by time, the newest first.
-- $start_us, $end_us: the period in which they began, Unix microseconds. $limit: most rows.
-- {rank}: what they are compared by, of top.py; who has none of it is left out. {where}, {calls}: by filter.py, views.py.
SELECT
    trace_id,
    span_id,
    epoch_us(start_time) * 1000 AS start_ns,
    duration_ns,
    service_name,
    operation,
    provider,
    model,
    agent_name AS agent,
    tokens_input,
    tokens_output,
    cost_nanos,
    error_type,
    failed
FROM ({calls})
WHERE start_time >= make_timestamptz($start_us::BIGINT)
  AND start_time < make_timestamptz($end_us::BIGINT)
  AND {rank} IS NOT NULL
  AND {where}
ORDER BY {rank} DESC, start_time DESC, span_id
LIMIT $limit::BIGINT
