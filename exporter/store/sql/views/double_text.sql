-- Text that reads back as the same DOUBLE, with OTLP/JSON's names for what is no number.
CREATE MACRO double_text(value) AS
    CASE
        WHEN isnan(value) THEN 'NaN'
        WHEN isinf(value) THEN CASE WHEN value > 0 THEN 'Infinity' ELSE '-Infinity' END
        ELSE value::VARCHAR
    END;
