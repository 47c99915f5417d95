"""What was sent against what is stored, column by column.

In: rows of a view, and what a test says of them in plain values. Out: the differences.
"""

import json
from pathlib import Path
from typing import Any, Final

import duckdb

from tests.running import until

Row = dict[str, Any]

_MAPS: Final = frozenset({"attributes", "resource_attributes", "scope_attributes", "filtered_attributes"})


def rows(data: Path, query: str, *parameters: object) -> list[Row]:
    """Rows of a query on `ax.duckdb` as it is published now, as dictionaries."""
    with duckdb.connect(data / "ax.duckdb", read_only=True) as connection:
        result = connection.execute(query, parameters)
        names = [column[0] for column in result.description or ()]
        return [dict(zip(names, values, strict=True)) for values in result.fetchall()]


def assert_stored(data: Path, said: dict[str, list[Row]], service: str, *, seconds: float = 30) -> None:
    """Waits until each view holds as many rows of `service` as were said of it, then compares them one by one.

    Rows are in the order of their time, and points in that of their metric's name.
    """
    for view, records in said.items():
        order = {"spans": "start_time_unix_nano", "logs": "time_unix_nano"}.get(view, "metric_name")
        query = f"FROM {view} WHERE service_name = ? ORDER BY {order}"
        found = _awaited(data, query, service, len(records), seconds)
        assert [differences(row, record) for row, record in zip(found, records, strict=True)] == [{}] * len(records)


def _awaited(data: Path, query: str, service: str, count: int, seconds: float) -> list[Row]:
    until(lambda: len(rows(data, query, service)) >= count, f"{count} rows of {query}", seconds=seconds)
    return rows(data, query, service)


def differences(row: Row, said: Row) -> dict[str, tuple[object, object]]:
    """Where `row` is not what was said: (stored, said) by column. Columns of which nothing was said do not count."""
    return {
        name: (row.get(name), value)
        for name, value in said.items()
        if _stored(name, row.get(name)) != _said(name, value)
    }


def _stored(name: str, value: Any) -> Any:
    if name in _MAPS:
        return {key: _number(text) for key, text in (value or {}).items()}
    if name in {"events", "links"}:
        return [{key: _stored(key, inner) for key, inner in entry.items()} for entry in value]
    return value


def _said(name: str, value: Any) -> Any:
    if name in _MAPS:
        return {key: _number(text(inner)) for key, inner in value.items()}
    if name in {"events", "links"}:
        return [_Part({key: _said(key, inner) for key, inner in entry.items()}) for entry in value]
    if name.endswith("_unix_nano"):
        return int(value)
    return text(value) if name == "body" and value is not None else value


class _Part(dict[str, Any]):
    """Equal to a dictionary that holds at least the same."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, dict) and {key: other.get(key) for key in self} == dict(self)

    def __ne__(self, other: object) -> bool:
        return not self == other

    __hash__ = None


def _number(written: str | None) -> str | float | None:
    """A number by its value, since one double has many texts; other text as it is."""
    try:
        return float(written) if written is not None and "." in written else written
    except ValueError:
        return written


def text(value: Any) -> str | None:
    """An attribute's value as the views show it."""
    match value:
        case None | str():
            return value
        case bool() | int() | float():
            return json.dumps(value)
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
