-- The type letter of a promoted attribute, as in attribute_types: none where the record has no such attribute.
CREATE MACRO letter(type, value) AS CASE WHEN value IS NULL THEN '' ELSE type END;
