"""Control tables as Parquet, which `ax.duckdb` shows as views: DuckDB cannot read SQLite without a download.

In: the control database. Out: `DATA/control/NAME.parquet`, renamed over when what is in it has changed.
"""

import json
import os
import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from exporter import disk
from exporter.control.database import Control

FOLDER: Final = "control"
"""In the data directory, mode 0700."""

_NANOS: Final = Decimal(1_000_000_000)
_NS_PER_US: Final = 1_000
_MOST_HISTORY: Final = 100_000  # rows; 30 days of a change each 26 s


class Kind(Enum):
    """What a column holds in SQLite, and what readers of the file see."""

    TEXT = "text"
    COUNT = "whole number"
    NUMBER = "number"
    FLAG = "0 or 1"
    TIME = "Unix nanoseconds"
    MAP = "JSON object of text"
    USD = "nano-dollars"

    @property
    def type(self) -> pa.DataType:
        """Its type in the file."""
        return _TYPES[self]


_TYPES: Final[Mapping[Kind, pa.DataType]] = {
    Kind.TEXT: pa.string(),
    Kind.COUNT: pa.int64(),
    Kind.NUMBER: pa.float64(),
    Kind.FLAG: pa.bool_(),
    Kind.TIME: pa.timestamp("us", tz="UTC"),
    Kind.MAP: pa.map_(pa.string(), pa.string()),
    Kind.USD: pa.decimal128(19, 9),
}
_READ: Final[Mapping[Kind, Callable[[Any], Any]]] = {
    Kind.FLAG: bool,
    Kind.TIME: lambda nanoseconds: nanoseconds // _NS_PER_US,
    Kind.MAP: lambda text: [(_whole(name), _whole(str(value))) for name, value in json.loads(text).items()],
    Kind.USD: lambda nanos: Decimal(nanos) / _NANOS,
}


@dataclass(frozen=True, slots=True)
class Published:
    """A view: its columns in order, and the statement over SQLite that gives them under these names.

    `mark`, where it is told, is a cheap statement whose answer changes whenever that of `sql` does.
    """

    columns: Mapping[str, Kind]
    sql: str
    mark: str = ""

    @property
    def schema(self) -> pa.Schema:
        """Of the file; fields are numbered, as those of segments are."""
        return pa.schema(
            [
                pa.field(name, kind.type, metadata={"PARQUET:field_id": str(number)})
                for number, (name, kind) in enumerate(self.columns.items(), 1)
            ]
        )


