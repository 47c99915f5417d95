-- What was paid for calls that failed, and for those that did the same again after one had failed, by model.
-- $start_us, $end_us: the period, Unix microseconds. $limit: most rows. {calls}: made by views.py. {where}: by filter.py.
WITH told AS (
    SELECT
        provider,
        model,
        failed,
        coalesce(cost_nanos, 0) AS cost_nanos,
        trace_id,
        lag(failed) OVER attempts AS was_failed
    FROM ({calls})
    WHERE start_time >= make_timestamptz($start_us::BIGINT)
      AND start_time < make_timestamptz($end_us::BIGINT)
      AND {where}
    WINDOW attempts AS (PARTITION BY trace_id, provider, model, operation, agent_name, step_key ORDER BY start_time)
)
SELECT
    provider,
    model,
    count(*) AS calls,
    count(*) FILTER (failed) AS failed,
    coalesce(sum(cost_nanos) FILTER (failed), 0)::BIGINT AS failed_nanos,
    count(*) FILTER (was_failed AND trace_id IS NOT NULL) AS retries,
    coalesce(sum(cost_nanos) FILTER (was_failed AND trace_id IS NOT NULL), 0)::BIGINT AS retries_nanos
FROM told
GROUP BY ALL
HAVING count(*) FILTER (failed) > 0
ORDER BY failed_nanos + retries_nanos DESC, failed DESC
LIMIT $limit::BIGINT
