-- One figure of the rows of {view} whose time is in a period: {value}, and of how many rows.
-- $start_us, $end_us: the period, Unix microseconds. $margin_us: as long before it a row may have begun.
-- $step_us: width of a bucket, 0 for one bucket. $origin_us: where one begins. {time}: the column by which rows are in
-- it; {began}: made by view_figures.py. {where}, {labels}: by filter.py, view_figures.py.
SELECT
    CASE WHEN $step_us::BIGINT = 0 THEN $start_us::BIGINT
        ELSE (epoch_us({time}) - $origin_us::BIGINT) // $step_us::BIGINT * $step_us::BIGINT + $origin_us::BIGINT END
        * 1000 AS bucket_ns,
    {labels} AS labels,
    ({value})::DOUBLE AS value,
    count(*) AS records
FROM {view}
WHERE {time} >= make_timestamptz($start_us::BIGINT) AND {time} < make_timestamptz($end_us::BIGINT)
  AND {began}
  AND {where}
GROUP BY bucket_ns, labels
ORDER BY bucket_ns, labels
