"""What can be asked: the published views and their columns, and what the filter of each kind of record knows.

In: the views. Out: names, types and words, for completion.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from exporter.query import fields
from exporter.query.answer import Answer
from exporter.query.fields import Subject
from exporter.query.views import Views
from exporter.store import publish

_SQL: Final = Path(publish.__file__).parent / "sql" / "views"
_ADDED_UP: Final = "cells_"
"""Views that others add up begin with it."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a view, and its type in DuckDB."""

    name: str
    type: str


@dataclass(frozen=True, slots=True)
class View:
    """A published view."""

    name: str
    description: str
    columns: tuple[Column, ...]


@dataclass(frozen=True, slots=True)
class Known:
    """A field of a filter: its kind is text, number, duration, money or flag."""

    name: str
    kind: str


@dataclass(frozen=True, slots=True)
class Asked:
    """What the filter of a kind of record knows; where `has_attributes`, also any name with a dot in it."""

    subject: str
    title: str
    has_attributes: bool
    fields: tuple[Known, ...]


@dataclass(frozen=True, slots=True)
class _Listed:
    view: str
    columns: list[dict[str, str]]


def columns(views: Views) -> Answer[View]:
    """The views that may be asked by SQL, by name. Raises `AxError`."""
    rows = views.rows("view_columns", _Listed, {})
    found = (
        View(row.view, _said_of(row.view), tuple(Column(one["name"], one["type"]) for one in row.columns))
        for row in rows
        if not row.view.startswith(_ADDED_UP)
    )
    return Answer(tuple(found), source="ax.duckdb")


def asked() -> Answer[Asked]:
    """What each kind of record can be asked for, by name."""
    found = (
        Asked(
            name,
            one.name,
            bool(one.attributes),
            tuple(Known(field, known.kind.name.lower()) for field, known in one.fields.items()),
        )
        for name, one in sorted(_subjects().items())
    )
    return Answer(tuple(found), source="filters")


def _subjects() -> Mapping[str, Subject]:
    every: dict[str, Any] = vars(fields)
    return {name.lower(): one for name, one in every.items() if isinstance(one, Subject)}


@cache
def _said_of(view: str) -> str:
    """The comment above its statement."""
    path = _SQL / f"{view}.sql"
    if not path.is_file():
        return ""
    lines = path.read_text(encoding="utf-8").splitlines()
    said: list[str] = []
    for line in lines:
        if not line.startswith("--"):
            break
        said.append(line.removeprefix("--").strip())
    return " ".join(said)
