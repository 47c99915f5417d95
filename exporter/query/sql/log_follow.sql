-- Log records that came in behind a moment and that a search finds, in that order.
-- $after_us: of ingest, Unix microseconds. $limit: most rows, after as many as $skip.
-- {where}: made by search.py and filter.py. Rows that this cannot order are alike.
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
WHERE ingest_time > make_timestamptz($after_us::BIGINT) AND {where}
ORDER BY ingest_time, time_unix_nano, trace_id, span_id, severity_number, service_name, event_name, body, error_type
LIMIT $limit::BIGINT OFFSET $skip::BIGINT
