-- Sums over the cells of {cells}, whose width divides the period's ends, by bucket and group. For {summed}.
-- $start_us, $end_us: the period, Unix microseconds. $step_us: width of a bucket, 0 for one bucket.
-- $origin_us: where a bucket begins, Unix microseconds.
-- $sources: which cells, a list of call, span. {where}, {labels}, {groups}: made by views.py and filter.py.
picked AS MATERIALIZED (
    SELECT
        CASE WHEN $step_us::BIGINT = 0 THEN $start_us::BIGINT
            ELSE (epoch_us(time) - $origin_us::BIGINT) // $step_us::BIGINT * $step_us::BIGINT + $origin_us::BIGINT END
            * 1000 AS bucket_ns,
        {labels} AS labels,
        *
    FROM {cells}
    WHERE time >= make_timestamptz($start_us::BIGINT) AND time < make_timestamptz($end_us::BIGINT)
      AND list_contains($sources::VARCHAR[], source)
      AND {where}
),
sums AS MATERIALIZED (
    SELECT
        bucket_ns,
        labels,
        row_number() OVER () AS place,
        sum(count)::BIGINT AS count,
        sum(failed)::BIGINT AS failed,
        sum(latency_sum_ns)::BIGINT AS latency_sum_ns,
        min(latency_min_ns) AS latency_min_ns,
        max(latency_max_ns) AS latency_max_ns,
        coalesce(sum(tokens_input), 0)::BIGINT AS tokens_input,
        coalesce(sum(tokens_output), 0)::BIGINT AS tokens_output,
        coalesce(sum(tokens_cache_read), 0)::BIGINT AS tokens_cache_read,
        coalesce(sum(tokens_cache_write), 0)::BIGINT AS tokens_cache_write,
        coalesce(sum(tokens_reasoning), 0)::BIGINT AS tokens_reasoning,
        coalesce(sum(cost_nanos), 0)::BIGINT AS cost_nanos,
        coalesce(sum(cost_reported_nanos), 0)::BIGINT AS cost_reported_nanos,
        coalesce(sum(unpriced), 0)::BIGINT AS unpriced,
        coalesce(sum(cache_hits), 0)::BIGINT AS cache_hits,
        coalesce(sum(cache_misses), 0)::BIGINT AS cache_misses,
        coalesce(sum(rate_limit_allowed), 0)::BIGINT AS rate_limit_allowed,
        coalesce(sum(rate_limit_denied), 0)::BIGINT AS rate_limit_denied
    FROM picked
    GROUP BY bucket_ns, labels
)
