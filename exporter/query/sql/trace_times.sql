-- When the first and the last row of a trace are in one of the tables that have traces, Unix microseconds.
-- $trace_id: as in the column. {table}, {time}: by views.py.
SELECT epoch_us(min({time})) AS first_us, epoch_us(max({time})) AS last_us
FROM stored.{table}
WHERE trace_id = $trace_id
