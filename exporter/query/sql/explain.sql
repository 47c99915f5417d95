-- What a call cost, and why. A span's id, or the beginning of one; two rows at most.
-- $prefix: lower-case hexadecimal digits. {of_trace}: by calls.py, with $trace_id,
-- $start_us and $end_us.
SELECT
    trace_id,
    span_id,
    name,
    start_time_unix_nano AS start_ns,
    gen_ai_operation_name AS operation,
    gen_ai_provider_name AS provider,
    gen_ai_request_model AS model,
    gen_ai_response_model AS response_model,
    is_counted,
    tokens_inclusive,
    gen_ai_usage_input_tokens AS tokens_input,
    gen_ai_usage_cache_read_input_tokens AS tokens_cache_read,
    gen_ai_usage_cache_write_input_tokens AS tokens_cache_write,
    gen_ai_usage_output_tokens AS tokens_output,
    gen_ai_usage_reasoning_output_tokens AS tokens_reasoning,
    gen_ai_usage_audio_input_tokens AS tokens_audio_input,
    gen_ai_usage_audio_output_tokens AS tokens_audio_output,
    speech_seconds,
    speech_characters,
    cost_nanos,
    cost_input_nanos,
    cost_cache_read_nanos,
    cost_cache_write_nanos,
    cost_output_nanos,
    cost_other_nanos,
    cost_reported_nanos,
    price_version,
    price_date,
    unpriced
FROM stored.spans
WHERE {of_trace} AND starts_with(span_id, $prefix)
ORDER BY start_ns
LIMIT 2
