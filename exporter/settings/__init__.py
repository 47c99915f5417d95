"""The settings: a table of them all, and how their values are found.

In: a file, an environment, options. Out: a `Config`.
"""

from exporter.settings.load import Resolved, find_data, load, resolve
from exporter.settings.table import Setting, default_data, table, values

__all__ = ["Resolved", "Setting", "default_data", "find_data", "load", "resolve", "table", "values"]
