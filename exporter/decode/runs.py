"""Runs and steps of workflows: copies of what matters of the spans that tell them, which outlive those spans.

In: decoded spans, ended and pending, and their attributes. Out: rows of `runs` and `steps`; none where there are none.
"""

from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from exporter.decode import columns as c
from exporter.decode.aliases import read_column
from exporter.decode.attributes import Attributes
from exporter.decode.mapping import Source
from exporter.decode.normalise import among
from exporter.model import LOW, TABLES, arrow_schema
from otel_ax import semconv

_ATTRIBUTES: Final = {
    "runs": {
        "status": semconv.WORKFLOW_STATUS,
        "steps_total": semconv.WORKFLOW_STEPS_TOTAL,
        "steps_completed": semconv.WORKFLOW_STEPS_COMPLETED,
        "steps_failed": semconv.WORKFLOW_STEPS_FAILED,
    },
    "steps": {
        "status": semconv.STEP_STATUS,
        "step_name": semconv.STEP_NAME,
        "retry_count": semconv.STEP_RETRY_COUNT,
        "input_bytes": semconv.STEP_INPUT_SIZE,
        "output_bytes": semconv.STEP_OUTPUT_SIZE,
    },
}


def run_tables(spans: pa.Table, attributes: Attributes, pending: c.Mask | None) -> dict[str, pa.Table]:
    """The rows of `runs` and `steps` that `spans`, a table of all spans in `attributes`' order, tell."""
    if spans.num_rows == 0:
        return {}
    kind, operation = spans["ax_kind"].chunk(0), spans["gen_ai_operation_name"].chunk(0)
    told = {
        "runs": among(kind, {"workflow"}) | among(operation, {"invoke_workflow"}),
        "steps": among(kind, {"step"}),
    }
    return {
        name: _table(name, spans, attributes, pending, np.flatnonzero(rows))
        for name, rows in told.items()
        if rows.any()
    }


def _table(name: str, spans: pa.Table, attributes: Attributes, pending: c.Mask | None, rows: c.Ints) -> pa.Table:
    schema = arrow_schema(TABLES[name])
    taken = spans.select([field.name for field in schema if field.name in spans.column_names]).take(pa.array(rows))
    columns = dict(zip(taken.column_names, taken.columns, strict=True))
    columns["is_pending"] = pa.array(np.zeros(len(rows), dtype=np.bool_) if pending is None else pending[rows])
    for column, attribute in _ATTRIBUTES[name].items():
        kind = schema.field(column).type
        plain = kind.value_type if kind == LOW else kind
        read = read_column(attributes.entries, Source(attribute), plain)
        values = pa.nulls(len(rows), plain) if read is None else read.take(pa.array(rows))
        columns[column] = pc.dictionary_encode(values) if kind == LOW else values
    return pa.Table.from_arrays([_whole(columns[field.name]) for field in schema], schema=schema)


def _whole(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    """One array, its dictionary without what only other rows use."""
    whole = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    return whole.dictionary_decode().dictionary_encode() if pa.types.is_dictionary(whole.type) else whole
