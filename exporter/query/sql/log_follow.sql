-- Log records that came in behind a moment and that a search finds, in that order.
-- $after_us: of ingest, Unix microseconds. $limit: most rows. {where}: made by search.py and filter.py.
SELECT
    time_unix_nano AS time_ns,
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
ORDER BY ingest_time, time_unix_nano
LIMIT $limit::BIGINT
