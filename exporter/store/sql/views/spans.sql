-- Spans.
CREATE VIEW spans AS
SELECT * REPLACE (
    text_map(resource_attributes) AS resource_attributes,
    text_map(scope_attributes) AS scope_attributes
),
    add_wrapping(start_time_unix_nano, duration_ns) AS end_time_unix_nano,
    unix_time(add_wrapping(start_time_unix_nano, duration_ns)) AS end_time
FROM stored.spans;
