-- The log records of a trace, in the order of their times.
-- $trace_id: as in the column. $start_us, $end_us: what holds their times, Unix microseconds.
-- $limit: most rows, after as many as $skip.
SELECT
    CASE WHEN time_unix_nano = 0 THEN observed_time_unix_nano ELSE time_unix_nano END AS time_ns,
    epoch_us(ingest_time) AS ingest_us,
    severity_number,
    severity_text,
    service_name,
    event_name,
    body,
    trace_id,
    span_id,
    coalesce(error_type, exception_type) AS error_type,
    attributes
FROM stored.logs
WHERE trace_id = $trace_id
  AND time >= make_timestamptz($start_us::BIGINT)
  AND time < make_timestamptz($end_us::BIGINT)
ORDER BY time, time_unix_nano, span_id, severity_number, service_name, event_name, body, attributes::VARCHAR
LIMIT $limit::BIGINT OFFSET $skip::BIGINT
