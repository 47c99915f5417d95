-- Budgets and what was spent of them in the period that runs.
CREATE VIEW budgets AS
SELECT *
FROM control.budgets;
