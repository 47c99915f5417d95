-- A message as role, content and tool_calls, of one that LangChain serialised (its constructor's arguments are inside).
CREATE MACRO plain_message(message) AS
    CASE
        WHEN json_type(message) = 'OBJECT' AND json_exists(message, '$.kwargs.content') THEN
            json_object(
                'role',
                CASE json_extract_string(message, '$.kwargs.type')
                    WHEN 'human' THEN 'user'
                    WHEN 'ai' THEN 'assistant'
                    ELSE json_extract_string(message, '$.kwargs.type')
                END,
                'content', json_extract(message, '$.kwargs.content'),
                'tool_calls', json_extract(message, '$.kwargs.tool_calls')
            )
        ELSE message
    END;
