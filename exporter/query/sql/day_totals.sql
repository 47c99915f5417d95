-- LLM calls of some time by all that cells tell apart, from the cells of {cells}, the most frequent first.
-- $start_us, $end_us: the period, whole cells, Unix microseconds. {labels}, {groups}: made by views.py.
-- `doublings`: how many took up to 2^n ns and more than half of that, as [n, count]; exact, since 32 buckets of a sketch
-- end where a doubling does. What took no time is in the first.
WITH picked AS MATERIALIZED (
    SELECT {labels} AS labels, *
    FROM {cells}
    WHERE time >= make_timestamptz($start_us::BIGINT)
      AND time < make_timestamptz($end_us::BIGINT)
      AND source = 'call'
),
sums AS (
    SELECT
        labels,
        sum(count)::BIGINT AS count,
        sum(failed)::BIGINT AS failed,
        coalesce(sum(unpriced), 0)::BIGINT AS unpriced,
        coalesce(sum(latency_sum_ns), 0)::BIGINT AS latency_sum_ns,
        coalesce(sum(cost_nanos), 0)::BIGINT AS cost_nanos,
        coalesce(sum(tokens_input), 0)::BIGINT AS tokens_input,
        coalesce(sum(tokens_output), 0)::BIGINT AS tokens_output,
        coalesce(sum(tokens_cache_read), 0)::BIGINT AS tokens_cache_read,
        coalesce(sum(tokens_cache_write), 0)::BIGINT AS tokens_cache_write,
        coalesce(sum(tokens_reasoning), 0)::BIGINT AS tokens_reasoning
    FROM picked
    GROUP BY labels
),
entries AS (
    SELECT labels, unnest(latency_buckets) AS one
    FROM picked
),
added AS (
    SELECT labels, greatest(one.bucket + 31, 0) // 32 AS doubling, sum(one.count)::BIGINT AS count
    FROM entries
    GROUP BY ALL
),
listed AS (
    SELECT labels, list([doubling, count] ORDER BY doubling) AS doublings
    FROM added
    GROUP BY labels
)
SELECT
    sums.labels,
    count,
    failed,
    unpriced,
    latency_sum_ns,
    cost_nanos,
    tokens_input,
    tokens_output,
    tokens_cache_read,
    tokens_cache_write,
    tokens_reasoning,
    coalesce(doublings, []) AS doublings
FROM sums
LEFT JOIN listed USING (labels)
WHERE count > 0
ORDER BY count DESC, sums.labels
