-- Thresholds of budgets that were crossed: each once in a period.
CREATE VIEW budget_events AS
SELECT *
FROM control.budget_events;
