-- Why a model stopped, a list of words, whoever sent it and as a list or as one word; NULL if none.
CREATE MACRO finish_reasons(attributes) AS
    coalesce(
        TRY_CAST(attributes['gen_ai.response.finish_reasons'] AS VARCHAR[]),
        nullif(
            list_filter(
                [
                    first_of(
                        attributes,
                        [
                            'gen_ai.response.finish_reason',
                            'gen_ai.response.stop_reason',
                            'gen_ai.response.finish_reasons',
                            'llm.finish_reason',
                            'llm.response.finish_reason',
                            'llm.response.stop_reason',
                            'ai.response.finishReason'
                        ]
                    )
                ],
                lambda reason: reason IS NOT NULL
            ),
            []
        )
    );
