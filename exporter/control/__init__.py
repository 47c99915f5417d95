"""What people and rules decide, kept apart from telemetry: one SQLite database that several processes share.

In: transactions. Out: rows, durable when a transaction ends; the same as Parquet files that `ax.duckdb` shows as views.
"""
