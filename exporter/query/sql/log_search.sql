-- Log records that a search finds, newest first, of those times that log_times.sql has found.
-- $times_us: these, Unix microseconds. $limit: most rows, after as many as $skip. {where}: made by search.py and filter.py.
-- What DuckDB can ask while it reads one column spares it the others of all that do not match. It looks through the
-- list for each row, so of a long one only its ends are used.
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
WHERE time >= make_timestamptz(list_min($times_us::BIGINT[]))
  AND time <= make_timestamptz(list_max($times_us::BIGINT[]))
  AND (len($times_us::BIGINT[]) > 200 OR list_contains($times_us::BIGINT[], epoch_us(time)))
  AND {where}
ORDER BY
    time DESC, time_unix_nano DESC, trace_id, span_id, severity_number, service_name, event_name, body, error_type,
    attributes::VARCHAR
LIMIT $limit::BIGINT OFFSET $skip::BIGINT
