"""How much is stored.

In: `manifest.json`. Out: rows, bytes and times of each table.
"""

from dataclasses import dataclass
from pathlib import Path

from exporter import tenants
from exporter.query.files import manifest


@dataclass(frozen=True, slots=True)
class Stored:
    """A table's segments; times are Unix nanoseconds of the oldest and the newest row, None where there is none."""

    table: str
    segments: int
    rows: int
    bytes: int
    min_time: int | None
    max_time: int | None


def storage(data: Path, tenant: str | None = None) -> list[Stored]:
    """Every table that has rows, of one tenant or of all. Raises `AxError` where there is no data."""
    whose = None if tenant is None else f"/{tenants.folder(tenant)}/"
    tables = {
        table: [one for one in segments if whose is None or whose in str(one["path"])]
        for table, segments in manifest(data).items()
    }
    return [
        Stored(
            table,
            len(segments),
            sum(one["rows"] for one in segments),
            sum(one["bytes"] for one in segments),
            min(one["min_time"] for one in segments),
            max(one["max_time"] for one in segments),
        )
        for table, segments in tables.items()
        if segments
    ]
