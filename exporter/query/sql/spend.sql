-- What was spent in stretches of time by accounts, from the cells of {cells}, whose width divides the stretches' ends.
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
spent AS MATERIALIZED (
    SELECT
        stretch,
        tenant_id,
        cells.provider,
        cells.model,
        cells.agent,
        cells.workflow,
        overflow,
        sum(cost_nanos) AS nanos,
        sum(count) AS calls,
        sum(unpriced) AS unpriced
    FROM {cells} AS cells
    JOIN stretches ON epoch_us(time) >= start_us AND epoch_us(time) < end_us
    WHERE source = 'call'
      AND time >= make_timestamptz($start_us::BIGINT)
      AND time < make_timestamptz($end_us::BIGINT)
    GROUP BY ALL
)
SELECT
    accounts.account,
    spent.stretch,
    coalesce(sum(nanos), 0)::BIGINT AS nanos,
    sum(calls)::BIGINT AS calls,
    sum(unpriced)::BIGINT AS unpriced,
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
