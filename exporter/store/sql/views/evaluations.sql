-- Results of evaluations: events `gen_ai.evaluation.result` (logs or of spans), and spans that carry a score themselves.
CREATE VIEW evaluations AS
WITH found AS (
    SELECT
        trace_id,
        span_id,
        time,
        service_name,
        tenant_id,
        coalesce(gen_ai_conversation_id, session_id) AS conversation_id,
        user_id,
        attributes,
        ingest_time
    FROM stored.logs
    WHERE event_name = 'gen_ai.evaluation.result'
    UNION ALL
    SELECT
        span.trace_id,
        span.span_id,
        unix_time(event.time_unix_nano),
        span.service_name,
        span.tenant_id,
        coalesce(span.gen_ai_conversation_id, span.session_id),
        span.user_id,
        event.attributes,
        span.ingest_time
    FROM stored.spans AS span, unnest(span.events) AS of_span (event)
    WHERE event.name = 'gen_ai.evaluation.result'
    UNION ALL
    SELECT
        trace_id,
        coalesce(parent_span_id, span_id),
        start_time,
        service_name,
        tenant_id,
        coalesce(gen_ai_conversation_id, session_id),
        user_id,
        attributes,
        ingest_time
    FROM stored.spans
    WHERE attributes['gen_ai.evaluation.name'] IS NOT NULL
)
SELECT
    trace_id,
    span_id,
    time,
    attributes['gen_ai.evaluation.name'] AS name,
    TRY_CAST(attributes['gen_ai.evaluation.score.value'] AS DOUBLE) AS score,
    attributes['gen_ai.evaluation.score.label'] AS label,
    attributes['gen_ai.evaluation.explanation'] AS explanation,
    attributes['gen_ai.response.id'] AS response_id,
    attributes['error.type'] AS error_type,
    service_name,
    tenant_id,
    conversation_id,
    user_id,
    attributes,
    ingest_time
FROM found;
