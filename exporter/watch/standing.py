"""Budgets as they stand, for who only looks: declared in files and over the API, measured now.

In: settings, the views, the time. Out: budgets in their present period, and what cannot be used of the files.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from sqlite3 import Connection

from exporter.budget import kept as kept_budgets
from exporter.budget.preview import preview
from exporter.budget.shown import Shown
from exporter.config import Config
from exporter.control import FILE, Control
from exporter.query.views import Views
from exporter.rules import Problem
from exporter.watch import declared
from exporter.watch.money import kept


def budgets(config: Config, views: Views, now_ns: int) -> tuple[Sequence[Shown], tuple[Problem, ...]]:
    """All that hold, and what is wrong with files of rules. Raises `AxError`."""
    with decided(config.data) as connection:
        made = kept_budgets.kept(connection) if connection is not None else ()
        found = declared.load(config.data, config.alert, budgets=made)
        return preview(connection, views, found.budgets, now_ns, kept(config.store, now_ns)), found.problems


@contextmanager
def decided(data: Path) -> Iterator[Connection | None]:
    """The control database as of one moment, None where there is none yet. Raises `AxError` and `OSError`."""
    if not (data / FILE).is_file():
        yield None
        return
    control = Control.open(data)
    try:
        with control.reading() as connection:
            yield connection
    finally:
        control.close()
