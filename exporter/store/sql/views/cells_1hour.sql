-- Partial cells by hour: those of one time and one set of dimensions add up. `rollup_1hour` adds them up.
CREATE VIEW cells_1hour AS
SELECT * FROM stored.cells_1hour
UNION ALL
SELECT * REPLACE (cell_time(time, 3600) AS time) FROM stored.cells_1min_open;
