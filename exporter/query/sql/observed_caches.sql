-- Look-ups of caches. Increments are added up; of counters that go on, it is by how much each series rose.
-- $start_us, $end_us: the period, Unix microseconds.
WITH series AS (
    SELECT
        coalesce(attributes['ax.cache.name'], service_name, 'unknown') AS name,
        attributes['ax.cache.outcome'] AS outcome,
        CASE
            WHEN lower(aggregation_temporality) LIKE '%cumulative%'
                THEN max(coalesce(value, value_int::DOUBLE)) - min(coalesce(value, value_int::DOUBLE))
            ELSE sum(coalesce(value, value_int::DOUBLE))
        END AS lookups
    FROM metrics_sum
    WHERE time >= make_timestamptz($start_us::BIGINT)
      AND time < make_timestamptz($end_us::BIGINT)
      AND metric_name = 'ax.cache.requests'
    GROUP BY 1, 2, service_name, service_instance_id, aggregation_temporality, attributes
)
SELECT
    name,
    coalesce(sum(lookups) FILTER (outcome = 'hit'), 0)::BIGINT AS hits,
    coalesce(sum(lookups) FILTER (outcome = 'miss'), 0)::BIGINT AS misses
FROM series
GROUP BY name
HAVING hits + misses > 0
ORDER BY name
