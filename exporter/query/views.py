"""The published views, asked by statements in `sql/`: one file each, whose header tells its parameters.

In: a statement's name, the values of its `$parameters`, SQL for its `{places}` that filters and dimensions make.
Out: rows as frozen dataclasses, whose fields are the statement's columns.
"""

import re
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import fields
from functools import cache
from pathlib import Path
from threading import Semaphore
from typing import Any, Final, Protocol, TypeVar

import duckdb
import pyarrow as pa

from exporter import model
from exporter.errors import AxError
from exporter.query.ask import NoData, OutOfBounds, QueryFailed, in_one_line
from exporter.query.fields import Subject
from exporter.query.kept import Kept, Place
from exporter.query.period import EVER, NEVER, Period
from exporter.query.segments import Lists, expanded
from exporter.store import duck
from exporter.units import NS_PER_US

Row = TypeVar("Row")

SQL: Final = Path(__file__).parent / "sql"
_PARAMETER: Final = re.compile(r"\$(\w+)")
_TRIES: Final = 2
_LOOK_S: Final = 0.1
warnings.filterwarnings("ignore", message="Arrow output on a DB-API result", category=UserWarning)

_SPANS: Final = "FROM stored.spans"
_MANY: Final = 2**18
_CHANGES: Final = re.compile(r"\b(?:stored\.|control\.|run_status|now\b)")
"""What a statement has whose answer depends on more than the segments that it names."""


class Opened(Protocol):
    """A connection whose database in use has the views, until it is closed."""

    @property
    def connection(self) -> duckdb.DuckDBPyConnection:
        """What is asked."""

    @property
    def lists(self) -> Lists | None:
        """The segments behind the views; None where it cannot be told which have rows of some time."""

    @property
    def kept(self) -> Kept | None:
        """What has been answered from the same segments."""

    @property
    def turns(self) -> Semaphore | None:
        """Held while something is asked, where only so many may ask at the same time."""

    def close(self) -> None:
        """Gives it back."""


