"""SQL over the published views.

In: a data directory and a statement. Out: an Arrow table.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, Literal, TypeVar

import duckdb
import pyarrow as pa

from exporter.errors import AxError
from exporter.store import duck

T = TypeVar("T")

_TRIES: Final = 2
"""A file that went while it was read is not in the next list."""


class NoData(AxError):
    """The data directory holds no `ax.duckdb`."""


class QueryFailed(AxError):
    """The statement is wrong, or could not be run."""


class OutOfBounds(QueryFailed):
    """It took longer, or more memory, than a question may; `reason` says which."""

    def __init__(self, reason: Literal["timeout", "memory"], message: str, *, mend: str) -> None:
        super().__init__(message, mend=mend)
        self.reason = reason


def sql(data: Path, query: str, parameters: Mapping[str, object] | None = None) -> pa.Table:
    """The rows of `query`, with its `$name` parameters, over the views of `data`.

    Raises `NoData` and `QueryFailed`.
    """

    def ask(connection: duckdb.DuckDBPyConnection) -> pa.Table:
        relation: duckdb.DuckDBPyRelation | None = connection.sql(query, params=dict(parameters or {}))
        return pa.table({}) if relation is None else relation.to_arrow_table()

    return asked(data, ask)


def asked(data: Path, ask: Callable[[duckdb.DuckDBPyConnection], T]) -> T:
    """What `ask` gets from `ax.duckdb`, opened for it; asked once more where a file of the list is gone.

    Raises `NoData` and `QueryFailed`.
    """
    for left in reversed(range(_TRIES)):
        if not (data / duck.FILE).is_file():
            raise NoData(f"no {duck.FILE} in {data}", mend="start `ax serve`, or name its directory with --data")
        try:
            with duck.reader(data) as connection:
                return ask(connection)
        except duckdb.IOException as error:
            if not left:
                raise QueryFailed(in_one_line(error)) from None
        except duckdb.Error as error:
            raise QueryFailed(in_one_line(error)) from None
    raise AssertionError  # pragma: no cover, the last try returns or raises


def in_one_line(error: Exception) -> str:
    """DuckDB's message in one line, without its picture of the statement."""
    text = str(error).partition("\n\nLINE ")[0]
    return " ".join(text.split())
