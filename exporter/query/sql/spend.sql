-- What was spent in stretches of time by accounts, from the cells of {cells}. Stretches begin and end on quarters of an
-- hour, as days of all time zones do, and on whole cells: cells are added up by quarters, before they are compared.
-- $stretches: distinct start and end, Unix microseconds, with a number. $accounts: which stretch, and whose spend:
-- lists of values, empty for all. `overflowed` is what has lost its dimensions, within all of the stretch.
-- $start_us, $end_us: what holds all of the stretches.
WITH stretches AS MATERIALIZED (
    SELECT unnest($stretches::STRUCT(stretch INTEGER, start_us BIGINT, end_us BIGINT)[], recursive := true)
),
accounts AS MATERIALIZED (
    SELECT
        unnest(
            $accounts::STRUCT(
                account INTEGER, stretch INTEGER, tenant VARCHAR[], provider VARCHAR[], model VARCHAR[], agent VARCHAR[],
                workflow VARCHAR[]
            )[],
            recursive := true
        )
),
quarters AS MATERIALIZED (
    SELECT
        epoch_us(time) // 900_000_000 * 900_000_000 AS quarter_us,
        tenant_id,
        provider,
        model,
        agent,
        workflow,
        overflow,
        sum(cost_nanos) AS nanos,
        sum(count) AS calls,
        sum(unpriced) AS unpriced
    FROM {cells}
    WHERE source = 'call'
      AND time >= make_timestamptz($start_us::BIGINT)
      AND time < make_timestamptz($end_us::BIGINT)
    GROUP BY ALL
),
spent AS (
    SELECT quarters.*, stretch
    FROM quarters
    JOIN stretches ON quarter_us >= start_us AND quarter_us < end_us
)
SELECT
    accounts.account,
    spent.stretch,
    coalesce(sum(nanos), 0)::BIGINT AS nanos,
    sum(calls)::BIGINT AS calls,
    sum(spent.unpriced)::BIGINT AS unpriced,
    FALSE AS overflowed
FROM spent
JOIN accounts
    ON accounts.stretch = spent.stretch
    AND (len(tenant) = 0 OR list_contains(tenant, tenant_id))
    AND (len(accounts.provider) = 0 OR list_contains(accounts.provider, spent.provider))
    AND (len(accounts.model) = 0 OR list_contains(accounts.model, spent.model))
    AND (len(accounts.agent) = 0 OR list_contains(accounts.agent, spent.agent))
    AND (len(accounts.workflow) = 0 OR list_contains(accounts.workflow, spent.workflow))
GROUP BY ALL
UNION ALL
SELECT -1, stretch, 0, 0, 0, TRUE
FROM spent
WHERE overflow
GROUP BY stretch
