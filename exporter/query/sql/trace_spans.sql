-- The spans of a trace, running ones too, in the order in which they began.
-- $trace_id: as in the column. $start_us, $end_us: what holds the times at which they began, Unix microseconds.
-- $limit: most rows. {attributes}: by traces.py.
WITH ended AS (
    SELECT *
    FROM stored.spans
    WHERE trace_id = $trace_id
      AND start_time >= make_timestamptz($start_us::BIGINT)
      AND start_time < make_timestamptz($end_us::BIGINT)
),
running AS (
    SELECT *
    FROM stored.spans_pending
    WHERE trace_id = $trace_id AND span_id NOT IN (SELECT span_id FROM ended WHERE span_id IS NOT NULL)
    QUALIFY row_number() OVER (PARTITION BY span_id ORDER BY ingest_time DESC) = 1
)
SELECT
    span_id,
    parent_span_id,
    name,
    kind,
    service_name,
    start_time_unix_nano AS start_ns,
    CASE WHEN NOT is_running THEN duration_ns END AS duration_ns,
    status_code,
    status_message,
    error_type,
    gen_ai_operation_name AS operation,
    gen_ai_provider_name AS provider,
    gen_ai_request_model AS model,
    gen_ai_usage_input_tokens AS tokens_input,
    gen_ai_usage_output_tokens AS tokens_output,
    cost_nanos,
    is_counted,
    is_running,
    {attributes} AS attributes
FROM (SELECT *, false AS is_running FROM ended UNION ALL BY NAME SELECT *, true AS is_running FROM running)
ORDER BY start_ns, span_id
LIMIT $limit::BIGINT
