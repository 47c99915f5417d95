-- Points of all metrics; a histogram's and a summary's value is its sum.
SELECT
    'gauge' AS kind, metric_name, metric_unit, time_unix_nano, time, start_time, coalesce(value, value_int) AS value,
    NULL::BIGINT AS count, NULL::DOUBLE AS min, NULL::DOUBLE AS max, NULL::VARCHAR AS temporality, service_name,
    service_instance_id, tenant_id, scope_name, attributes, gen_ai_operation_name, gen_ai_provider_name,
    gen_ai_request_model, gen_ai_agent_name, gen_ai_workflow_name, gen_ai_token_type, error_type, http_route
FROM stored.metrics_gauge
UNION ALL
SELECT
    'sum', metric_name, metric_unit, time_unix_nano, time, start_time, coalesce(value, value_int),
    NULL, NULL, NULL, aggregation_temporality, service_name,
    service_instance_id, tenant_id, scope_name, attributes, gen_ai_operation_name, gen_ai_provider_name,
    gen_ai_request_model, gen_ai_agent_name, gen_ai_workflow_name, gen_ai_token_type, error_type, http_route
FROM stored.metrics_sum
UNION ALL
SELECT
    'histogram', metric_name, metric_unit, time_unix_nano, time, start_time, sum,
    count, min, max, aggregation_temporality, service_name,
    service_instance_id, tenant_id, scope_name, attributes, gen_ai_operation_name, gen_ai_provider_name,
    gen_ai_request_model, gen_ai_agent_name, gen_ai_workflow_name, gen_ai_token_type, error_type, http_route
FROM stored.metrics_histogram
UNION ALL
SELECT
    'exp_histogram', metric_name, metric_unit, time_unix_nano, time, start_time, sum,
    count, min, max, aggregation_temporality, service_name,
    service_instance_id, tenant_id, scope_name, attributes, gen_ai_operation_name, gen_ai_provider_name,
    gen_ai_request_model, gen_ai_agent_name, gen_ai_workflow_name, gen_ai_token_type, error_type, http_route
FROM stored.metrics_exp_histogram
UNION ALL
SELECT
    'summary', metric_name, metric_unit, time_unix_nano, time, start_time, sum,
    count, NULL, NULL, NULL, service_name,
    service_instance_id, tenant_id, scope_name, attributes, gen_ai_operation_name, gen_ai_provider_name,
    gen_ai_request_model, gen_ai_agent_name, gen_ai_workflow_name, gen_ai_token_type, error_type, http_route
FROM stored.metrics_summary
