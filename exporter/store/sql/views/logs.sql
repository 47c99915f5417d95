-- Log records.
CREATE VIEW logs AS
SELECT * REPLACE (
    text_map(resource_attributes) AS resource_attributes,
    text_map(scope_attributes) AS scope_attributes
)
FROM stored.logs;
