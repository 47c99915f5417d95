"""One statement, from its text to rows as JSON; in the process that was forked for it.

In: a socket with the question. Out: one line of JSON on it: columns and rows, or why there are none; where an Arrow
stream is asked for, that follows in the place of rows.
"""

import json
import math
import socket
import threading
import time
from datetime import UTC, date, datetime
from datetime import time as time_of_day
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import duckdb
import pytz  # type: ignore[import-untyped]  # noqa: F401 (DuckDB needs it to hand out TIMESTAMPTZ; loaded before the fork it costs nothing)

from exporter.sandbox.allowed import Forbidden, check, inner_of, only_of
from exporter.sandbox.confine import confine
from exporter.sandbox.stream import written
from exporter.tenants import folder, narrow

_ROWS_AT_ONCE: Final = 100
_MESSAGE_LENGTH: Final = 600
_FILE: Final = "ax.duckdb"

_FAILED_MEND: Final = "correct the statement; `FROM (DESCRIBE spans)` tells the columns of a view"
SETTINGS: Final[dict[str, str | bool | int | float | list[str]]] = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "allow_community_extensions": "false",
    "allow_unsigned_extensions": "false",
    "allow_persistent_secrets": "false",
    "python_enable_replacements": "false",  # FROM x would be a variable of ours
    "temp_directory": "",
    "threads": "1",
}

Answer = dict[str, Any]


def answer(job: socket.socket) -> None:
    """Reads the question, puts up the walls, asks, and says what came of it."""
    question = json.loads(_exactly(job, int.from_bytes(_exactly(job, 4), "big")))
    limits = question["limits"]
    confine({**limits, "kill_s": math.ceil(limits["kill_s"])})
    data, stream = question["data"], b""
    try:
        said, stream = _asked(Path(data), question["sql"], question["tenant"], limits, is_arrow=question["is_arrow"])
    except RecursionError:
        said = _refusal("statement", "the statement is nested too deeply", "write it flatter")
    except Forbidden as error:
        said = _refusal("statement", str(error), error.mend)
    except duckdb.InterruptException:
        mend = "ask for a shorter time or for fewer rows"
        said = _refusal("timeout", f"the statement took longer than {limits['interrupt_s']:g} s", mend)
    except (MemoryError, duckdb.OutOfMemoryException):
        said = _refusal("memory", "the statement needed more memory than it may have", "ask for fewer rows at a time")
    except duckdb.Error as error:
        said = _refusal("failed", _in_one_line(_without(str(error), data)), _FAILED_MEND)
    except (ValueError, OverflowError):  # Python has no such value: an interval of five million years
        said = _refusal("failed", "a value that cannot be shown as it is", "cast it: value::VARCHAR")
    job.sendall(json.dumps(said, allow_nan=False).encode() + b"\n")
    if stream:
        job.sendall(stream + b"\n")


def _exactly(job: socket.socket, size: int) -> bytes:
    parts = b""
    while len(parts) < size:
        part = job.recv(min(size - len(parts), 2**20))
        if not part:
            raise EOFError
        parts += part
    return parts


def _asked(data: Path, sql: str, tenant: str | None, limits: dict[str, Any], *, is_arrow: bool) -> tuple[Answer, bytes]:
    started = time.monotonic_ns()
    if not (data / _FILE).is_file():
        return _refusal("no_data", "nothing is stored yet", "start `ax serve` on this directory first"), b""
    with duckdb.connect(":memory:", config=SETTINGS) as connection:  # noqa: TID251 (store.duck would load Arrow)
        connection.execute(f"SET memory_limit = '{limits['memory_bytes']}B'")
        connection.execute("SET TimeZone = 'UTC'")
        views = opened(connection, data, tenant)
        statement = _checked(connection, sql, views)
        locked(connection, data, tenant)
        threading.Timer(limits["interrupt_s"], connection.interrupt).start()
        said, stream = _in_arrow(connection, statement, limits) if is_arrow else _in_rows(connection, statement, limits)
    return said | {"elapsed_ns": time.monotonic_ns() - started}, stream


def _in_arrow(connection: duckdb.DuckDBPyConnection, statement: str, limits: dict[str, Any]) -> tuple[Answer, bytes]:
    stream, truncated = written(connection, statement, limits["rows"], limits["bytes"])
    return {"size": len(stream), "truncated": truncated}, stream


