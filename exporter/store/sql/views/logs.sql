-- Log records. Attributes with columns of their own are in `attributes` too.
CREATE VIEW logs AS
SELECT * REPLACE (
    with_promoted(
        attributes,
        [
            given('gen_ai.operation.name', gen_ai_operation_name),
            given('gen_ai.provider.name', gen_ai_provider_name),
            given('gen_ai.request.model', gen_ai_request_model),
            given('gen_ai.conversation.id', gen_ai_conversation_id),
            given('error.type', error_type),
            given('exception.type', exception_type),
            given('session.id', session_id),
            given('user.id', user_id)
        ]
    ) AS attributes,
    concat(
        attribute_types,
        letter('s', gen_ai_operation_name),
        letter('s', gen_ai_provider_name),
        letter('s', gen_ai_request_model),
        letter('s', gen_ai_conversation_id),
        letter('s', error_type),
        letter('s', exception_type),
        letter('s', session_id),
        letter('s', user_id)
    ) AS attribute_types,
    text_map(resource_attributes) AS resource_attributes,
    text_map(scope_attributes) AS scope_attributes
)
FROM stored.logs;
