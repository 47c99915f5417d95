"""The command `ax`.

In: arguments. Out: exit code 0 when it did what was asked, 1 when that failed, 2 when it was asked wrongly; results on
stdout, and one line on stderr for what went wrong.
"""

from exporter.cli.main import run

__all__ = ["run"]
