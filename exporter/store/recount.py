"""Calls that turn out to wrap others: spans of one trace come in apart, and only together tell which of them count.

In: the segments of spans that are merged. Out: which rows count no longer.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa

from exporter import model
from exporter.decode import nesting
from exporter.decode.mapping import OUTER
from exporter.decode.normalise import among
from exporter.rollup.columns import one_dictionary, true
from exporter.store.slices import NO_ROWS, ROW, Rows, stretches

_NEEDED: Final = ("trace_id", "span_id", "parent_span_id", "gen_ai_operation_name", "is_counted", "start_time")


def wrappers(table: model.Table, paths: Sequence[Path], memory_bytes: int) -> Rows:
    """The rows of the segments that count as calls though another call is inside; ascending."""
    if "is_counted" not in table.columns:
        return NO_ROWS
    found = [_among(rows) for rows in stretches(table, paths, list(_NEEDED), memory_bytes)]
    return np.sort(np.concatenate([NO_ROWS, *found]))


def _among(rows: pa.Table) -> Rows:
    calls = true(rows["is_counted"])
    if not calls.any():
        return NO_ROWS
    operation = one_dictionary(rows["gen_ai_operation_name"])
    ids = nesting.Ids(*(rows[name].combine_chunks() for name in ("trace_id", "span_id", "parent_span_id")))
    outer = nesting.wrappers(ids, calls, ~calls & ~among(operation, OUTER))
    if outer is None:
        return NO_ROWS
    found: Rows = rows[ROW].to_numpy()[outer]
    return found
