"""What a change of stored rows means for cells.

In: rows that are gone or were changed, and cells that close. Out: cells to append in the same commit as the change, so
that sums are exact whenever one looks.
"""

from dataclasses import dataclass, field

import pyarrow as pa

from exporter import config, model, rollup
from exporter.store.partition import Piece, pieces


@dataclass(slots=True)
class Amends:
    """Cells to append, by table."""

    settings: config.Rollup
    _cells: dict[str, list[pa.Table]] = field(default_factory=dict)

    def take_back(self, table: str, rows: pa.Table) -> None:
        """Rows of a table are gone."""
        self._add(rollup.MINUTE, rollup.negated(self._made_of(table, rows)))

    def replace(self, table: str, before: pa.Table, after: pa.Table) -> None:
        """Rows of a table are others now."""
        self.take_back(table, before)
        self._add(rollup.MINUTE, self._made_of(table, after))

    def roll_up(self, into: str, cells: pa.Table) -> None:
        """Cells are part of those of a wider table from now on."""
        self._add(into, cells)

    def pieces(self, now: int) -> list[tuple[model.Table, Piece]]:
        """The rows to append, by table and partition; `now` in Unix nanoseconds."""
        found: list[tuple[model.Table, Piece]] = []
        for name, parts in self._cells.items():
            cells = rollup.added_up(pa.concat_tables(parts), model.CELL_WIDTHS[name])
            rows = rollup.folded(cells, self.settings.cells)
            found += [(model.FIGURES[name], piece) for piece in pieces(model.FIGURES[name], rows, now)]
        return found

    def _made_of(self, table: str, rows: pa.Table) -> pa.Table:
        return rollup.cells_of({table: rows}, self.settings.dimensions)

    def _add(self, table: str, cells: pa.Table) -> None:
        if cells.num_rows:
            self._cells.setdefault(table, []).append(cells)
