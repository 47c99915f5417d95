-- Traces whose id begins with some digits, or that have a span of that id; two at most.
-- $prefix: lower-case hexadecimal digits. $span_id: the same.
SELECT DISTINCT trace_id
FROM stored.spans
WHERE starts_with(trace_id, $prefix) OR span_id = $span_id
UNION
SELECT DISTINCT trace_id
FROM stored.spans_pending
WHERE starts_with(trace_id, $prefix) OR span_id = $span_id
ORDER BY trace_id
LIMIT 2
