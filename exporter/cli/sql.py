"""`ax sql`.

In: a statement. Out: its rows as a table, JSON or CSV.
"""

import sys
from enum import StrEnum
from typing import Annotated

import typer

from exporter import query as queries
from exporter.cli import render
from exporter.cli.options import Data, directory
from exporter.query import plain


class Format(StrEnum):
    """How rows are written."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"


_WRITERS = {Format.TABLE: render.as_table, Format.JSON: render.as_json, Format.CSV: plain.as_csv}


def sql(
    query: Annotated[str, typer.Argument(help="SQL as DuckDB speaks it; - reads it from stdin.")],
    data: Data = None,
    form: Annotated[Format, typer.Option("--format", "-f", help="How rows are written.")] = Format.TABLE,
) -> None:
    """Ask the stored telemetry, while it arrives or when nothing runs.

    Views are llm_calls, agent_runs, tool_calls, workflow_runs, workflow_steps, voice_turns, conversations, evaluations
    and service_map; rollup_1min, rollup_1hour and rollup_1day; spans, span_events, traces, spans_pending, logs,
    metrics_gauge, metrics_sum, metrics_histogram, metrics_exp_histogram and metrics_summary; and otel_*, with the names
    of the Collector's ClickHouse exporter.

        ax sql "select service_name, name, count(*) from spans group by all order by 3 desc"
        ax sql "select model, count(*) as calls, sum(cost_usd) as usd from llm_calls group by model"
        ax sql "select time, severity_text, body from logs order by time desc limit 20"
        ax sql "select attributes['http.route'] from spans limit 5" --format json

    A table fits the terminal; json and csv are whole.
    """
    statement = sys.stdin.read() if query == "-" else query
    _WRITERS[form](queries.sql(directory(data), statement), sys.stdout)
