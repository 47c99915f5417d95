"""What others read: `ax.duckdb` and `manifest.json`, each renamed over the one before.

In: the live segments. Out: views over explicit lists of files, and the same lists as JSON.
A glob would read a merged segment and what it replaced, both: 68 of 119 reads were wrong while files were merged.
"""

import json
import shutil
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import groupby
from pathlib import Path
from typing import Final

import duckdb

from exporter import disk, model
from exporter.control import files as tables
from exporter.control.published import PUBLISHED
from exporter.store import duck, files, segment
from exporter.store.catalog import Segment
from exporter.store.rolled import ROLLS, is_open

MANIFEST: Final = "manifest.json"
"""In the data directory: table → list of {path, rows, bytes, min_time, max_time}; times in Unix nanoseconds."""

CONTROL: Final = tuple(PUBLISHED)
"""Views over what the serving process writes, `DATA/control/NAME.jsonl`."""

OBJECTS: Final = (
    "add_wrapping",
    "unix_time",
    "text_map",
    "title_case",
    "temporality",
    "usd",
    "first_of",
    "has_failed",
    "run_status",
    "as_part",
    "as_message",
    "plain_message",
    "messages_of",
    "listed_messages",
    "input_messages",
    "output_messages",
    "finish_reasons",
    "spans",
    "spans_pending",
    "span_events",
    "traces",
    "logs",
    "metrics_gauge",
    "metrics_sum",
    "metrics_histogram",
    "metrics_exp_histogram",
    "metrics_summary",
    "runs",
    "steps",
    "llm_calls",
    "llm_messages",
    "agent_runs",
    "tool_calls",
    "workflow_steps",
    "workflow_runs",
    "voice_turns",
    "conversations",
    "evaluations",
    "service_map",
    "cell_time",
    "sketch_value",
    "nearest_rank",
    "bound_quantile",
    "sketch_quantile",
    "latency_quantile",
    "cells_1min",
    "cells_1hour",
    "cells_1day",
    "rollup_1min",
    "rollup_1hour",
    "rollup_1day",
    "otel_traces",
    "otel_logs",
    "otel_metrics_gauge",
    "otel_metrics_sum",
    "otel_metrics_histogram",
    "otel_metrics_exponential_histogram",
    "otel_metrics_summary",
    *CONTROL,
    "alerts_active_summary",
    "metrics_recent_summary",
    "cost_today_summary",
)
"""Macros, then views, each in a file of its own in `sql/views/`, in the order in which they are made."""

_SQL: Final = Path(__file__).parent / "sql" / "views"
SCHEMA: Final = "schema"
"""The folder of one zero-row file a table: an empty list is an error, and it binds at once."""
_NEXT: Final = Path("tmp") / "next.duckdb"
_PATHS: Final = 2**14  # of segments, remembered: building one takes 20 µs, and each publication lists them all

OPEN: Final = "_open"
"""Ends the name of a list of segments whose cells are in no wider ones yet: `stored.cells_1min_open`."""

Live = Mapping[str, Sequence[Segment]]


def objects() -> list[str]:
    """The statements that make `OBJECTS`."""
    return [(_SQL / f"{name}.sql").read_text(encoding="utf-8") for name in OBJECTS]


def decided(data: Path, name: str) -> str:
    """A SELECT of the rows of a table of the control database, as they are when it is asked."""
    return PUBLISHED[name].select(duck.file_literal(tables.path_of(data, name)))


