"""What rows that are appended add to cells, with the points that came before them in mind.

In: rows by tenant and table. Out: the same with their cells, to be stored in one commit.
"""

import logging
from collections.abc import Callable, Iterable, Mapping
from typing import Final

import pyarrow as pa

from exporter import config, rollup

Key = tuple[str, str]
"""A tenant and a table."""

Recent = Callable[[str, str, int], Iterable[pa.Table]]
"""Stored rows of a tenant and table with `NEEDED`, no older than so many nanoseconds."""

NEEDED: Final = rollup.increments.NEEDED
_log: Final = logging.getLogger(__name__)


class Adding:
    """Knows the last point of each cumulative series; reads them from `recent` rows when it is first asked."""

    def __init__(self, settings: config.Rollup, recent: Recent) -> None:
        self._settings = settings
        self._recent = recent
        self._last: dict[Key, rollup.Last | None] = {}
        self._next: dict[Key, rollup.Last | None] = {}

    def with_cells(self, tables: Mapping[Key, pa.Table]) -> dict[Key, pa.Table]:
        """The rows and, for each tenant, their cells; as if for the first time until `stored`."""
        found = dict(tables)
        self._next = {}
        for tenant in sorted({tenant for tenant, _ in tables}):
            of_tenant = {name: rows for (owner, name), rows in tables.items() if owner == tenant}
            last = {name: self._known(tenant, name) for name in of_tenant if name in rollup.increments.TABLES}
            cells, after = rollup.cells_with(of_tenant, last, self._settings.dimensions)
            self._next |= {(tenant, name): points for name, points in after.items()}
            if cells.num_rows:
                found[tenant, rollup.MINUTE] = rollup.folded(cells, self._settings.cells)
        return found

    def stored(self) -> None:
        """What `with_cells` gave last is stored."""
        for key, points in self._next.items():
            if _has_forgotten(points) and not _has_forgotten(self._last.get(key)):
                _log.warning(
                    "tenant %s sends more than %d cumulative series to %s within an hour, such as by a start of its "
                    "own for each point: rollups leave out what comes of series that were forgotten",
                    key[0],
                    rollup.increments.MOST,
                    key[1],
                )
        self._last |= self._next

    def _known(self, tenant: str, name: str) -> rollup.Last | None:
        if (tenant, name) not in self._last:
            last: rollup.Last | None = None
            for rows in self._recent(tenant, name, rollup.increments.WINDOW_NS):
                last = rollup.increments.increments(name, rows, last)[1]
            self._last[tenant, name] = last
        return self._last[tenant, name]


def _has_forgotten(last: rollup.Last | None) -> bool:
    return last is not None and last.forgotten > 0
