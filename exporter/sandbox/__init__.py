"""SQL of people we do not know, in a process of its own that can be killed.

In: a statement. Out: rows within limits, or a refusal.
DuckDB's memory limit and its interrupt are no walls (24 GB used under a limit of 512 MB, 58 s to stop), so each
statement has a process with limits of the kernel's, which is ended whatever it does.
"""

from exporter.sandbox.process import Sandbox, run
from exporter.sandbox.shapes import Cancel, Column, Limits, Reason, Rows, SqlRefused, Stream

__all__ = ["Cancel", "Column", "Limits", "Reason", "Rows", "Sandbox", "SqlRefused", "Stream", "run"]
