"""The live segments of a table, for tools that are not DuckDB.

In: `manifest.json`. Out: paths.
"""

import json
from pathlib import Path

from exporter.errors import AxError, Corrupt


def files(data: Path, table: str) -> list[Path]:
    """Absolute paths of the segments of `table`, as they are at this moment.

    Raises `AxError` where there is no such table or no data.
    """
    manifest = data / "manifest.json"
    try:
        tables = json.loads(manifest.read_bytes())
        if table not in tables:
            raise AxError(f"there is no table {table}", mend=f"tables are {', '.join(sorted(tables))}")
        return [Path(segment["path"]) for segment in tables[table]]
    except FileNotFoundError:
        raise AxError(f"no data in {data}", mend="start `ax serve`, or name its directory with --data") from None
    except (ValueError, KeyError, TypeError) as error:
        raise Corrupt(f"cannot read {manifest}: {error}", mend="restart `ax serve`, which writes it anew") from None
