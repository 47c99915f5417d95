-- Traces of some spans, those with the newest spans first, when the first of these spans began, and how many there are.
-- $start_us: spans that began earlier do not count, Unix microseconds. $limit: most rows.
SELECT trace_id, min(start_time_unix_nano) AS start_ns, count(*) OVER () AS total
FROM stored.spans
WHERE trace_id IS NOT NULL AND start_time >= make_timestamptz($start_us::BIGINT)
GROUP BY trace_id
ORDER BY max(start_time_unix_nano) DESC, trace_id
LIMIT $limit::BIGINT
