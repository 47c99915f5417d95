-- The same as cells.sql gives, without percentiles, which take most of the time.
-- $most: rows that are given. {summed}: cells_summed.sql.
WITH {summed}
SELECT
    bucket_ns,
    labels,
    count,
    failed,
    latency_sum_ns,
    latency_min_ns,
    latency_max_ns,
    [NULL, NULL, NULL]::BIGINT[] AS percentiles_ns,
    tokens_input,
    tokens_output,
    tokens_cache_read,
    tokens_cache_write,
    tokens_reasoning,
    cost_nanos,
    cost_reported_nanos,
    unpriced,
    cache_hits,
    cache_misses,
    rate_limit_allowed,
    rate_limit_denied
FROM sums
ORDER BY bucket_ns, labels
LIMIT $most::BIGINT
