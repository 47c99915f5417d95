-- How much of what models were given was read from their cache, by who asked, and at what price: what whole tokens cost.
-- $start_us, $end_us: the period, Unix microseconds. $least: input tokens of who is worth a look. {calls}: made by
-- views.py. {where}: made by filter.py.
WITH told AS (
    SELECT
        provider,
        model,
        coalesce(agent_name, workflow_name, service_name) AS asker,
        tokens_input,
        coalesce(tokens_cache_read, 0) AS cached,
        cost_input_nanos,
        cost_cache_read_nanos,
        coalesce(tokens_cache_write, 0) AS written
    FROM ({calls})
    JOIN (SELECT trace_id AS t, span_id AS s, cost_input_nanos, cost_cache_read_nanos FROM stored.spans WHERE is_counted)
        ON t = trace_id AND s = span_id
    WHERE start_time >= make_timestamptz($start_us::BIGINT)
      AND start_time < make_timestamptz($end_us::BIGINT)
      AND tokens_input > 0
      AND {where}
),
prices AS (
    SELECT
        provider,
        model,
        sum(cost_input_nanos) / nullif(sum(tokens_input - cached - written), 0) AS input_nanos,
        sum(cost_cache_read_nanos) / nullif(sum(cached), 0) AS cached_nanos
    FROM told
    GROUP BY ALL
)
SELECT
    told.provider,
    told.model,
    asker,
    count(*) AS calls,
    sum(tokens_input)::BIGINT AS tokens_input,
    sum(cached)::BIGINT AS tokens_cached,
    any_value(input_nanos)::DOUBLE AS input_nanos,
    any_value(cached_nanos)::DOUBLE AS cached_nanos
FROM told
LEFT JOIN prices ON prices.provider IS NOT DISTINCT FROM told.provider AND prices.model IS NOT DISTINCT FROM told.model
GROUP BY told.provider, told.model, asker
HAVING sum(tokens_input) >= $least::BIGINT
ORDER BY tokens_input DESC
