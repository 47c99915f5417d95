-- What a model was asked, whoever sent it, as a JSON array of OpenTelemetry's messages.
CREATE MACRO input_messages(attributes) AS
    messages_of(
        coalesce(
            first_of(
                attributes,
                [
                    'gen_ai.input.messages',
                    'ai.prompt.messages',
                    'ai.prompt',
                    'gen_ai.prompt',
                    'langfuse.observation.input',
                    'pydantic_ai.all_messages',
                    'all_messages_events'
                ]
            ),
            listed_messages(attributes, 'llm.input_messages.', '.message'),
            listed_messages(attributes, 'gen_ai.prompt.', ''),
            first_of(attributes, ['traceloop.entity.input', 'input.value', 'input'])
        ),
        'user'
    );
