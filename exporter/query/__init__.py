"""Questions to the published views, from any process.

In: a data directory and SQL, or a table's name, or a question in Python's types. Out: Arrow tables, files, and answers
that say how exact they are; each call opens `ax.duckdb` anew, since one that stays open keeps the list of segments that
it had.
"""

from exporter.query.ask import NoData, QueryFailed, sql
from exporter.query.concerned import concerned
from exporter.query.export import Format, condition_on, export
from exporter.query.files import files
from exporter.query.filter import BadFilter
from exporter.query.replay import requests

__all__ = [
    "BadFilter",
    "Format",
    "NoData",
    "QueryFailed",
    "concerned",
    "condition_on",
    "export",
    "files",
    "requests",
    "sql",
]
