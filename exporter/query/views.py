"""The published views, asked by statements in `sql/`: one file each, whose header tells its parameters.

In: a statement's name, the values of its `$parameters`, SQL for its `{places}` that filters and dimensions make.
Out: rows as frozen dataclasses, whose fields are the statement's columns.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import fields
from functools import cache
from pathlib import Path
from typing import Any, Final, TypeVar

import duckdb
import pyarrow as pa

from exporter.errors import AxError
from exporter.query.ask import NoData, QueryFailed, in_one_line
from exporter.query.fields import Subject
from exporter.store import duck

Row = TypeVar("Row")

SQL: Final = Path(__file__).parent / "sql"
_PARAMETER: Final = re.compile(r"\$(\w+)")
_TRIES: Final = 2


class Views:
    """`ax.duckdb` as it was when it was opened: for the questions of one moment. Use `reading`."""

    def __init__(self, data: Path) -> None:
        """Opens it. Raises `NoData`."""
        self.data = data
        self._connection = _opened(data)

    def rows(
        self, name: str, row: type[Row], parameters: Mapping[str, object], places: Mapping[str, str] | None = None
    ) -> tuple[Row, ...]:
        """The answer of the statement `name`; only those of the `parameters` that it has are bound.

        Raises `QueryFailed`.
        """
        table = self.table(name, parameters, places)
        expected = [field.name for field in fields(row)]  # type: ignore[arg-type]
        if table.column_names != expected:
            raise TypeError(f"{name}.sql gives {table.column_names}, {row.__name__} takes {expected}")
        columns = [column.to_pylist() for column in table.columns]
        return tuple(row(*values) for values in zip(*columns, strict=True))

    def table(self, name: str, parameters: Mapping[str, object], places: Mapping[str, str] | None = None) -> pa.Table:
        """The same as an Arrow table."""
        statement = text(name)
        for place, sql in (places or {}).items():
            statement = statement.replace(f"{{{place}}}", sql)
        used = set(_PARAMETER.findall(statement))
        bound = {key: value for key, value in parameters.items() if key in used}
        for left in reversed(range(_TRIES)):
            try:
                return self._connection.sql(statement, params=bound).to_arrow_table()
            except duckdb.IOException as error:
                if not left:
                    raise QueryFailed(in_one_line(error)) from None
                self.close()  # a file of the list has gone: there is a newer list
                self._connection = _opened(self.data)
            except duckdb.Error as error:
                raise QueryFailed(in_one_line(error)) from None
        raise AssertionError  # pragma: no cover, the last try returns or raises

    def interrupt(self) -> None:
        """From another thread: the question that is asked now fails."""
        self._connection.interrupt()

    def close(self) -> None:
        """Closes it."""
        self._connection.close()


@contextmanager
def reading(data: Path) -> Iterator[Views]:
    """The views of a data directory as they are now. Raises `NoData`."""
    views = Views(data)
    try:
        yield views
    finally:
        views.close()


@cache
def text(name: str) -> str:
    """A statement, without the comments of its header, in which parameters are named."""
    lines = (SQL / f"{name}.sql").read_text(encoding="utf-8").splitlines()
    return "\n".join(line for line in lines if not line.startswith("--"))


def dimensions(by: Sequence[str], subject: Subject) -> list[str]:
    """SQL of the fields `by` which rows are told apart. Raises `AxError` for one that is none."""
    unknown = [name for name in by if name not in subject.fields]
    if unknown:
        known = ", ".join(name for name, field in subject.fields.items() if field.kind.name == "TEXT")
        raise AxError(f"{subject.name} cannot be told apart by {unknown[0]}", mend=f"what they can is {known}")
    return [subject.fields[name].sql for name in by]


def grouping(by: Sequence[str], subject: Subject) -> dict[str, str]:
    """The places `{labels}`, a list of texts, and `{groups}`, what to group by after `bucket_ns`."""
    found = dimensions(by, subject)
    labels = ", ".join(f"{sql}::VARCHAR" for sql in found)
    return {"labels": f"[{labels}]::VARCHAR[]", "groups": "".join(f", {sql}" for sql in found)}


def labelled(labels: Any) -> tuple[str | None, ...]:
    """Labels as a row has them."""
    return tuple(labels or ())


def _opened(data: Path) -> duckdb.DuckDBPyConnection:
    if not (data / duck.FILE).is_file():
        raise NoData(f"no {duck.FILE} in {data}", mend="start `ax serve`, or name its directory with --data")
    try:
        return duck.reader(data)
    except duckdb.Error as error:
        raise QueryFailed(in_one_line(error)) from None
