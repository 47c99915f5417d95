"""Rows as JSON and CSV can hold them, for the terminal and for the API.

In: an Arrow table. Out: plain values: maps are objects, times are ISO 8601 in UTC; or CSV.
"""

import csv
import json
import math
import re
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any, Final, TextIO

import pyarrow as pa

Plain = str | int | float | bool | list["Plain"] | dict[str, "Plain"] | None
"""What JSON can hold."""

_FORMULA: Final = re.compile(r"^[=+\-@\t\r]")


def as_csv(table: pa.Table, out: TextIO) -> None:
    """CSV with a header; NULL is empty, and text that a spreadsheet would take for a formula is quoted by `'`."""
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(table.column_names)
    for row in rows(table):
        writer.writerow([csv_cell(value) for value in row])


def csv_cell(value: Plain) -> object:
    """A value as CSV has it: text that a spreadsheet would take for a formula begins with `'`."""
    if isinstance(value, str):
        return f"'{value}" if _FORMULA.match(value) else value
    return "" if value is None else value if isinstance(value, int | float) else json.dumps(value, ensure_ascii=False)


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