class Publisher:
    """Builds the files that are published; its caller holds a lock around each call."""

    def __init__(self, data: Path) -> None:
        """`data` exists. Nothing is published yet."""
        self._data = data.resolve()
        self._connection = duck.memory(threads=1)  # one for all: a new one costs 20 ms
        self._published: dict[str, Sequence[Segment]] = {}
        for name, table in model.STORED.items():
            _write_schema(self._data / SCHEMA / f"{name}.parquet", table)
        disk.sync_directory(self._data / SCHEMA)
        tables.make_missing(self._data)
        disk.make_directory(self._data / _NEXT.parent)

    def publish(self, segments: Iterable[Segment]) -> None:
        """Let readers that open `ax.duckdb` from now on see these segments.

        Raises `OSError` when it cannot; readers then see what they saw before.
        """
        live: dict[str, list[Segment]] = {name: [] for name in model.STORED}
        for one in segments:
            if one.table in live:
                live[one.table].append(one)
        opened = {name + OPEN: [one for one in live[name] if is_open(one)] for name in ROLLS}
        try:
            self._publish_views(live | opened)
        except duckdb.Error as error:
            self._forget()
            raise OSError(f"cannot publish {duck.FILE}: {error}") from error
        except BaseException:
            self._forget()
            raise
        self._publish_manifest(live)

    def close(self) -> None:
        """Leave what is published as it is."""
        self._connection.close()
        files.remove([self._data / _NEXT])

    def _publish_views(self, live: Live) -> None:
        """All objects are made once; then only the lists that changed: 10 ms instead of 80."""
        following = self._data / _NEXT
        first = not self._published
        if first:
            files.remove([following, following.with_name(following.name + ".wal")])
        changed = [name for name in live if first or live[name] != self._published[name]]
        run = self._connection.execute
        # No log: what is not whole is not renamed, and its two syncs took half of a publication.
        run(f"ATTACH {duck.literal(str(following))} AS ax (STORAGE_VERSION 'v1.2.0', RECOVERY_MODE no_wal_writes)")
        run("USE ax")
        run("BEGIN")
        if first:
            run("CREATE SCHEMA stored")
            run("CREATE SCHEMA control")
            for name in CONTROL:
                run(f"CREATE VIEW control.{name} AS {decided(self._data, name)}")
        for name in changed:
            table = model.STORED[name.removesuffix(OPEN)]
            run(f"CREATE OR REPLACE VIEW stored.{name} AS {self._rows(table, live[name])}")
        if first:
            for statement in objects():
                run(statement)
        run("COMMIT")
        run("USE memory")
        run("DETACH ax")
        self._published = dict(live)
        self._rename_over(following)

    def _rename_over(self, following: Path) -> None:
        target = self._data / duck.FILE
        copy = target.with_name(duck.FILE + files.TEMPORARY)
        files.remove([copy])
        shutil.copyfile(following, copy)
        copy.chmod(0o444)  # a bare `duckdb ax.duckdb` would write to it
        disk.sync_file(copy)  # 0.4 ms; a power cut leaves this one or the one before, whole
        log = target.with_name(duck.FILE + ".wal")
        files.remove([log])  # such a writer's; it would be replayed into the new file
        copy.replace(target)
        files.remove([log])

    def _rows(self, table: model.Table, segments: Sequence[Segment]) -> str:
        """A SELECT of all stored rows.

        Columns are appended as versions go by, so segments are listed by their number of columns; reading each of 300
        files' schemas instead (`union_by_name`) costs 60 ms whenever the view is used.
        """
        width = len(table.columns)
        lists = {width: [duck.file_literal(self._data / SCHEMA / f"{table.name}.parquet")]}
        rows = {width: 0}
        for columns, group in groupby(sorted(segments, key=_width), key=_width):
            of = min(columns, width)
            for one in group:
                lists.setdefault(of, []).append(_literal(self._data, one))
                rows[of] = rows.get(of, 0) + one.rows
        reads = [
            f"FROM read_parquet([{', '.join(paths)}], hive_partitioning = false"
            f"{f', explicit_cardinality = {rows[of]}' if rows[of] else ''})"
            for of, paths in lists.items()
        ]
        return " UNION ALL BY NAME ".join(reads)

    def _publish_manifest(self, live: Live) -> None:
        listed = {
            name: [
                {
                    "path": _path(self._data, one),
                    "rows": one.rows,
                    "bytes": one.bytes,
                    "min_time": one.min_time,
                    "max_time": one.max_time,
                }
                for one in segments
            ]
            for name, segments in live.items()
        }
        files.write(self._data / MANIFEST, json.dumps(listed).encode())

    def _forget(self) -> None:
        """Start again from nothing next time."""
        self._published = {}
        self._connection.close()
        self._connection = duck.memory(threads=1)


def _write_schema(path: Path, table: model.Table) -> None:
    """Put the table's zero-row file in place, unless it is there as today's version writes it."""
    data = bytes(segment.build(table, segment.arrow_schema(table).empty_table(), None))
    if not path.is_file() or path.read_bytes() != data:
        files.write(path, data)


@lru_cache(maxsize=_PATHS)
def _path(data: Path, one: Segment) -> str:
    return str(data / one.path)


@lru_cache(maxsize=_PATHS)
def _literal(data: Path, one: Segment) -> str:
    return duck.file_literal(Path(_path(data, one)))


def _width(one: Segment) -> int:
    return one.columns
