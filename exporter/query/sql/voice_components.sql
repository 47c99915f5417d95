-- How long the user of voice turns heard silence in a period, and where that time went.
-- $start_us, $end_us: the period in which turns began, Unix microseconds. {turns}: by listed.py, with $before_us and
-- $behind_us.
WITH turns AS (
    FROM ({turns})
    WHERE start_time >= make_timestamptz($start_us::BIGINT) AND start_time < make_timestamptz($end_us::BIGINT)
),
parts AS (
    UNPIVOT turns
    ON heard_silence_ns, stt_latency_ns, llm_time_to_first_token_ns, tts_time_to_first_byte_ns
    INTO NAME part VALUE part_ns
)
SELECT
    'voice ' || replace(replace(part, '_ns', ''), '_', ' ') AS component,
    count(*) AS count,
    count(*) FILTER (failed) AS failed,
    sum(part_ns)::BIGINT AS total_ns,
    quantile_disc(part_ns, [0.5, 0.95, 0.99]) AS percentiles_ns,
    max(part_ns) AS max_ns
FROM parts
GROUP BY component
ORDER BY component
