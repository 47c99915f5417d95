-- Points of exponential histograms.
CREATE VIEW metrics_exp_histogram AS
SELECT * REPLACE (
    text_map(resource_attributes) AS resource_attributes,
    text_map(scope_attributes) AS scope_attributes,
    text_map(metric_metadata) AS metric_metadata
)
FROM stored.metrics_exp_histogram;
