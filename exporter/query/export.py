"""Rows of a view as a file; the statement is built here from names that DuckDB has confirmed.

In: a view, a time range, a condition. Out: a Parquet, CSV or JSON file.
"""

from enum import StrEnum
from pathlib import Path
from typing import Final

import duckdb

from exporter.errors import AxError
from exporter.query.ask import asked, sql
from exporter.query.fields import CALLS, LOGS, POINTS, RUNS, SPANS, TRACES
from exporter.query.filter import EVERYTHING, Condition, parse
from exporter.store import duck
from exporter.units import NS_PER_US


class Format(StrEnum):
    """What the file is."""

    PARQUET = "parquet"
    CSV = "csv"
    JSON = "json"


_OPTIONS: Final = {
    Format.PARQUET: "FORMAT parquet, COMPRESSION zstd",
    Format.CSV: "FORMAT csv, HEADER",
    Format.JSON: "FORMAT json",
}
_TIMES: Final = ("start_time", "time", "timestamp", "timeunix")
"""Columns that tell a row's time: the first that the view has."""
_SUBJECTS: Final = {
    "spans": SPANS,
    "spans_pending": SPANS,
    "traces": TRACES,
    "logs": LOGS,
    "metrics": POINTS,
    "llm_calls": CALLS,
    "workflow_runs": RUNS,
}
"""What a filter can ask of each view."""
_COLUMNS: Final = """
    SELECT column_name, data_type FROM duckdb_columns()
    WHERE schema_name = 'main' AND table_name = $view AND NOT internal ORDER BY column_index
"""
_VIEWS: Final = "SELECT view_name FROM duckdb_views() WHERE schema_name = 'main' AND NOT internal ORDER BY view_name"


def export(
    data: Path,
    view: str,
    file: Path,
    form: Format,
    *,
    since_ns: int | None = None,
    where: str | None = None,
    condition: Condition = EVERYTHING,
) -> int:
    """Writes the rows of `view` that are not older than `since_ns`, fulfil `condition` and for which `where` holds.

    Gives their number.

    In CSV, text that a spreadsheet would take for a formula begins with `'`. Raises `AxError`.
    """
    columns = {
        str(row["column_name"]): str(row["data_type"]) for row in sql(data, _COLUMNS, {"view": view}).to_pylist()
    }
    if not columns:
        views = ", ".join(map(str, sql(data, _VIEWS).column(0).to_pylist()))
        raise AxError(f"there is no view {view}", mend=f"views are {views}")
    conditions = [_since(since_ns, columns)] if since_ns is not None else []
    conditions += [f"({where})"] if where else []
    conditions.append(condition.sql)
    selected = ", ".join(
        _guarded(name, kind) if form is Format.CSV else duck.identifier(name) for name, kind in columns.items()
    )
    rows = f"SELECT {selected} FROM {duck.identifier(view)} WHERE {' AND '.join(conditions) or 'true'}"  # noqa: S608 (quoted)

    def copy(connection: duckdb.DuckDBPyConnection) -> int:
        counted = connection.execute(
            f"COPY ({rows}) TO {duck.literal(str(file.absolute()))} ({_OPTIONS[form]})",
            dict(condition.parameters),
        ).fetchone()
        return int(counted[0]) if counted else 0

    return asked(data, copy)


def condition_on(view: str, text: str | None) -> Condition:
    """The condition of a filter for the rows of a view. Raises `AxError`."""
    if text is None:
        return EVERYTHING
    subject = _SUBJECTS.get("metrics" if view.startswith("metrics_") else view)
    if subject is None:
        raise AxError(f"--filter does not know {view}", mend="use --where with SQL")
    return parse(text, subject)


def _since(since_ns: int, columns: dict[str, str]) -> str:
    by_lower = {name.lower(): name for name in columns}
    time = next((by_lower[name] for name in _TIMES if name in by_lower), None)
    if time is None:
        raise AxError("this view has no time", mend="use --where in place of --since")
    return f"{duck.identifier(time)} >= now() - to_microseconds({since_ns // NS_PER_US})"


def _guarded(name: str, kind: str) -> str:
    quoted = duck.identifier(name)
    if kind != "VARCHAR":
        return quoted
    return f"CASE WHEN regexp_matches({quoted}, '^[=+\\-@\\t\\r]') THEN '''' || {quoted} ELSE {quoted} END AS {quoted}"
