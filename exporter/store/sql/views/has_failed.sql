-- Whether a span failed.
CREATE MACRO has_failed(status_code, error_type) AS (status_code = 'ERROR' OR error_type IS NOT NULL);
