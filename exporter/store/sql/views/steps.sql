-- What spans told of steps of workflows, when they started and when they ended; `workflow_steps` has each once.
CREATE VIEW steps AS
SELECT
    *,
    add_wrapping(start_time_unix_nano, duration_ns) AS end_time_unix_nano,
    unix_time(add_wrapping(start_time_unix_nano, duration_ns)) AS end_time
FROM stored.steps;
