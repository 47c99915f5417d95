-- What calls of models cost today (UTC), by provider and model, the dearest first. Calls count when they end.
CREATE VIEW cost_today_summary AS
SELECT
    provider,
    model,
    sum(count)::BIGINT AS calls,
    sum(failed)::BIGINT AS failed,
    try_cast(sum(tokens_input) AS BIGINT) AS tokens_input,
    try_cast(sum(tokens_output) AS BIGINT) AS tokens_output,
    usd(try_cast(sum(cost_nanos) AS BIGINT)) AS cost_usd,
    usd(try_cast(sum(cost_reported_nanos) AS BIGINT)) AS cost_usd_reported,
    sum(unpriced)::BIGINT AS unpriced_calls
FROM cells_1hour
WHERE source = 'call' AND time >= cell_time(now(), 86400)
GROUP BY provider, model
ORDER BY cost_usd DESC NULLS LAST, provider, model;
