"""The store: what is appended is there, once, where it belongs, for any process."""

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from exporter import model
from exporter.errors import DataDirTooNew
from exporter.model import Signal
from exporter.store import Counts, Store, catalog
from exporter.store.duck import file_literal
from tests.exporter.store_tables import (
    DAY,
    HOUR,
    NOON,
    StillClock,
    append,
    ask,
    how_many,
    opened,
    seconds,
    segment_files,
    spans,
    table,
)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = opened(tmp_path)
    yield store
    store.close()


def test_a_new_store_publishes_every_view_empty(store: Store, tmp_path: Path) -> None:
    assert store.position == store.published == 0
    for name in model.TABLES:
        assert how_many(tmp_path, name) == 0
    assert json.loads((tmp_path / "manifest.json").read_text()) == {name: [] for name in model.STORED}


def test_appended_rows_are_published_when_append_returns(store: Store, tmp_path: Path) -> None:
    append(store, spans(seconds(NOON, 3)))
    assert how_many(tmp_path) == 3
    append(store, spans(seconds(NOON, 4)))
    assert how_many(tmp_path) == 7
    assert store.position == store.published == 200


def test_position_and_counters_outlive_the_process(tmp_path: Path) -> None:
    store = opened(tmp_path)
    counts = Counts(
        accepted={Signal.TRACES: 5, Signal.LOGS: 1},
        stored={Signal.TRACES: 3, Signal.LOGS: 1},
        dropped={(Signal.TRACES, "too_old"): 2},
    )
    store.append(
        {("default", "spans"): spans(seconds(NOON, 3)), ("default", "logs"): table("logs", [NOON])}, 70, counts
    )
    store.append({}, 80, Counts(accepted={Signal.LOGS: 1}, dropped={(Signal.LOGS, "too_old"): 1}))
    store.close()
    again = opened(tmp_path)
    assert again.position == 80
    assert again.counters() == Counts(
        accepted={Signal.TRACES: 5, Signal.LOGS: 2},
        stored={Signal.TRACES: 3, Signal.LOGS: 1},
        dropped={(Signal.TRACES, "too_old"): 2, (Signal.LOGS, "too_old"): 1},
    )
    assert again.stats()["spans"].rows == 3
    assert how_many(tmp_path) == 3
    again.close()


def test_every_table_reads_back_as_it_was_appended(store: Store) -> None:
    for name in model.TABLES:
        rows = table(name, seconds(NOON, 5))
        append(store, rows, name)
        back = pa.concat_tables(store.read(name))
        assert back.schema.equals(model.arrow_schema(model.TABLES[name]))
        assert back.to_pylist() == rows.to_pylist()


def _ids(field: pa.Field) -> tuple[object, ...]:
    """A field's id and type and those of its parts; the name of a list's part differs between writer and reader."""
    kind = field.type
    parts = [kind.key_field, kind.item_field] if pa.types.is_map(kind) else []
    parts += [kind.value_field] if pa.types.is_list(kind) else []
    parts += list(kind) if pa.types.is_struct(kind) else []
    number = (field.metadata or {}).get(b"PARQUET:field_id")
    return (number, *(map(_ids, parts) if parts else [str(kind)]))


def test_a_segment_has_plain_types_and_field_ids(store: Store, tmp_path: Path) -> None:
    for name in model.TABLES:
        append(store, table(name, [NOON]), name)
    for path in segment_files(tmp_path):
        agreed = model.parquet_schema(model.TABLES[path.relative_to(tmp_path / "segments").parts[0]])
        assert [_ids(field) for field in pq.read_schema(path)] == [_ids(field) for field in agreed]
        seen = f"SELECT count(DISTINCT field_id) FROM parquet_schema({file_literal(path)}) WHERE field_id < 100"
        assert ask(tmp_path, seen) == [(len(agreed),)]


