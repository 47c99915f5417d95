-- The published views by name, each with its columns in order, and their types.
SELECT
    table_name AS view,
    list({'name': column_name, 'type': data_type} ORDER BY column_index) AS columns
FROM duckdb_columns()
WHERE database_name = current_database() AND schema_name = 'main' AND NOT internal
GROUP BY table_name
ORDER BY table_name
