-- What was spent in stretches of time by accounts, from the calls themselves, which count when they end.
-- $stretches, $accounts, $start_us, $end_us: as in spend.sql, with users and sessions. $margin_us: as long before its
-- end a call may have begun. {calls}: made by views.py.
WITH stretches AS MATERIALIZED (
    SELECT unnest($stretches::STRUCT(stretch INTEGER, start_us BIGINT, end_us BIGINT)[], recursive := true)
),
accounts AS MATERIALIZED (
    SELECT
        unnest(
            $accounts::STRUCT(
                account INTEGER, stretch INTEGER, tenant VARCHAR[], provider VARCHAR[], model VARCHAR[], agent VARCHAR[],
                workflow VARCHAR[], "user" VARCHAR[], session VARCHAR[]
            )[],
            recursive := true
        )
),
spent AS MATERIALIZED (
    SELECT
        stretch,
        tenant_id,
        provider,
        model,
        response_model,
        agent_name,
        workflow_name,
        user_id,
        conversation_id,
        sum(cost_nanos) AS nanos,
        count(*) AS calls,
        count(*) FILTER (calls.unpriced IS NOT NULL) AS unpriced
    FROM ({calls}) AS calls
    JOIN stretches ON calls.end_us >= stretches.start_us AND calls.end_us < stretches.end_us
    WHERE start_time >= make_timestamptz($start_us::BIGINT - $margin_us::BIGINT)
      AND start_time < make_timestamptz($end_us::BIGINT)
    GROUP BY ALL
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
    AND (
        len(accounts.model) = 0
        OR list_contains(accounts.model, spent.model)
        OR list_contains(accounts.model, response_model)
    )
    AND (len(accounts.agent) = 0 OR list_contains(accounts.agent, agent_name))
    AND (len(accounts.workflow) = 0 OR list_contains(accounts.workflow, workflow_name))
    AND (len("user") = 0 OR list_contains("user", user_id))
    AND (len(session) = 0 OR list_contains(session, conversation_id))
GROUP BY ALL
