-- A message in OpenTelemetry's form, {"role", "parts": [{"type", "content"}]}, of one as somebody writes it: with
-- `parts` already, with a `content` of text or of a list, with `tool_calls`, or what nobody made a message of.
CREATE MACRO as_message(message, role) AS
    CASE
        WHEN json_exists(message, '$.parts') THEN message
        ELSE
            json_object(
                'role',
                coalesce(json_extract_string(message, '$.role'), role),
                'parts',
                to_json(
                    list_transform(
                        CASE
                            WHEN json_exists(message, '$.content') OR json_exists(message, '$.role') THEN
                                list_concat(
                                    list_concat(
                                        json_extract(message, '$.content[*]'),
                                        list_filter(
                                            [json_extract(message, '$.content')],
                                            lambda part: json_type(part) NOT IN ('ARRAY', 'NULL') AND part <> '""'
                                        )
                                    ),
                                    json_extract(message, '$.tool_calls[*]')
                                )
                            ELSE [message]
                        END,
                        lambda part: as_part(part)
                    )
                )
            )
    END;
