-- The status of a run or step that is known from some copies: what the sender says of its end, else how it ended; while
-- it has not ended, `running`, and `lost` once nothing was heard of it for six hours.
CREATE MACRO run_status(has_ended, said, has_failed, last_heard) AS
    CASE
        WHEN has_ended THEN
            CASE
                WHEN said IS NOT NULL AND said NOT IN ('pending', 'running') THEN said
                WHEN has_failed THEN 'failed'
                ELSE 'completed'
            END
        WHEN last_heard < now() - INTERVAL 6 HOUR THEN 'lost'
        ELSE 'running'
    END;
