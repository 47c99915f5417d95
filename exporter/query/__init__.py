"""Questions to the published views, from any process.

In: a data directory and SQL, or a table's name. Out: Arrow tables and files; each call opens `ax.duckdb` anew, since
one that stays open keeps the list of segments that it had.
"""

from exporter.query.ask import NoData, QueryFailed, sql
from exporter.query.export import Format, export
from exporter.query.files import files

__all__ = ["Format", "NoData", "QueryFailed", "export", "files", "sql"]
