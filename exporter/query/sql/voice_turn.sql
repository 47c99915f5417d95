-- Whether there is a turn of a voice call in a period: a row, or none.
-- $start_us, $end_us: the period in which turns began, Unix microseconds.
SELECT 1 AS turn
FROM stored.spans
WHERE ax_kind = 'voice_turn'
  AND start_time >= make_timestamptz($start_us::BIGINT)
  AND start_time < make_timestamptz($end_us::BIGINT)
LIMIT 1
