-- What the points of a metric come to in a period, from the cells of {cells}, whose width divides the period's ends.
-- $name: of the metric. $start_us, $end_us: the period, Unix microseconds. $step_us: width of a bucket, 0 for one.
-- $origin_us: where a bucket begins, Unix microseconds.
-- {where}, {labels}, {groups}: made by views.py and filter.py.
-- $most: rows that are given.
WITH picked AS MATERIALIZED (
    SELECT
        CASE WHEN $step_us::BIGINT = 0 THEN $start_us::BIGINT
            ELSE (epoch_us(time) - $origin_us::BIGINT) // $step_us::BIGINT * $step_us::BIGINT + $origin_us::BIGINT END
            * 1000 AS bucket_ns,
        {labels} AS labels,
        *
    FROM {cells}
    WHERE time >= make_timestamptz($start_us::BIGINT)
      AND time < make_timestamptz($end_us::BIGINT)
      AND source = 'point'
      AND metric_name = $name
      AND {where}
),
sums AS (
    SELECT
        bucket_ns,
        labels,
        any_value(unit) AS unit,
        sum(count)::BIGINT AS count,
        sum(sum) AS sum,
        min(min) AS min,
        max(max) AS max,
        arg_max(last, {'time': last_time_unix_nano, 'value': last}) AS last
    FROM picked
    GROUP BY ALL
),
entries AS (
    SELECT bucket_ns, labels, unnest(value_buckets).bound AS edge, unnest(value_buckets).count AS count
    FROM picked
),
ranked AS (
    SELECT
        bucket_ns,
        labels,
        edge,
        sum(sum(count)) OVER (PARTITION BY bucket_ns, labels ORDER BY edge) AS rank,
        sum(sum(count)) OVER (PARTITION BY bucket_ns, labels) AS of
    FROM entries
    GROUP BY bucket_ns, labels, edge
    HAVING sum(count) > 0
),
percentiles AS (
    SELECT
        bucket_ns,
        labels,
        [
            min(edge) FILTER (rank >= ceil(of * 0.5)),
            min(edge) FILTER (rank >= ceil(of * 0.95)),
            min(edge) FILTER (rank >= ceil(of * 0.99))
        ] AS percentiles
    FROM ranked
    GROUP BY ALL
)
SELECT sums.bucket_ns, sums.labels, unit, count, sum, min, max, last, percentiles
FROM sums
LEFT JOIN percentiles ON percentiles.bucket_ns = sums.bucket_ns AND percentiles.labels = sums.labels
ORDER BY sums.bucket_ns, sums.labels
LIMIT $most::BIGINT
