-- Turns of voice calls: how long the user heard silence, and where that time went. What a turn's own span does not say
-- of speech to text, model and speech is taken from the first call of each that began during it.
CREATE VIEW voice_turns AS
WITH calls AS (
    SELECT
        turn.trace_id,
        turn.span_id,
        arg_min(call.gen_ai_response_time_to_first_chunk, call.start_time_unix_nano)
            FILTER (call.gen_ai_operation_name = 'stt') AS stt_s,
        arg_min(call.gen_ai_response_time_to_first_chunk, call.start_time_unix_nano)
            FILTER (call.gen_ai_operation_name = 'tts') AS tts_s,
        arg_min(call.gen_ai_response_time_to_first_chunk, call.start_time_unix_nano)
            FILTER (call.gen_ai_operation_name NOT IN ('stt', 'tts')) AS llm_s,
        sum(call.cost_nanos)::BIGINT AS cost_nanos,
        sum(call.cost_nanos) FILTER (call.gen_ai_operation_name = 'stt')::BIGINT AS stt_cost_nanos,
        sum(call.cost_nanos) FILTER (call.gen_ai_operation_name = 'tts')::BIGINT AS tts_cost_nanos
    FROM stored.spans AS turn
    JOIN stored.spans AS call
        ON call.trace_id = turn.trace_id
        AND call.start_time_unix_nano >= turn.start_time_unix_nano
        AND call.start_time_unix_nano <= add_wrapping(turn.start_time_unix_nano, turn.duration_ns)
    WHERE turn.ax_kind = 'voice_turn' AND call.is_counted
    GROUP BY turn.trace_id, turn.span_id
)
SELECT
    turn.trace_id,
    turn.span_id,
    turn.parent_span_id,
    turn.start_time_unix_nano,
    turn.start_time,
    unix_time(add_wrapping(turn.start_time_unix_nano, turn.duration_ns)) AS end_time,
    turn.duration_ns,
    turn.service_name,
    turn.tenant_id,
    coalesce(
        turn.attributes['ax.voice.call.id'],
        turn.gen_ai_conversation_id,
        turn.session_id,
        turn.trace_id
    ) AS call_id,
    TRY_CAST(first_of(turn.attributes, ['ax.voice.turn.number', 'turn.number']) AS BIGINT) AS turn_number,
    (
        TRY_CAST(
            first_of(
                turn.attributes, ['ax.voice.heard_silence', 'turn.user_bot_latency_seconds', 'lk.e2e_latency']
            ) AS DOUBLE
        ) * 1e9
    )::BIGINT AS heard_silence_ns,
    (
        coalesce(
            TRY_CAST(first_of(turn.attributes, ['ax.voice.stt.latency', 'lk.transcription_delay']) AS DOUBLE),
            calls.stt_s
        ) * 1e9
    )::BIGINT AS stt_latency_ns,
    (coalesce(TRY_CAST(turn.attributes['ax.voice.llm.time_to_first_token'] AS DOUBLE), calls.llm_s) * 1e9)::BIGINT
        AS llm_time_to_first_token_ns,
    (coalesce(TRY_CAST(turn.attributes['ax.voice.tts.time_to_first_byte'] AS DOUBLE), calls.tts_s) * 1e9)::BIGINT
        AS tts_time_to_first_byte_ns,
    TRY_CAST(
        first_of(turn.attributes, ['ax.voice.interrupted', 'turn.was_interrupted', 'lk.interrupted']) AS BOOLEAN
    ) AS interrupted,
    turn.attributes['ax.voice.objective'] AS objective,
    turn.attributes['ax.voice.outcome'] AS outcome,
    coalesce(turn.attributes['ax.voice.failure_reason'], turn.error_type) AS failure_reason,
    turn.status_code,
    turn.error_type,
    has_failed(turn.status_code, turn.error_type) AS failed,
    coalesce(turn.gen_ai_conversation_id, turn.session_id) AS conversation_id,
    turn.user_id,
    usd(calls.cost_nanos) AS cost_usd,
    usd(calls.stt_cost_nanos) AS stt_cost_usd,
    usd(calls.tts_cost_nanos) AS tts_cost_usd,
    turn.attributes,
    turn.ingest_time
FROM stored.spans AS turn
LEFT JOIN calls ON calls.trace_id = turn.trace_id AND calls.span_id = turn.span_id
WHERE turn.ax_kind = 'voice_turn';
