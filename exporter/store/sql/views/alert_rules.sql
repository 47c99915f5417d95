-- The rules that are evaluated, and how their last evaluation went; `definition` is JSON.
CREATE VIEW alert_rules AS
SELECT *
FROM control.alert_rules;
