-- OTLP's number of an aggregation temporality.
CREATE MACRO temporality(name) AS
    CASE name
        WHEN 'UNSPECIFIED' THEN 0
        WHEN 'DELTA' THEN 1
        WHEN 'CUMULATIVE' THEN 2
        ELSE TRY_CAST(name AS INTEGER)
    END;
