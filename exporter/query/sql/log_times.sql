-- When the newest log records of a period that a search finds were written, Unix microseconds.
-- $start_us, $end_us: the period, Unix microseconds. $limit: most rows. {where}: made by search.py and filter.py.
SELECT epoch_us(time) AS time_us
FROM stored.logs
WHERE time >= make_timestamptz($start_us::BIGINT) AND time < make_timestamptz($end_us::BIGINT) AND {where}
ORDER BY time DESC
LIMIT $limit::BIGINT
