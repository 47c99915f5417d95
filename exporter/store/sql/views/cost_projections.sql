-- What is likely to be spent by the end of each budget's period.
CREATE VIEW cost_projections AS
SELECT *
FROM control.cost_projections;
