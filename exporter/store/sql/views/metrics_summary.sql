-- Points of summaries.
CREATE VIEW metrics_summary AS
SELECT * REPLACE (
    with_promoted(
        attributes,
        [
            given('gen_ai.operation.name', gen_ai_operation_name),
            given('gen_ai.provider.name', gen_ai_provider_name),
            given('gen_ai.request.model', gen_ai_request_model),
            given('gen_ai.response.model', gen_ai_response_model),
            given('gen_ai.token.type', gen_ai_token_type),
            given('gen_ai.agent.name', gen_ai_agent_name),
            given('gen_ai.workflow.name', gen_ai_workflow_name),
            given('error.type', error_type),
            given('http.request.method', http_request_method),
            given('http.response.status_code', http_response_status_code),
            given('http.route', http_route),
            given('server.address', server_address)
        ]
    ) AS attributes,
    concat(
        attribute_types,
        letter('s', gen_ai_operation_name),
        letter('s', gen_ai_provider_name),
        letter('s', gen_ai_request_model),
        letter('s', gen_ai_response_model),
        letter('s', gen_ai_token_type),
        letter('s', gen_ai_agent_name),
        letter('s', gen_ai_workflow_name),
        letter('s', error_type),
        letter('s', http_request_method),
        letter('i', http_response_status_code),
        letter('s', http_route),
        letter('s', server_address)
    ) AS attribute_types,
    text_map(resource_attributes) AS resource_attributes,
    text_map(scope_attributes) AS scope_attributes,
    text_map(metric_metadata) AS metric_metadata
)
FROM stored.metrics_summary;
