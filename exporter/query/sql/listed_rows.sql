-- Rows of a view, newest first, of the times that listed_times.sql has found.
-- $start_us, $end_us: these, Unix microseconds. $last_ns: none is after it, Unix nanoseconds. $limit: most rows, after
-- as many as $skip. {view}, {time}, {nanos}, {ids}, {columns}: by listed.py. {where}: by filter.py.
SELECT {columns}
FROM {view}
WHERE {time} >= make_timestamptz($start_us::BIGINT)
  AND {time} < make_timestamptz($end_us::BIGINT)
  AND {nanos} <= $last_ns::BIGINT
  AND {where}
ORDER BY {nanos} DESC, {ids}
LIMIT $limit::BIGINT OFFSET $skip::BIGINT
