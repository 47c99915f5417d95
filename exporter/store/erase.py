"""What must go, goes: the rows of a tenant, a user or a conversation leave the segments that hold them.

In: live segments and whom to forget. Out: which rows of a segment are theirs, and the change that leaves them out.
Of a user or a conversation go the rows that name them, and with these the whole traces that they are in, logs too: a
model's call below them holds their words without their name. Sums that name nobody (rollups) stay, but for a tenant's.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from exporter import model
from exporter.store import duck
from exporter.store.catalog import Segment
from exporter.store.rewrite import Change
from exporter.store.slices import Rows, in_order

_ROW: Final = "file_row_number"


class Whose(StrEnum):
    """What names those to forget."""

    TENANT = "tenant"
    USER = "user"
    CONVERSATION = "conversation"


@dataclass(frozen=True, slots=True)
class Who:
    """Whom to forget."""

    whose: Whose
    name: str


_COLUMNS: Final[Mapping[Whose, tuple[str, ...]]] = {
    Whose.TENANT: ("tenant_id",),
    Whose.USER: ("user_id",),
    Whose.CONVERSATION: ("gen_ai_conversation_id", "session_id", "conversation_id"),
}
_ATTRIBUTES: Final[Mapping[Whose, tuple[str, ...]]] = {
    Whose.TENANT: ("ax.tenant.id",),
    Whose.USER: ("user.id", "enduser.id", "gen_ai.user", "llm.user", "langfuse.user.id"),
    Whose.CONVERSATION: (
        "gen_ai.conversation.id",
        "session.id",
        "conversation.id",
        "langfuse.session.id",
        "traceloop.association.properties.session_id",
    ),
}
"""Where senders write it; other names of theirs are in the columns since they were decoded."""


AT_ONCE: Final = 1
"""When a segment with erased rows ended, so that no grace keeps its file."""


def by_table(live: Iterable[Segment]) -> list[tuple[str, list[Segment]]]:
    """Segments by their table, in the tables' order."""
    found = list(live)
    return [(name, [one for one in found if one.table == name]) for name in model.STORED]


class Finder:
    """Finds rows of segments by whom they name; its `connection` is its own, and closed with it."""

    def __init__(self, who: Who) -> None:
        self._who = who
        self._connection = duck.memory(threads=1)
        self._connection.execute("CREATE TABLE traces (trace_id VARCHAR)")

    def close(self) -> None:
        """Gives its memory back."""
        self._connection.close()

    def learn(self, paths: Iterable[tuple[model.Table, Path]]) -> None:
        """Takes note of the traces that name them; a tenant's rows all name it themselves."""
        if self._who.whose is Whose.TENANT:
            return
        for table, path in paths:
            if "trace_id" in table.columns and (named := self._named(path)):
                self._connection.execute(
                    f"INSERT INTO traces SELECT DISTINCT trace_id FROM {_file(path)} WHERE trace_id IS NOT NULL"  # noqa: S608
                    f" AND ({named})",
                    {"name": self._who.name},
                )

    def rows(self, path: Path) -> Rows:
        """The numbers of the rows to remove, ascending."""
        names = _names(path)
        conditions = [self._named(path)]
        if "trace_id" in names and self._who.whose is not Whose.TENANT:
            conditions.append("trace_id IN (SELECT trace_id FROM traces)")
        told = " OR ".join(filter(None, conditions))
        if not told:
            return np.empty(0, dtype=np.int64)
        query = f"SELECT {_ROW} FROM {_file(path)} WHERE {told} ORDER BY {_ROW}"  # noqa: S608
        parameters = {"name": self._who.name} if "$name" in told else {}
        found: Rows = self._table(query, parameters)[_ROW].to_numpy()
        return found

    def _table(self, query: str, parameters: Mapping[str, object]) -> pa.Table:
        relation = self._connection.sql(query, params=dict(parameters))
        return relation.to_arrow_table()

    def _named(self, path: Path) -> str:
        """SQL that holds for rows of a file that name them; empty where none can."""
        names = _names(path)
        told = [f"{duck.identifier(name)} = $name" for name in _COLUMNS[self._who.whose] if name in names]
        if "attributes" in names:
            told += [f"attributes[{duck.literal(key)}] = $name" for key in _ATTRIBUTES[self._who.whose]]
        return " OR ".join(told)


def _file(path: Path) -> str:
    return f"read_parquet({duck.file_literal(path)}, file_row_number = true, hive_partitioning = false)"


def _names(path: Path) -> frozenset[str]:
    return frozenset(pq.read_schema(path).names)


def without(rows: Rows) -> Change:
    """The change that leaves out some rows."""
    return lambda table, path: (part.rows for part in in_order(table, [path], rows))
