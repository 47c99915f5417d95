-- Figures of LLM calls that ended in a period, from the calls themselves.
-- $start_us, $end_us: the period, Unix microseconds. $margin_us: as long before it a call may have begun.
-- $step_us: width of a bucket, 0 for one bucket. {where}, {labels}, {groups}, {calls}: made by views.py and filter.py.
-- $origin_us: where a bucket begins, Unix microseconds.
-- $most: rows that are given.
WITH ended AS (
    SELECT *
    FROM ({calls})
    WHERE start_time >= make_timestamptz($start_us::BIGINT - $margin_us::BIGINT)
      AND start_time < make_timestamptz($end_us::BIGINT)
      AND {where}
)
SELECT
    CASE WHEN $step_us::BIGINT = 0 THEN $start_us::BIGINT
        ELSE (end_us - $origin_us::BIGINT) // $step_us::BIGINT * $step_us::BIGINT + $origin_us::BIGINT END * 1000
        AS bucket_ns,
    {labels} AS labels,
    count(*) AS count,
    count(*) FILTER (failed) AS failed,
    sum(duration_ns)::BIGINT AS latency_sum_ns,
    min(duration_ns) AS latency_min_ns,
    max(duration_ns) AS latency_max_ns,
    quantile_disc(duration_ns, [0.5, 0.95, 0.99]) AS percentiles_ns,
    coalesce(sum(tokens_input), 0)::BIGINT AS tokens_input,
    coalesce(sum(tokens_output), 0)::BIGINT AS tokens_output,
    coalesce(sum(tokens_cache_read), 0)::BIGINT AS tokens_cache_read,
    coalesce(sum(tokens_cache_write), 0)::BIGINT AS tokens_cache_write,
    coalesce(sum(tokens_reasoning), 0)::BIGINT AS tokens_reasoning,
    coalesce(sum(cost_nanos), 0)::BIGINT AS cost_nanos,
    coalesce(sum(cost_reported_nanos), 0)::BIGINT AS cost_reported_nanos,
    count(*) FILTER (unpriced IS NOT NULL) AS unpriced,
    0::BIGINT AS cache_hits,
    0::BIGINT AS cache_misses,
    0::BIGINT AS rate_limit_allowed,
    0::BIGINT AS rate_limit_denied
FROM ended
WHERE end_us >= $start_us::BIGINT AND end_us < $end_us::BIGINT
GROUP BY bucket_ns {groups}
ORDER BY bucket_ns, labels
LIMIT $most::BIGINT
