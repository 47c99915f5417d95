-- Messages in OpenTelemetry's form of attributes that number them: `llm.input_messages.0.message.role` (prefix
-- 'llm.input_messages.', infix '.message') or `gen_ai.prompt.0.role` (prefix 'gen_ai.prompt.', infix ''); NULL if none.
CREATE MACRO listed_messages(attributes, prefix, infix) AS
    nullif(
        list_transform(
            list_sort(
                list_distinct(
                    list_transform(
                        list_filter(map_keys(attributes), lambda name: starts_with(name, prefix)),
                        lambda name: TRY_CAST(split_part(substring(name, length(prefix) + 1), '.', 1) AS INTEGER)
                    )
                )
            ),
            lambda place: json_object(
                'role',
                attributes[prefix || place || infix || '.role'],
                'parts',
                list_concat(
                    list_transform(
                        list_filter(
                            map_keys(attributes),
                            lambda name: starts_with(name, prefix || place || infix || '.content')
                                AND (ends_with(name, '.content') OR ends_with(name, '.message_content.text'))
                                AND attributes[name] <> ''
                        ),
                        lambda name: json_object('type', 'text', 'content', attributes[name])
                    ),
                    list_transform(
                        list_filter(
                            map_keys(attributes),
                            lambda name: starts_with(name, prefix || place || infix || '.tool_calls.')
                                AND ends_with(name, '.name')
                        ),
                        lambda name: json_object(
                            'type', 'tool_call',
                            'id', attributes[regexp_replace(name, '(\.function)?\.name$', '.id')],
                            'name', attributes[name],
                            'arguments', attributes[regexp_replace(name, '\.name$', '.arguments')]
                        )
                    )
                )
            )
        ),
        []
    )::JSON::VARCHAR;
