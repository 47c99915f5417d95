-- What a model answered, whoever sent it, as a JSON array of OpenTelemetry's messages.
CREATE MACRO output_messages(attributes) AS
    messages_of(
        coalesce(
            first_of(
                attributes,
                [
                    'gen_ai.output.messages',
                    'ai.response.text',
                    'ai.response.object',
                    'ai.response.toolCalls',
                    'gen_ai.completion',
                    'langfuse.observation.output'
                ]
            ),
            listed_messages(attributes, 'llm.output_messages.', '.message'),
            listed_messages(attributes, 'gen_ai.completion.', ''),
            first_of(attributes, ['traceloop.entity.output', 'output.value', 'output'])
        ),
        'assistant'
    );
