-- Partial cells by day: those of one time and one set of dimensions add up. `rollup_1day` adds them up.
CREATE VIEW cells_1day AS
SELECT * FROM stored.cells_1day
UNION ALL
SELECT * REPLACE (cell_time(time, 86400) AS time) FROM stored.cells_1hour_open
UNION ALL
SELECT * REPLACE (cell_time(time, 86400) AS time) FROM stored.cells_1min_open;
