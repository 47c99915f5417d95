"""The published views and their columns, as this version makes them: what rules may name.

In: nothing. Out: for each view that has a time, its columns by name; the fields that a filter of it may use.
Names in rules are looked up here and never become SQL by themselves.
"""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from functools import cache
from pathlib import Path
from typing import Final

import duckdb

from exporter import model
from exporter.alert.quantity import Unit
from exporter.query.fields import Field, Kind, Subject
from exporter.store import duck, publish

TIMES: Final = ("end_time", "time", "start_time")
"""Columns by which rows are in a window, the best first."""
_SQL: Final = Path(publish.__file__).parent / "sql" / "views"
_NUMBERS: Final = frozenset(
    {
        "TINYINT",
        "SMALLINT",
        "INTEGER",
        "BIGINT",
        "HUGEINT",
        "UTINYINT",
        "USMALLINT",
        "UINTEGER",
        "UBIGINT",
        "FLOAT",
        "DOUBLE",
    }
)
_NOT_ASKED: Final = ("otel_", "cells_")
_ATTRIBUTES: Final = "attributes"


class Shape(Enum):
    """What a column holds."""

    TEXT = Kind.TEXT
    NUMBER = Kind.NUMBER
    DURATION = Kind.DURATION
    MONEY = Kind.MONEY
    FLAG = Kind.FLAG
    OTHER = None


@dataclass(frozen=True, slots=True)
class Column:
    """A column: what it holds; `sql` reads it in our units (ns, nano-dollars)."""

    name: str
    shape: Shape
    sql: str

    def unit(self, written: Unit) -> Unit:
        """Of its values; a plain number is of whatever the threshold is."""
        known: dict[Shape, Unit] = {Shape.DURATION: "ns", Shape.MONEY: "usd_nanos", Shape.FLAG: "ratio"}
        return known.get(self.shape, written)


@cache
def listed() -> Mapping[str, Mapping[str, Column]]:
    """The columns of each view that has a time. Takes 0.2 s once."""
    connection = duck.memory(threads=1)
    try:
        connection.execute("CREATE SCHEMA stored")
        for name, table in model.STORED.items():
            connection.register("nothing", model.parquet_schema(table).empty_table())
            connection.execute(f"CREATE TABLE stored.{name} AS FROM nothing")
            connection.execute(f"CREATE VIEW stored.{name}{publish.OPEN} AS FROM stored.{name}")
        connection.unregister("nothing")
        for name in publish.OBJECTS:
            with suppress(duckdb.Error):  # a view over files that a server writes: not for rules
                connection.execute((_SQL / f"{name}.sql").read_text(encoding="utf-8"))
        rows = connection.sql(
            "SELECT c.table_name, c.column_name, c.data_type FROM duckdb_columns() AS c"
            " JOIN duckdb_views() AS v ON v.view_name = c.table_name AND v.schema_name = c.schema_name"
            " WHERE c.schema_name = 'main' AND NOT v.internal ORDER BY c.table_name, c.column_index"
        ).fetchall()
    finally:
        connection.close()
    views: dict[str, dict[str, Column]] = {}
    for view, column, kind in rows:
        if not view.startswith(_NOT_ASKED):
            views.setdefault(view, {})[column] = _column(column, kind)
    return {view: columns for view, columns in views.items() if any(time in columns for time in TIMES)}


@cache
def subject_of(view: str) -> Subject:
    """What a filter of a view's rows may name: its columns, and attributes where it has them."""
    columns = listed()[view]
    fields = {
        name: Field(column.sql, column.shape.value)
        for name, column in columns.items()
        if column.shape.value is not None and name not in TIMES
    }
    return Subject(f"rows of {view}", fields, attributes=_ATTRIBUTES if _ATTRIBUTES in columns else "")


def time_of(view: str) -> str:
    """The column by which its rows are in a window: when they ended, where they say so."""
    return next(time for time in TIMES if time in listed()[view])


def per_unit(column: Column) -> str | None:
    """SQL of what a sum is divided by: how many different ones there are, or how many minutes; None: nothing."""
    if column.shape is Shape.TEXT:
        return f"count(DISTINCT {column.sql})"
    if column.shape is Shape.DURATION:
        return f"(sum({column.sql}) / 60e9)"
    return None


def _column(name: str, kind: str) -> Column:
    sql = duck.identifier(name)
    if name.endswith("_usd") or "_usd_" in name:
        return Column(name, Shape.MONEY, f"({sql} * 1000000000)")
    if name.endswith("_nanos"):
        return Column(name, Shape.MONEY, sql)
    if kind in _NUMBERS or kind.startswith("DECIMAL"):
        if name.endswith("unix_nano"):
            return Column(name, Shape.OTHER, sql)
        return Column(name, Shape.DURATION if name.endswith("_ns") else Shape.NUMBER, sql)
    return Column(name, {"VARCHAR": Shape.TEXT, "BOOLEAN": Shape.FLAG}.get(kind, Shape.OTHER), sql)
