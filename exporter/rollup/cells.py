"""Rows of any table to the cells of their minutes.

In: tables by name. Out: cells.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Final

import pyarrow as pa

from exporter import model
from exporter.dimensions import DIMENSIONS
from exporter.rollup import increments, points, spans
from exporter.rollup.add import without_nothing
from exporter.rollup.group import SCHEMA, Parts, grouped
from exporter.rollup.increments import Last

MINUTE: Final = "cells_1min"
"""The table that rows add to."""

_MINUTE_US: Final = model.CELL_WIDTHS[MINUTE] * 1_000_000

_PARTS: Final[Mapping[str, Callable[[pa.Table], Parts | None]]] = {
    "spans": spans.parts_of_spans,
    "metrics_gauge": points.parts_of_gauges,
    "metrics_sum": points.parts_of_sums,
    "metrics_histogram": points.parts_of_histograms,
    "metrics_exp_histogram": points.parts_of_exp_histograms,
}

NEEDED: Final[Mapping[str, Sequence[str]]] = {
    name: spans.NEEDED if name == "spans" else points.needed(name) for name in _PARTS
}
"""The columns of a table that its cells are made of; tables that are not named make none."""


def cells_of(tables: Mapping[str, pa.Table], dimensions: Sequence[str] = DIMENSIONS) -> pa.Table:
    """What rows add to the cells of their minutes, told apart by `dimensions` only."""
    made = [_of_one(_PARTS[name], rows, dimensions) for name, rows in tables.items() if name in _PARTS]
    return pa.concat_tables(made) if made else SCHEMA.empty_table()


def cells_with(
    tables: Mapping[str, pa.Table], last: Mapping[str, Last | None], dimensions: Sequence[str]
) -> tuple[pa.Table, dict[str, Last | None]]:
    """`cells_of` rows that come in, and what cumulative points add to the `last` ones by table; and the last from now.

    Of rows that come in only: a cumulative point that is removed was a double, which added nothing.
    """
    made, after = [cells_of(tables, dimensions)], {}
    for name in increments.TABLES:
        if name in tables:
            parts, after[name] = increments.increments(name, tables[name], last.get(name))
            made.append(_minutes(parts, dimensions))
    return pa.concat_tables(made), after


def _of_one(parts_of: Callable[[pa.Table], Parts | None], rows: pa.Table, dimensions: Sequence[str]) -> pa.Table:
    return _minutes(parts_of(rows) if rows.num_rows else None, dimensions)


def _minutes(parts: Parts | None, dimensions: Sequence[str]) -> pa.Table:
    if parts is None:
        return SCHEMA.empty_table()
    lost = set(DIMENSIONS) - set(dimensions)
    texts = {name: column for name, column in parts.texts.items() if name not in lost}
    minutes = parts.time // _MINUTE_US * _MINUTE_US
    return without_nothing(grouped(replace(parts, time=minutes, texts=texts)))
