-- What changed about alerts, in the order in which it did; the last 100,000 changes. DuckDB wants "at" in quotes.
CREATE VIEW alert_history AS
SELECT *
FROM control.alert_history;
