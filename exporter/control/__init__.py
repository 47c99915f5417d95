"""Control state: rules, alerts, notices, budgets, in a SQLite database that server and commands share.

In: transactions of any process. Out: rows, and the same as Parquet for DuckDB (`published.py`, `files.py`).
"""

from exporter.control.database import FILE, Control

__all__ = ["FILE", "Control"]