PUBLISHED: Final[Mapping[str, Published]] = {
    "alert_rules": Published(
        {
            "id": Kind.TEXT,
            "name": Kind.TEXT,
            "group": Kind.TEXT,
            "source": Kind.TEXT,
            "enabled": Kind.FLAG,
            "severity": Kind.TEXT,
            "unit": Kind.TEXT,
            "interval_ns": Kind.COUNT,
            "window_ns": Kind.COUNT,
            "for_ns": Kind.COUNT,
            "description": Kind.TEXT,
            "labels": Kind.MAP,
            "definition": Kind.TEXT,
            "health": Kind.TEXT,
            "error": Kind.TEXT,
            "missed": Kind.COUNT,
            "evaluated_at": Kind.TIME,
            "took_ns": Kind.COUNT,
        },
        """SELECT id, name, "group", source, enabled, severity, unit, interval_ns, window_ns, for_ns, description,
            labels, definition, health, error, missed, evaluated_at, took_ns FROM alert_rules ORDER BY id""",
    ),
    "alerts": Published(
        {
            "id": Kind.TEXT,
            "rule": Kind.TEXT,
            "state": Kind.TEXT,
            "severity": Kind.TEXT,
            "labels": Kind.MAP,
            "value": Kind.NUMBER,
            "threshold": Kind.NUMBER,
            "started_at": Kind.TIME,
            "fired_at": Kind.TIME,
            "acknowledged_at": Kind.TIME,
            "acknowledged_by": Kind.TEXT,
            "resolved_at": Kind.TIME,
            "resolved_by": Kind.TEXT,
            "reason": Kind.TEXT,
            "annotations": Kind.MAP,
            "rule_id": Kind.TEXT,
            "tenant_id": Kind.TEXT,
            "fingerprint": Kind.TEXT,
            "episode": Kind.TEXT,
        },
        """SELECT a.id, a.rule, a.state, a.severity, a.labels,
            coalesce(i.value, a.value) AS value, coalesce(i.threshold, a.threshold) AS threshold,
            a.started_at, a.fired_at, a.acknowledged_at, a.acknowledged_by, a.resolved_at, a.resolved_by, a.reason,
            a.annotations, a.rule_id, a.tenant_id, a.fingerprint, a.episode
        FROM alerts a LEFT JOIN alert_instances i ON i.episode = a.episode AND a.state <> 'resolved'
        ORDER BY a.started_at, a.episode""",
    ),
    "alert_history": Published(
        {
            "alert_id": Kind.TEXT,
            "rule": Kind.TEXT,
            "at": Kind.TIME,
            "from_state": Kind.TEXT,
            "to_state": Kind.TEXT,
            "value": Kind.NUMBER,
            "by": Kind.TEXT,
            "reason": Kind.TEXT,
            "transition": Kind.TEXT,
            "severity": Kind.TEXT,
            "threshold": Kind.NUMBER,
            "rule_id": Kind.TEXT,
            "tenant_id": Kind.TEXT,
            "episode": Kind.TEXT,
        },
        f"""SELECT substr(episode, 1, 12) AS alert_id, rule, at, from_state, to_state, value, by, reason, transition,
            severity, threshold, rule_id, tenant_id, episode
        FROM (SELECT * FROM alert_history ORDER BY number DESC LIMIT {_MOST_HISTORY}) ORDER BY number""",  # noqa: S608
        mark="SELECT max(number), count(*) FROM alert_history",
    ),
    "budgets": Published(
        {
            "name": Kind.TEXT,
            "usd": Kind.USD,
            "spent_usd": Kind.USD,
            "used_ratio": Kind.NUMBER,
            "per": Kind.TEXT,
            "zone": Kind.TEXT,
            "scope": Kind.MAP,
            "period_start": Kind.TIME,
            "period_end": Kind.TIME,
            "state": Kind.TEXT,
            "calls": Kind.COUNT,
            "unpriced": Kind.COUNT,
            "generation": Kind.COUNT,
            "updated_at": Kind.TIME,
        },
        """SELECT g.budget AS name, g.limit_nanos AS usd, p.nanos AS spent_usd,
            1.0 * p.nanos / g.limit_nanos AS used_ratio, g.per, g.zone, g.scope, p.period_start, p.period_end,
            CASE WHEN p.nanos >= g.limit_nanos THEN 'exceeded' WHEN 100 * p.unpriced > p.calls THEN 'incomplete'
                WHEN EXISTS (SELECT 1 FROM budget_events e WHERE e.budget = g.budget AND e.generation = g.generation
                    AND e.period_start = p.period_start AND e.basis = 'spent') THEN 'warning' ELSE 'ok' END AS state,
            p.calls, p.unpriced, g.generation, p.updated_at
        FROM budget_generations g JOIN budget_periods p ON p.budget = g.budget AND p.generation = g.generation
        WHERE g.retired_at IS NULL AND p.period_start = (SELECT max(period_start) FROM budget_periods l
            WHERE l.budget = g.budget AND l.generation = g.generation)
        ORDER BY name""",
    ),
    "budget_events": Published(
        {
            "budget": Kind.TEXT,
            "at": Kind.TIME,
            "threshold": Kind.COUNT,
            "basis": Kind.TEXT,
            "spent_usd": Kind.USD,
            "usd": Kind.USD,
            "period_start": Kind.TIME,
            "period_end": Kind.TIME,
            "late": Kind.FLAG,
            "told": Kind.FLAG,
            "generation": Kind.COUNT,
        },
        """SELECT budget, at, threshold, basis, nanos AS spent_usd, limit_nanos AS usd, period_start, period_end, late,
            told, generation FROM budget_events ORDER BY at, budget, threshold""",
        mark="SELECT max(rowid), count(*) FROM budget_events",
    ),
    "cost_projections": Published(
        {
            "budget": Kind.TEXT,
            "at": Kind.TIME,
            "projected_usd": Kind.USD,
            "low_usd": Kind.USD,
            "high_usd": Kind.USD,
            "usd": Kind.USD,
            "spent_usd": Kind.USD,
            "period_start": Kind.TIME,
            "period_end": Kind.TIME,
            "gone_at": Kind.TIME,
        },
        """SELECT p.budget, p.shown_at AS at, p.expected_nanos AS projected_usd, p.low_nanos AS low_usd,
            p.high_nanos AS high_usd, g.limit_nanos AS usd, p.nanos AS spent_usd, p.period_start, p.period_end,
            p.gone_at
        FROM budget_periods p JOIN budget_generations g ON g.budget = p.budget AND g.generation = p.generation
        WHERE p.expected_nanos IS NOT NULL ORDER BY p.period_start, p.budget""",
    ),
}
"""Every view over control tables by its name."""


