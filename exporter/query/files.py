"""The live segments of a table, for tools that are not DuckDB.

In: `manifest.json`. Out: paths.
"""

import json
from pathlib import Path
from typing import Any

from exporter.errors import AxError, Corrupt
from exporter.store.publish import MANIFEST


def files(data: Path, table: str) -> list[Path]:
    """Absolute paths of the segments of `table`, as they are at this moment.

    Raises `AxError` where there is no such table or no data.
    """
    tables = all_files(data)
    if table not in tables:
        raise AxError(f"there is no table {table}", mend=f"tables are {', '.join(sorted(tables))}")
    return tables[table]


def all_files(data: Path) -> dict[str, list[Path]]:
    """The same of each table. Raises `AxError` where there is no data."""
    tables = manifest(data)
    try:
        return {table: [Path(segment["path"]) for segment in tables[table]] for table in tables}
    except (KeyError, TypeError) as error:
        raise _unreadable(data, error) from None


def manifest(data: Path) -> dict[str, list[dict[str, Any]]]:
    """What `manifest.json` says: path, rows, bytes and times of each segment by table. Raises `AxError`."""
    try:
        tables = json.loads((data / MANIFEST).read_bytes())
    except FileNotFoundError:
        raise AxError(f"no data in {data}", mend="start `ax serve`, or name its directory with --data") from None
    except ValueError as error:
        raise _unreadable(data, error) from None
    if not isinstance(tables, dict):
        raise _unreadable(data, TypeError("it holds no tables"))
    return tables


def _unreadable(data: Path, error: Exception) -> Corrupt:
    return Corrupt(f"cannot read {data / MANIFEST}: {error}", mend="restart `ax serve`, which writes it anew")
