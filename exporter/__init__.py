"""An OTLP endpoint that stores traces, metrics and logs in Parquet, for DuckDB to query while they arrive.

In: OTLP over gRPC and HTTP. Out: a data directory whose `ax.duckdb` any DuckDB opens. See `ARCHITECTURE.md`.
"""
