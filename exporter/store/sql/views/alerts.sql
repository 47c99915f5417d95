-- One row an episode of an alert; `state` is pending, firing, acknowledged or resolved, `value` that of now.
CREATE VIEW alerts AS
SELECT *
FROM control.alerts;