class Views:
    """The views as they were when they were opened: for the questions of one moment. Use `reading` or `Current`.

    From the moment of `expire` on each question fails, also the one that is asked.
    """

    def __init__(self, data: Path, opened: Callable[[], Opened]) -> None:
        """Opens them. Raises `NoData`."""
        self.data = data
        self._open = opened
        self._opened = opened()
        self._late = ""

    def last(
        self, rows: int, period: Period, statement: str = _SPANS, *, longest_ns: int | None = None
    ) -> Period | None:
        """The end of a period that has about so many rows of a statement's tables; None where that is not known.

        It is five minutes at most, or so long.
        """
        lists = self._opened.lists
        return None if lists is None else lists.last(statement, period, rows, longest_ns)

    def has_many(self, period: Period) -> bool:
        """Whether a period has more spans than are looked through for an answer that rollups have, too."""
        lists = self._opened.lists
        return lists is not None and lists.rows(_SPANS, period) > _MANY

    def glance(self, period: Period) -> tuple[Period, str]:
        """The period to ask about, and what to ask with, where a period that reaches up to now has many spans.

        All who ask within 1/256 of its length are answered of one period, once. Else it is the period itself.
        """
        lists, kept = self._opened.lists, self._opened.kept
        if lists is None or kept is None or not self.has_many(period):
            return period, ""
        # Rows behind its end are of now, too, where a sender's clock is ahead.
        is_past = lists.newest_us(_SPANS) * NS_PER_US >= period.end_ns and not kept.is_recent(period)
        return (period, "") if is_past else kept.glance(lists.tenant, period)

    def when(self, trace_id: str, *tables: str) -> Period:
        """When the rows of a trace in these tables are: `NEVER` where it has none, `EVER` where that is not known.

        A segment is looked through once for a trace, by its bloom filters.
        """
        lists = self._opened.lists
        if lists is None:
            return EVER
        ends = [end for table in tables for end in self._ends(lists, table, trace_id)]
        return Period(min(ends) * NS_PER_US, (max(ends) + 1) * NS_PER_US) if ends else NEVER

    def rows(
        self,
        name: str,
        row: type[Row],
        parameters: Mapping[str, object],
        places: Mapping[str, str] | None = None,
        *,
        within: Period | frozenset[str] | None = None,
        glance: str = "",
    ) -> tuple[Row, ...]:
        """The answer of the statement `name`; only those of the `parameters` that it has are bound.

        Segments that have no row `within` a period are not read: none outside of it may matter. Or else those segments
        alone are read whose paths are given. Raises `QueryFailed`.
        """
        table = self.table(name, parameters, places, within=within, glance=glance)
        expected = [field.name for field in fields(row)]  # type: ignore[arg-type]
        if table.column_names != expected:
            raise TypeError(f"{name}.sql gives {table.column_names}, {row.__name__} takes {expected}")
        columns = [column.to_pylist() for column in table.columns]
        return tuple(row(*values) for values in zip(*columns, strict=True))

    def table(
        self,
        name: str,
        parameters: Mapping[str, object],
        places: Mapping[str, str] | None = None,
        *,
        within: Period | frozenset[str] | None = None,
        glance: str = "",
    ) -> pa.Table:
        """The same as an Arrow table."""
        statement = text(name)
        for place, sql in (places or {}).items():
            statement = statement.replace(f"{{{place}}}", sql)
        used = set(_PARAMETER.findall(statement))
        bound = {key: value for key, value in parameters.items() if key in used}
        for left in reversed(range(_TRIES)):
            self._be_in_time()
            try:
                return self._asked(statement, bound, within, glance=glance)
            except duckdb.IOException as error:
                if not left:
                    raise QueryFailed(in_one_line(error)) from None
                self._opened.close()  # a file of the list has gone: there is a newer list
                self._opened = self._open()
            except duckdb.OutOfMemoryException:
                mend = "ask for a shorter range, or for fewer labels"
                raise OutOfBounds("memory", "it needs more memory than a question may have", mend=mend) from None
            except duckdb.Error as error:
                self._be_in_time()
                raise QueryFailed(in_one_line(error)) from None
        raise AssertionError  # pragma: no cover, the last try returns or raises

    def _asked(
        self,
        statement: str,
        bound: Mapping[str, object],
        within: Period | frozenset[str] | None,
        *,
        glance: str,
    ) -> pa.Table:
        lists, kept = self._opened.lists, self._opened.kept
        if within is None or lists is None:
            with self._turn():
                return self._run(statement, bound)
        narrowed = lists.narrowed(statement, within)
        about = f"{glance} {expanded(statement)}" if glance else narrowed
        if kept is not None and (found := kept.of(about, bound)) is not None:
            return found
        with self._turn():
            if kept is not None and (found := kept.of(about, bound)) is not None:
                return found  # somebody else has asked the same meanwhile
            found = self._run(narrowed, bound)
            if kept is not None and (glance or not _CHANGES.search(narrowed)):
                kept.keep(about, bound, found)
        return found

    @contextmanager
    def _turn(self) -> Iterator[None]:
        turns = self._opened.turns
        while turns is not None and not turns.acquire(timeout=_LOOK_S):
            self._be_in_time()
        try:
            self._be_in_time()
            yield
        finally:
            if turns is not None:
                turns.release()

    def _run(self, statement: str, bound: Mapping[str, object]) -> pa.Table:
        # `sql` would plan it twice, to know its columns first: 35 instead of 23 ms for a list. What it warns of, a
        # copy of the rows, is cheap: they are few.
        found: pa.Table = self._opened.connection.execute(statement, dict(bound)).to_arrow_table()
        return found

    def _ends(self, lists: Lists, table: str, trace_id: str) -> tuple[int, ...]:
        """The first and the last time of a trace in a table, Unix microseconds; none where it is not there."""
        kept, paths = self._opened.kept, lists.paths(table)
        before = Place() if kept is None else kept.place(table, trace_id)
        if not (new := paths - before.looked_at):
            return before.ends
        places = {"table": table, "time": model.STORED[table].time}
        found = self.table("trace_times", {"trace_id": trace_id}, places, within=new)
        ends = [*before.ends, *(end for column in found.columns for end in column.to_pylist() if end is not None)]
        place = Place(paths, (min(ends), max(ends)) if ends else ())
        if kept is not None:
            kept.put(table, trace_id, place)
        return place.ends

    def _be_in_time(self) -> None:
        if self._late:
            raise OutOfBounds("timeout", self._late, mend="ask for a shorter range")

    def interrupt(self) -> None:
        """From another thread: the question that is asked now fails."""
        self._opened.connection.interrupt()

    def expire(self, why: str) -> None:
        """From another thread, and more than once where the question goes on: it fails, as do all that follow."""
        self._late = why
        with suppress(duckdb.Error):  # it is being opened anew
            self.interrupt()

    def close(self) -> None:
        """Closes them."""
        self._opened.close()


@contextmanager
def reading(data: Path) -> Iterator[Views]:
    """The views of a data directory as they are now. Raises `NoData`."""
    views = Views(data, lambda: _File(data))
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
        raise AxError(f"by: {subject.name} cannot be told apart by {unknown[0]}", mend=f"what they can is {known}")
    return [subject.fields[name].sql for name in by]


def grouping(by: Sequence[str], subject: Subject) -> dict[str, str]:
    """The places `{labels}`, a list of texts, and `{groups}`, what to group by after `bucket_ns`."""
    found = dimensions(by, subject)
    labels = ", ".join(f"{sql}::VARCHAR" for sql in found)
    return {"labels": f"[{labels}]::VARCHAR[]", "groups": "".join(f", {sql}" for sql in found)}


def labelled(labels: Any) -> tuple[str | None, ...]:
    """Labels as a row has them."""
    return tuple(labels or ())


class _File:
    """`ax.duckdb` itself, attached to a database of its own."""

    lists: Lists | None
    kept: Kept | None
    turns: Semaphore | None

    def __init__(self, data: Path) -> None:
        must_exist(data)
        try:
            self.connection = duck.reader(data)
        except duckdb.Error as error:
            raise QueryFailed(in_one_line(error)) from None
        self.lists = Lists.read(data.resolve(), None)
        self.kept = None
        self.turns = None

    def close(self) -> None:
        self.connection.close()


def must_exist(data: Path) -> None:
    """Whether anything has been published. Raises `NoData`."""
    if not (data / duck.FILE).is_file():
        raise NoData(f"no {duck.FILE} in {data}", mend="start `ax serve`, or name its directory with --data")
