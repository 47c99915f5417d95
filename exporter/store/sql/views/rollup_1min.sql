-- What happened in each minute (UTC), by what it was about. Spans and calls of models count when they end.
-- `source`: call (of a model, counted once), span (any other), point (of a metric, with `sum`, `last`, `min` and `max`).
-- Percentiles are of sketches: at most 1.1 % from the nearest rank. `cells_1min` is cheaper to add up further.
CREATE VIEW rollup_1min AS
SELECT
    time, source, overflow, tenant_id, service_name, operation, provider, model, workflow, agent, metric_name, unit,
    sum(count)::BIGINT AS count,
    sum(failed)::BIGINT AS failed,
    try_cast(sum(latency_sum_ns) AS BIGINT) AS latency_sum_ns,
    min(latency_min_ns) AS latency_min_ns,
    max(latency_max_ns) AS latency_max_ns,
    try_cast(sum(latency_sum_ns) / nullif(sum(count), 0) AS BIGINT) AS latency_avg_ns,
    latency_quantile(flatten(list(latency_buckets)), 0.5, min(latency_min_ns), max(latency_max_ns)) AS latency_p50_ns,
    latency_quantile(flatten(list(latency_buckets)), 0.95, min(latency_min_ns), max(latency_max_ns)) AS latency_p95_ns,
    latency_quantile(flatten(list(latency_buckets)), 0.99, min(latency_min_ns), max(latency_max_ns)) AS latency_p99_ns,
    flatten(list(latency_buckets)) AS latency_buckets,
    try_cast(sum(tokens_input) AS BIGINT) AS tokens_input,
    try_cast(sum(tokens_output) AS BIGINT) AS tokens_output,
    try_cast(sum(tokens_cache_read) AS BIGINT) AS tokens_cache_read,
    try_cast(sum(tokens_cache_write) AS BIGINT) AS tokens_cache_write,
    try_cast(sum(tokens_reasoning) AS BIGINT) AS tokens_reasoning,
    try_cast(sum(cost_nanos) AS BIGINT) AS cost_nanos,
    usd(try_cast(sum(cost_nanos) AS BIGINT)) AS cost_usd,
    usd(try_cast(sum(cost_reported_nanos) AS BIGINT)) AS cost_usd_reported,
    sum(unpriced)::BIGINT AS unpriced,
    sum(cache_hits)::BIGINT AS cache_hits,
    sum(cache_misses)::BIGINT AS cache_misses,
    sum(cache_hits) / nullif(sum(cache_hits + cache_misses), 0) AS cache_hit_rate,
    sum(rate_limit_allowed)::BIGINT AS rate_limit_allowed,
    sum(rate_limit_denied)::BIGINT AS rate_limit_denied,
    sum(sum) AS sum,
    min(min) AS min,
    max(max) AS max,
    arg_max(last, {'time': last_time_unix_nano, 'value': last}) AS last,
    flatten(list(value_buckets)) AS value_buckets
FROM cells_1min
GROUP BY ALL;
