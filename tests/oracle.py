"""What decode must give, in plain Python: slow, written from the meaning of the columns, sharing no code with it.

In: requests as the journal holds them. Out: rows per table as Python values: None for NULL, pairs for maps, dicts for
events, links, exemplars and quantiles, microseconds for timestamps. `rows` brings Arrow tables into the same form.
Rows of both compare with ==: NaN is the one object `math.nan`, and a double's text is the one that Python writes.
"""

import math
import re
from collections.abc import Callable, Sequence
from typing import Any, Final

import pyarrow as pa

from exporter.config import Limits, Retention
from exporter.model import PROMOTED_RESOURCE, TABLES, Request, Signal, column_of
from tests.oracle_metrics import points
from tests.oracle_records import Found, logs, spans
from tests.oracle_understood import understand
from tests.oracle_values import Pairs, Row, double, literal

_READERS: Final[dict[Signal, Callable[[Request, Limits, Retention], Found]]] = {
    Signal.TRACES: spans,
    Signal.METRICS: points,
    Signal.LOGS: logs,
}


def decode(requests: Sequence[Request], limits: Limits, retention: Retention) -> dict[str, list[Row]]:
    """The rows of every table, in the order in which their records were sent."""
    tables: dict[str, list[Row]] = {name: [] for name in TABLES}
    found = [one for request in requests for one in _READERS[request.signal](request, limits, retention)]
    found += understand(found)
    for name, row in found:
        # In the table's order, so that a column that is missing or too many cannot go unseen.
        tables[name].append({column: _same_nan(row.pop(column)) for column in TABLES[name].columns})
        if row:
            raise AssertionError(f"{name} has no columns {sorted(row)}")
    return tables


def rows(table: pa.Table) -> list[Row]:
    """The rows of a decoded table, or of a segment, in the form that `decode` gives."""
    for place, column in enumerate(table.schema):
        if pa.types.is_timestamp(column.type):
            table = table.set_column(place, column.name, table[column.name].cast(pa.int64()))
    return [_with_python_doubles(_same_nan(row)) for row in table.to_pylist()]


def _same_nan(value: Any) -> Any:
    """The value with every NaN in it replaced by `math.nan`, which is equal to itself inside a list or a dict."""
    match value:
        case float() if math.isnan(value):
            return math.nan
        case list():
            return [_same_nan(item) for item in value]
        case dict():
            return {key: _same_nan(item) for key, item in value.items()}
    return value


# ── Text of doubles ───────────────────────────────────────────────────────────────────────────────────────────────
# Any text that reads back as the same double will do, `1e3` for `1000.0`: it is brought to the one that Python writes.

_LITERALS: Final = (
    ("resource_attributes", "resource_attribute_types"),
    ("scope_attributes", "scope_attribute_types"),
    ("metric_metadata", "metric_metadata_types"),
)
_PAIR: Final = re.compile(r'"((?:[^"\\]|\\.)*)"=(?:"((?:[^"\\]|\\.)*)"|NULL)', re.DOTALL)
_ESCAPED: Final = re.compile(r"\\(.)", re.DOTALL)


def _with_python_doubles(row: Row) -> Row:
    for item in (row, *row.get("events", ()), *row.get("links", ())):
        if "attributes" in item:
            item["attributes"] = _doubles(item["attributes"], item["attribute_types"])
    for item in row.get("exemplars", ()):
        item["filtered_attributes"] = _doubles(item["filtered_attributes"], item["filtered_attribute_types"])
    for column, types in _LITERALS:
        if "d" in row.get(types, ""):
            row[column] = literal(_doubles(_pairs(row[column]), row[types]))
    if "resource_attributes" not in row:
        return row
    for (key, _), letter in zip(_pairs(row["resource_attributes"]), row["resource_attribute_types"], strict=True):
        if letter == "d" and key in PROMOTED_RESOURCE:
            row[column_of(key)] = _double(row[column_of(key)])
    if row.get("body_type") == "d":
        row["body"] = _double(row["body"])
    return row


def _doubles(pairs: Pairs, types: str) -> Pairs:
    if len(pairs) != len(types):
        raise AssertionError(f"{len(pairs)} attributes, but the types {types!r}")
    return [(key, _double(text) if kind == "d" else text) for (key, text), kind in zip(pairs, types, strict=True)]


def _double(text: str | None) -> str | None:
    if text in {None, "NaN", "Infinity", "-Infinity"}:
        return text
    number = float(text or "")
    return double(number) if math.isfinite(number) else text


def _pairs(text: str) -> Pairs:
    """The entries of a map literal; fails when it is not exactly what `literal` writes."""
    pairs = [
        (_ESCAPED.sub(r"\1", match[1]), None if match[2] is None else _ESCAPED.sub(r"\1", match[2]))
        for match in _PAIR.finditer(text)
    ]
    if literal(pairs) != text:
        raise AssertionError(f"not the literal of a map: {text!r}")
    return pairs
