-- A part of a message in OpenTelemetry's form of one as OpenAI, Anthropic or Vercel write it: text, the call of a tool,
-- what a tool answered; what is none of these stays as it is.
CREATE MACRO as_part(part) AS
    CASE
        WHEN json_type(part) IS DISTINCT FROM 'OBJECT' THEN
            json_object('type', 'text', 'content', json_extract_string(part, '$'))
        WHEN json_extract_string(part, '$.type') IN ('tool-result', 'tool_result') THEN
            json_object(
                'type', 'tool_call_response',
                'id', coalesce(json_extract_string(part, '$.toolCallId'), json_extract_string(part, '$.tool_use_id')),
                'response', coalesce(
                    json_extract(part, '$.output'), json_extract(part, '$.result'), json_extract(part, '$.content')
                )
            )
        WHEN json_exists(part, '$.toolName')
            OR json_exists(part, '$.function.name')
            OR json_extract_string(part, '$.type') = 'tool_use'
            OR (json_extract_string(part, '$.type') = 'tool_call' AND json_exists(part, '$.args'))
        THEN
            json_object(
                'type', 'tool_call',
                'id', coalesce(json_extract_string(part, '$.toolCallId'), json_extract_string(part, '$.id')),
                'name', coalesce(
                    json_extract_string(part, '$.toolName'),
                    json_extract_string(part, '$.function.name'),
                    json_extract_string(part, '$.name')
                ),
                'arguments', coalesce(
                    json_extract(part, '$.input'),
                    json_extract(part, '$.args'),
                    json_extract(part, '$.function.arguments')
                )
            )
        WHEN json_type(part, '$.text') = 'VARCHAR' THEN
            json_object('type', 'text', 'content', json_extract_string(part, '$.text'))
        WHEN json_exists(part, '$.type') THEN part
        ELSE json_object('type', 'text', 'content', part)
    END;