def path_of(data: Path, name: str) -> Path:
    """The file of a view."""
    return data / FOLDER / f"{name}.parquet"


def make_missing(data: Path) -> None:
    """Puts a file without rows wherever there is none that today's views can read, so that they can be made."""
    disk.make_directory(data / FOLDER, 0o700)
    for name, one in PUBLISHED.items():
        path = path_of(data, name)
        if _is_readable(path, one.schema):
            continue
        part = _write_part(path, one.schema.empty_table())
        if path.exists():
            part.replace(path)
        else:
            with suppress(FileExistsError):  # the server may have just put its own there
                os.link(part, path)
            part.unlink()
    disk.sync_directory(data / FOLDER)


class Publisher:
    """Keeps the files as the database is; one process at a time does."""

    def __init__(self, control: Control, data: Path) -> None:
        """`data` exists. Nothing is published yet."""
        self._control = control
        self._data = data
        self._marks: dict[str, object] = {}
        self._files: dict[str, object] = {}
        disk.make_directory(data / FOLDER, 0o700)

    def publish(self) -> list[str]:
        """Writes each file whose rows have changed or that is not the one we wrote; gives their names.

        Raises `OSError`, and `sqlite3.Error` where a statement fails; then the files are as they were.
        """
        written = []
        with self._control.reading() as connection:
            for name, one in PUBLISHED.items():
                path = path_of(self._data, name)
                is_ours = self._files.get(name) == _identity(path)
                mark = _answer(connection, one.mark) if one.mark else None
                if is_ours and mark is not None and mark == self._marks.get(name):
                    continue
                rows = _answer(connection, one.sql)
                if is_ours and mark is None and rows == self._marks.get(name):
                    continue
                _write_part(path, _table(one, rows)).replace(path)
                self._marks[name] = rows if mark is None else mark
                self._files[name] = _identity(path)
                written.append(name)
        return written

    def is_whole(self) -> bool:
        """Whether all files are those that we wrote."""
        return all(self._files.get(name) == _identity(path_of(self._data, name)) for name in PUBLISHED)


def publish_once(control: Control, data: Path) -> None:
    """Writes all files, for a command that changed something while no server runs."""
    Publisher(control, data).publish()


def _answer(connection: sqlite3.Connection, statement: str) -> list[tuple[Any, ...]]:
    with closing(connection.execute(statement)) as cursor:
        return cursor.fetchall()


def _table(one: Published, rows: Sequence[tuple[Any, ...]]) -> pa.Table:
    columns: Iterable[Sequence[Any]] = zip(*rows, strict=True) if rows else [() for _ in one.columns]
    arrays = [
        pa.array([None if value is None else _READ.get(kind, _same)(value) for value in column], kind.type)
        for kind, column in zip(one.columns.values(), columns, strict=True)
    ]
    return pa.Table.from_arrays(arrays, schema=one.schema)


def _whole(text: str) -> str:
    """Without halves of surrogate pairs, which JSON can hold and Parquet cannot."""
    return text.encode("utf-8", "replace").decode()


def _same(value: Any) -> Any:
    return value


def _write_part(path: Path, table: pa.Table) -> Path:
    """The table beside `path`, synced; the caller renames it."""
    part = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    descriptor = os.open(part, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600)
    try:
        with open(descriptor, "wb") as file:  # noqa: PTH123 (a descriptor)
            pq.write_table(table, file, compression="zstd", use_dictionary=True)
            file.flush()
            disk.sync(descriptor)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    return part


def _identity(path: Path) -> object:
    """What tells this file from another one at the same path; None where there is none."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size


def _is_readable(path: Path, schema: pa.Schema) -> bool:
    try:
        with pq.ParquetFile(path) as file:
            return bool(file.schema_arrow.equals(schema))
    except (OSError, pa.ArrowException):
        return False
