-- Prompts that were sent again, word for word, to the same model: what all but the first of each have cost.
-- $start_us, $end_us: the period, Unix microseconds. $limit: most rows. {calls}: made by views.py. {where}: by filter.py.
WITH prompts AS (
    SELECT
        provider,
        model,
        coalesce(agent_name, workflow_name, service_name) AS asker,
        md5(
            first_of(
                attributes, ['gen_ai.input.messages', 'ai.prompt.messages', 'ai.prompt', 'gen_ai.prompt', 'input.value']
            )
        ) AS prompt,
        coalesce(cost_nanos, 0) AS cost_nanos
    FROM ({calls})
    WHERE start_time >= make_timestamptz($start_us::BIGINT)
      AND start_time < make_timestamptz($end_us::BIGINT)
      AND failed IS NOT TRUE
      AND {where}
),
repeated AS (
    SELECT provider, model, asker, prompt, count(*) AS times, sum(cost_nanos) AS nanos
    FROM prompts
    WHERE prompt IS NOT NULL
    GROUP BY ALL
    HAVING count(*) > 1
)
SELECT
    provider,
    model,
    asker,
    count(*) AS prompts,
    sum(times)::BIGINT AS calls,
    sum(nanos * (times - 1) / times)::BIGINT AS again_nanos
FROM repeated
GROUP BY ALL
ORDER BY again_nanos DESC, calls DESC
LIMIT $limit::BIGINT
