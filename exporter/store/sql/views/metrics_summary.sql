-- Points of summaries.
CREATE VIEW metrics_summary AS
SELECT * REPLACE (
    text_map(resource_attributes) AS resource_attributes,
    text_map(scope_attributes) AS scope_attributes,
    text_map(metric_metadata) AS metric_metadata
)
FROM stored.metrics_summary;
