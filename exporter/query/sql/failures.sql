-- Why calls of a period failed, most frequent first.
-- $start_us, $end_us: the period in which they began, Unix microseconds. $limit: most rows. {where}, {calls}: by
-- filter.py and views.py.
SELECT
    coalesce(error_type, 'unknown') AS reason,
    provider,
    model,
    count(*) AS count,
    max(epoch_us(start_time)) AS last_us,
    arg_max(trace_id, start_time) AS trace_id
FROM ({calls})
WHERE start_time >= make_timestamptz($start_us::BIGINT)
  AND start_time < make_timestamptz($end_us::BIGINT)
  AND failed
  AND {where}
GROUP BY ALL
ORDER BY count DESC, last_us DESC
LIMIT $limit::BIGINT