def _in_rows(connection: duckdb.DuckDBPyConnection, statement: str, limits: dict[str, Any]) -> tuple[Answer, bytes]:
    connection.execute(statement)
    columns = [[name, str(kind)] for name, kind, *_ in connection.description or ()]
    if len(json.dumps(columns)) > limits["bytes"]:  # the name of a type can be as long as what it is made of
        return _refusal("memory", "the names of the columns are too long", "ask for simpler types"), b""
    rows, truncated = _within(connection, limits["rows"], limits["bytes"])
    return {"columns": columns, "rows": rows, "truncated": truncated}, b""


def opened(connection: duckdb.DuckDBPyConnection, data: Path, tenant: str | None) -> frozenset[str]:
    """Copies the published views and macros into memory; of a tenant over its own files. Gives their names.

    What is published holds no rows, and nothing stays attached that could tell its path.
    """
    connection.execute(f"ATTACH {_literal(str(data / _FILE))} AS ax (READ_ONLY)")
    connection.execute("COPY FROM DATABASE ax TO memory")
    connection.execute("DETACH ax")
    return narrow(connection, data, tenant)


def _checked(connection: duckdb.DuckDBPyConnection, sql: str, views: frozenset[str]) -> str:
    """The statement as it may be run. Raises `Forbidden` and `duckdb.Error`."""
    statements = connection.extract_statements(sql)
    kind = only_of([statement.type.name for statement in statements])
    text = inner_of(statements[0].query) if kind == "EXPLAIN" else sql
    row = connection.execute("SELECT json_serialize_sql($sql::VARCHAR)", {"sql": text}).fetchone()
    tree = json.loads(row[0] if row else "{}")
    if tree.get("error", True) or len(tree["statements"]) != 1:
        raise Forbidden(str(tree.get("error_message", "the statement cannot be read")))
    check(tree, views)
    return f"EXPLAIN {text}" if kind == "EXPLAIN" else text


def locked(connection: duckdb.DuckDBPyConnection, data: Path, tenant: str | None) -> None:
    """From here on DuckDB opens segments and nothing else, and no setting can be changed."""
    segments = data / "segments"
    if tenant is None:
        folders = [segments, data / "control"]
    else:
        folders = [table / folder(tenant) for table in segments.iterdir()]
    listed = ", ".join(_literal(str(folder)) for folder in [data / "schema", *folders])
    connection.execute(f"SET allowed_directories = [{listed}]")
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")


def _within(connection: duckdb.DuckDBPyConnection, most_rows: int, most_bytes: int) -> tuple[list[list[Any]], bool]:
    """Rows as JSON can hold them, and whether there were more than the limits let through."""
    rows: list[list[Any]] = []
    size = 0
    while fetched := connection.fetchmany(_ROWS_AT_ONCE):
        for values in fetched:
            row = [plain(value) for value in values]
            size += len(json.dumps(row).encode())
            if len(rows) == most_rows or size > most_bytes:
                return rows, True
            rows.append(row)
    return rows, False


def plain(value: Any) -> Any:
    """A value of DuckDB's as JSON can hold it: times as ISO 8601, bytes in hex, exact numbers as numbers."""
    match value:
        case None | bool() | int() | str():
            return value
        case float():
            return value if math.isfinite(value) else str(value).replace("inf", "Infinity").replace("nan", "NaN")
        case Decimal():
            return int(value) if value.as_tuple().exponent == 0 else float(value)
        case datetime():
            return (value if value.tzinfo is None else value.astimezone(UTC)).isoformat().replace("+00:00", "Z")
        case date() | time_of_day():
            return value.isoformat()
        case bytes():
            return value.hex()
        case dict():
            return {str(key): plain(inner) for key, inner in value.items()}
        case list() | tuple():
            return [plain(inner) for inner in value]
    return str(value)


def _refusal(reason: str, message: str, mend: str) -> Answer:
    return {"refused": reason, "message": message, "mend": mend}


def _without(message: str, data: str) -> str:
    """The message without our path, also as SQL of ours has it."""
    return message.replace(data, "DATA").replace(_literal(data)[1:-1], "DATA")


def _in_one_line(text: str) -> str:
    """DuckDB's message without its picture of the statement."""
    return " ".join(text.partition("\n\nLINE ")[0].split())[:_MESSAGE_LENGTH]


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
