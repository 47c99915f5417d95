-- One row a trace, of the spans of it that are stored. Its name and service are those of its root, or of its first
-- span where the root is not there.
CREATE VIEW traces AS
SELECT
    trace_id,
    coalesce(arg_min(name, start_time_unix_nano) FILTER (parent_span_id IS NULL), arg_min(name, start_time_unix_nano))
        AS root_name,
    coalesce(
        arg_min(service_name, start_time_unix_nano) FILTER (parent_span_id IS NULL),
        arg_min(service_name, start_time_unix_nano)
    ) AS service_name,
    min(start_time_unix_nano) AS start_time_unix_nano,
    min(start_time) AS start_time,
    max(add_wrapping(start_time_unix_nano, duration_ns)) AS end_time_unix_nano,
    TRY_CAST(
        max(add_wrapping(start_time_unix_nano, duration_ns))::HUGEINT - min(start_time_unix_nano)::HUGEINT AS BIGINT
    ) AS duration_ns,
    count(*) AS spans,
    count(*) FILTER (status_code = 'ERROR') AS errors,
    count(*) FILTER (parent_span_id IS NULL) > 0 AS has_root
FROM stored.spans
WHERE trace_id IS NOT NULL
GROUP BY trace_id;
