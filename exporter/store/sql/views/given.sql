-- A promoted attribute as a list of at most one entry: none where the record has no such attribute.
CREATE MACRO given(name, value) AS
    CASE WHEN value IS NULL THEN [] ELSE [{'key': name, 'value': value::VARCHAR}] END;
