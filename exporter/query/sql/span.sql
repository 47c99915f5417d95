-- A span with everything that is stored of it.
-- $trace_id, $span_id: as in the columns. {view}: spans or spans_pending.
SELECT *
FROM {view}
WHERE trace_id = $trace_id AND span_id = $span_id
ORDER BY start_time_unix_nano DESC, ingest_time DESC
LIMIT 1