def test_duckdb_sees_zoned_times_text_ids_and_roots_without_parent(store: Store, tmp_path: Path) -> None:
    append(store, spans([NOON, NOON], parent_span_id=[None, "00000000000000ff"]))
    types = (
        "SELECT DISTINCT typeof(start_time), typeof(trace_id), typeof(end_time), typeof(resource_attributes) FROM spans"
    )
    zoned = "TIMESTAMP WITH TIME ZONE"
    assert ask(tmp_path, types) == [(zoned, "VARCHAR", zoned, "MAP(VARCHAR, VARCHAR)")]
    assert ask(tmp_path, "SELECT count(*) FROM spans WHERE parent_span_id IS NULL") == [(1,)]
    assert ask(tmp_path, "SELECT epoch_ns(start_time) FROM spans LIMIT 1") == [(NOON,)]


def test_the_manifest_lists_the_live_segments(store: Store, tmp_path: Path) -> None:
    append(store, spans(seconds(NOON, 3)))
    (listed,) = json.loads((tmp_path / "manifest.json").read_text())["spans"]
    path = Path(listed["path"])
    assert path.is_absolute()
    assert path == next(segment_files(tmp_path))
    assert listed["bytes"] == path.stat().st_size
    assert (listed["rows"], listed["min_time"], listed["max_time"]) == (3, NOON, NOON + 2_000_000_000)


def test_rows_lie_by_hour_from_yesterday_on_and_by_day_before(store: Store, tmp_path: Path) -> None:
    now = NOON // 1000
    append(store, spans([NOON, NOON - HOUR, NOON - DAY, NOON - 2 * DAY, NOON - 2 * DAY - HOUR], ingest_time=[now] * 5))
    folders = sorted(str(path.parent.relative_to(tmp_path / "segments/spans")) for path in segment_files(tmp_path))
    assert folders == [
        "tenant=default/date=2026-11-08",
        "tenant=default/date=2026-11-09/hour=12",
        "tenant=default/date=2026-11-10/hour=11",
        "tenant=default/date=2026-11-10/hour=12",
    ]
    assert how_many(tmp_path) == 5


def test_a_clock_that_is_off_makes_no_partition_of_its_own(store: Store, tmp_path: Path) -> None:
    times = [0, NOON + 400 * DAY, 2**63 - 1, 1]
    append(store, spans(times, clock_skew=True, ingest_time=[NOON // 1000] * 4))
    append(store, spans([2**63 - 1], start_time=[2**64 // 1000], ingest_time=[NOON // 1000]))
    assert {path.parent.name for path in segment_files(tmp_path)} == {"hour=12"}
    assert ask(tmp_path, "SELECT count(*) FROM spans WHERE start_time_unix_nano = 0") == [(1,)]


def test_tenants_have_folders_whatever_they_are_called(store: Store, tmp_path: Path) -> None:
    for tenant in ("default", "../up", "a b/c", "*[x]?", "ärger", "it's"):
        append(store, spans([NOON]), tenant=tenant)
    assert how_many(tmp_path) == 6
    folders = {path.relative_to(tmp_path / "segments/spans").parts[0] for path in segment_files(tmp_path)}
    assert "tenant=..%2Fup" in folders
    assert len(folders) == 6


def test_a_data_directory_may_have_any_name(tmp_path: Path) -> None:
    data = tmp_path / "it's [a] *directory*"
    store = opened(data)
    append(store, spans(seconds(NOON, 3)))
    store.close()
    (tmp_path / "link").symlink_to(data)
    assert how_many(tmp_path / "link") == 3


def test_the_published_file_is_read_only_and_a_strangers_log_is_not_replayed(store: Store, tmp_path: Path) -> None:
    (tmp_path / "ax.duckdb.wal").write_bytes(b"left by `duckdb ax.duckdb`")
    append(store, spans([NOON]))
    assert (tmp_path / "ax.duckdb").stat().st_mode & 0o777 == 0o444
    assert not (tmp_path / "ax.duckdb.wal").exists()
    assert how_many(tmp_path) == 1


def test_a_newer_format_is_refused_with_the_mend(tmp_path: Path) -> None:
    opened(tmp_path).close()
    connection = sqlite3.connect(tmp_path / catalog.FILE)
    connection.executescript(catalog.version_mark(model.FORMAT_VERSION + 1))
    connection.close()
    with pytest.raises(DataDirTooNew, match="install the newer otel-ax"):
        opened(tmp_path, StillClock())
