"""What erasing somebody would take away.

In: a tenant, a user or a conversation. Out: how many rows of each table are theirs now.
"""

from pathlib import Path

from exporter import model
from exporter.query.files import all_files
from exporter.store.erase import Finder, Who, Whose


def concerned(data: Path, whose: Whose, name: str) -> dict[str, int]:
    """Rows by table, of tables that have any. Raises `AxError`."""
    finder = Finder(Who(whose, name))
    try:
        tables = all_files(data)
        paths = [(table, path) for name, table in model.STORED.items() for path in tables.get(name, ())]
        finder.learn(paths)
        rows: dict[str, int] = {}
        for table, path in paths:
            if found := len(finder.rows(path)):
                rows[table.name] = rows.get(table.name, 0) + found
        return rows
    finally:
        finder.close()
