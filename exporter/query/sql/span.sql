-- A span with everything that is stored of it.
-- $trace_id, $span_id: as in the columns. $start_us, $end_us: what holds the times at which spans of the trace began,
-- Unix microseconds. {view}: spans or spans_pending.
SELECT *
FROM {view}
WHERE trace_id = $trace_id
  AND span_id = $span_id
  AND start_time >= make_timestamptz($start_us::BIGINT)
  AND start_time < make_timestamptz($end_us::BIGINT)
ORDER BY start_time_unix_nano DESC, ingest_time DESC
LIMIT 1
