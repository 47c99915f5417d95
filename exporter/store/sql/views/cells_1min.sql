-- Partial cells by minute: those of one time and one set of dimensions add up. `rollup_1min` adds them up.
CREATE VIEW cells_1min AS
SELECT *
FROM stored.cells_1min;
