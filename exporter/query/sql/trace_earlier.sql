-- Which of some traces have a span that began in a period.
-- $trace_ids: these. $start_us, $end_us: the period, Unix microseconds.
SELECT DISTINCT trace_id
FROM stored.spans
WHERE list_contains($trace_ids::VARCHAR[], trace_id)
  AND start_time >= make_timestamptz($start_us::BIGINT)
  AND start_time < make_timestamptz($end_us::BIGINT)
