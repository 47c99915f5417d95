-- Messages in OpenTelemetry's form, a JSON array, of the text of an attribute: JSON text or a structured value, both
-- of which are stored as JSON, a request with `messages`, an answer with `choices` or `generations`, or plain text,
-- which becomes one message of `role`.
-- A list of one and its lambda name `content` once: where it stands, DuckDB binds all that it is made of.
CREATE MACRO messages_of(content, role) AS
    list_extract(
        list_transform(
            [content],
            lambda told: to_json(
                list_transform(
                    CASE
                        WHEN NOT json_valid(told) THEN [to_json(told)]
                        WHEN json_type(told) = 'ARRAY' THEN told::JSON[]
                        WHEN json_type(told, '$.messages[0]') = 'ARRAY' THEN json_extract(told, '$.messages[0][*]')
                        WHEN json_type(told, '$.messages') = 'ARRAY' THEN json_extract(told, '$.messages[*]')
                        WHEN json_type(told, '$.choices') = 'ARRAY' THEN json_extract(told, '$.choices[*].message')
                        WHEN json_type(told, '$.generations[0]') = 'ARRAY'
                            THEN json_extract(told, '$.generations[0][*].message')
                        ELSE [told::JSON]
                    END,
                    lambda message: as_message(plain_message(message), role)
                )
            )
        ),
        1
    );
