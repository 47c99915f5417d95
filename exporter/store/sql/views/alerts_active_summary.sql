-- Alerts that are not resolved, by severity and state: how many, of how many rules, since when.
CREATE VIEW alerts_active_summary AS
SELECT
    severity,
    state,
    count(*) AS alerts,
    count(DISTINCT rule_id) AS rules,
    min(started_at) AS oldest_started_at,
    max(started_at) AS newest_started_at
FROM alerts
WHERE state <> 'resolved'
GROUP BY severity, state
ORDER BY array_position(['critical', 'error', 'warning', 'info'], severity), state;
