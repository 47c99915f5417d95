-- Points of histograms: bucket i counts what is in (explicit_bounds[i - 1], explicit_bounds[i]].
CREATE VIEW metrics_histogram AS
SELECT * REPLACE (
    text_map(resource_attributes) AS resource_attributes,
    text_map(scope_attributes) AS scope_attributes,
    text_map(metric_metadata) AS metric_metadata
)
FROM stored.metrics_histogram;
