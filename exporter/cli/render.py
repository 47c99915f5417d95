"""Rows as people and programs read them.

In: an Arrow table. Out: a table that fits the terminal, JSON, or CSV. Maps are objects, times are ISO 8601 in UTC.
"""

import csv
import json
import math
import os
import re
from bisect import bisect_right
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, time
from decimal import Decimal
from itertools import accumulate
from typing import Any, Final, TextIO

import pyarrow as pa
from rich.console import Console
from rich.table import Table
from rich.text import Text

Plain = str | int | float | bool | list["Plain"] | dict[str, "Plain"] | None
"""What JSON can hold."""

_CONTROL: Final = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")
_FORMULA: Final = re.compile(r"^[=+\-@\t\r]")
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


def as_csv(table: pa.Table, out: TextIO) -> None:
    """CSV with a header; NULL is empty, and text that a spreadsheet would take for a formula is quoted by `'`."""
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(table.column_names)
    for row in rows(table):
        writer.writerow([csv_cell(value) for value in row])


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


def rows(table: pa.Table) -> Iterator[list[Plain]]:
    """Each row's values, as JSON can hold them."""
    plain = [_plain(field.type) for field in table.schema]
    for batch in table.to_batches(max_chunksize=10_000):
        columns = [
            [read(value) for value in _values(column)] for read, column in zip(plain, batch.columns, strict=True)
        ]
        yield from (list(row) for row in zip(*columns, strict=True))


def _values(column: pa.Array) -> list[object]:
    try:
        values: list[object] = column.to_pylist()
    except (ValueError, OverflowError):  # nanoseconds, or a time beyond the year 9999
        values = column.cast(pa.string()).to_pylist()
    return values


def _plain(kind: pa.DataType) -> Callable[[object], Plain]:
    """A function that turns a value of `kind` into what JSON can hold."""
    if pa.types.is_map(kind):
        inner = _plain(kind.item_type)
        return _or_none(lambda pairs: {str(key): inner(value) for key, value in pairs})
    if pa.types.is_struct(kind):
        fields = {field.name: _plain(field.type) for field in kind}
        return _or_none(lambda value: {name: read(value[name]) for name, read in fields.items()})
    if pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
        item = _plain(kind.value_type)
        return _or_none(lambda value: [item(one) for one in value])
    return _scalar


def _or_none(read: Callable[[Any], Plain]) -> Callable[[object], Plain]:
    return lambda value: None if value is None else read(value)


def _scalar(value: object) -> Plain:
    match value:
        case None | bool() | int() | str():
            return value
        case float():
            return value if math.isfinite(value) else "NaN" if math.isnan(value) else _infinity(value)
        case Decimal():
            return int(value) if value == value.to_integral_value() and _is_whole(value) else float(value)
        case datetime():
            return (value if value.tzinfo is None else value.astimezone(UTC)).isoformat().replace("+00:00", "Z")
        case date() | time():
            return value.isoformat()
        case bytes():
            return value.hex()
    return str(value)


def _infinity(value: float) -> str:
    return "Infinity" if value > 0 else "-Infinity"


def _is_whole(value: Decimal) -> bool:
    return value.as_tuple().exponent == 0


def csv_cell(value: Plain) -> object:
    """A value as CSV has it: text that a spreadsheet would take for a formula begins with `'`."""
    if isinstance(value, str):
        return f"'{value}" if _FORMULA.match(value) else value
    return "" if value is None else value if isinstance(value, int | float) else json.dumps(value, ensure_ascii=False)


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
