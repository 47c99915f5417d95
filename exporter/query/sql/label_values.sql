-- The values of each label of what is measured in a period, the most frequent first.
-- $start_us, $end_us: the period, Unix microseconds. $sources: which cells, a list of call, span, point. $name: of the
-- metric, NULL for any. $most: values of a label. {cells}, {columns}, {names}: made by labels.py. {where}: by filter.py.
WITH picked AS (
    SELECT {columns}
    FROM {cells}
    WHERE time >= make_timestamptz($start_us::BIGINT)
      AND time < make_timestamptz($end_us::BIGINT)
      AND list_contains($sources::VARCHAR[], source)
      AND ($name::VARCHAR IS NULL OR metric_name = $name::VARCHAR)
      AND {where}
),
told AS (
    SELECT label, value, count(*) AS cells
    FROM (UNPIVOT picked ON {names} INTO NAME label VALUE value)
    GROUP BY label, value
),
ranked AS (
    SELECT label, value, row_number() OVER (PARTITION BY label ORDER BY cells DESC, value) AS place
    FROM told
)
SELECT
    label,
    list(value ORDER BY place) FILTER (place <= $most::BIGINT) AS values,
    count(*) AS distinct
FROM ranked
GROUP BY label
ORDER BY label
