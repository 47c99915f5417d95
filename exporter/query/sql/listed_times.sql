-- When the newest rows of a view in a period were, Unix nanoseconds.
-- $start_us, $end_us: the period, Unix microseconds. $last_ns: none is after it, Unix nanoseconds. $limit: most rows.
-- {view}, {time}, {nanos}: by listed.py. {where}: by filter.py.
SELECT {nanos} AS time_ns
FROM {view}
WHERE {time} >= make_timestamptz($start_us::BIGINT)
  AND {time} < make_timestamptz($end_us::BIGINT)
  AND {nanos} <= $last_ns::BIGINT
  AND {where}
ORDER BY time_ns DESC
LIMIT $limit::BIGINT
