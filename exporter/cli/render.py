"""Rows as people and programs read them.

In: an Arrow table. Out: a table that fits the terminal, or JSON.
"""

import json
import os
import re
from bisect import bisect_right
from itertools import accumulate
from typing import Final, TextIO

import pyarrow as pa
from rich.console import Console
from rich.table import Table
from rich.text import Text

from exporter.query.plain import Plain, rows

_CONTROL: Final = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")
_LEAST_WIDTH: Final = 20
"""A column that is cut keeps as much."""
_GAP: Final = 2
_MOST_ROWS: Final = 500
"""Rows that a terminal is shown."""
_ENDLESS: Final = 100_000


def as_json(table: pa.Table, out: TextIO) -> None:
    """A JSON array with one object a row and line."""
    separator = "["
    for row in rows(table):
        out.write(separator + "\n" + json.dumps(dict(zip(table.column_names, row, strict=True)), ensure_ascii=False))
        separator = ","
    out.write("\n]\n" if table.num_rows else "[]\n")


def as_table(table: pa.Table, out: TextIO) -> None:
    """A table for reading: on a terminal within its width and `_MOST_ROWS`, and it says what it left out."""
    is_terminal = out.isatty()
    seen = table.slice(0, _MOST_ROWS) if is_terminal else table
    console = Console(
        file=out,
        highlight=False,
        color_system=None if os.environ.get("NO_COLOR") else "auto",
        width=None if is_terminal else _ENDLESS,
    )
    cells = [[_cell(value) for value in row] for row in rows(seen)]
    headers = [Text(shown(name)) for name in table.column_names]
    widths = fitting([max(map(len, column)) for column in zip(headers, *cells, strict=True)], console.width)
    drawn = Table(box=None, padding=(0, _GAP, 0, 0), pad_edge=False, header_style="bold", show_edge=False)
    for header, width, field in zip(headers, widths, table.schema, strict=False):
        drawn.add_column(header, justify="right" if _is_number(field.type) else "left", no_wrap=True, width=width)
    for row in cells:
        drawn.add_row(*row[: len(widths)])
    if widths:
        console.print(drawn)
    if len(widths) < table.num_columns:
        left = ", ".join(table.column_names[len(widths) :])
        console.print(f"{table.num_columns - len(widths)} more columns: {left}", style="dim", markup=False)
    if seen.num_rows < table.num_rows:
        console.print(f"{seen.num_rows} of {table.num_rows} rows; --format csv or json gives all", style="dim")
    elif is_terminal:
        console.print(f"{table.num_rows} row{'' if table.num_rows == 1 else 's'}", style="dim")


def _cell(value: Plain) -> Text:
    if value is None:
        return Text("NULL", style="dim")
    return Text(shown(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)))


def shown(text: str) -> str:
    """Text that cannot move the cursor of a terminal."""
    return _CONTROL.sub(lambda match: match[0].encode("unicode_escape").decode(), text)


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind))


def fitting(natural: list[int], available: int) -> list[int]:
    """Widths of the columns that fit into `available` with `_GAP` between them, at least one.

    A column is cut where it must be, the widest first, to no less than `_LEAST_WIDTH`.
    """
    least = list(accumulate(min(width, _LEAST_WIDTH) + _GAP for width in natural))
    count = max(bisect_right(least, available + _GAP), min(len(natural), 1))
    room = available - _GAP * (count - 1)
    widest = min(max(natural[:count], default=0), room)
    while widest > _LEAST_WIDTH and sum(min(width, widest) for width in natural[:count]) > room:
        widest -= 1
    return [min(width, widest) for width in natural[:count]]
