"""Merging: small segments become few, without doubles, and no row is lost."""

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pyarrow as pa
import pytest

from exporter import model
from exporter.store import Store, segment, slices
from tests.exporter.store_tables import (
    DAY,
    HOUR,
    NOON,
    append,
    ask,
    how_many,
    kept,
    opened,
    seconds,
    segment_files,
    spans,
    table,
)

MINUTE = HOUR // 60
LATENESS = 10 * MINUTE


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = opened(tmp_path, grace=0)
    yield store
    store.close()


def test_eight_appends_are_one_segment_after_maintenance(store: Store, tmp_path: Path) -> None:
    for minute in range(8):
        append(store, spans(seconds(NOON + minute * MINUTE, 20)))
    before = ask(tmp_path, "FROM spans ORDER BY span_id")
    store.maintain(NOON + 9 * MINUTE)
    assert store.stats()["spans"].segments == 1
    assert ask(tmp_path, "FROM spans ORDER BY span_id") == before


@pytest.mark.parametrize("name", model.TABLES)
def test_rows_of_a_closed_hour_are_in_the_order_of_their_table(store: Store, name: str) -> None:
    services = ["shop", "pay", "desk", "shop"]
    parts = [table(name, seconds(NOON + part * MINUTE, 4), service_name=services) for part in (1, 0)]
    for part in parts:
        append(store, part, name)
    store.maintain(NOON + HOUR + LATENESS)
    (rows,) = store.read(name)
    sort = model.TABLES[name].sort
    came = sorted(pa.concat_tables(parts).select([model.TABLES[name].time]).to_pylist(), key=str)
    assert sorted(rows.select([model.TABLES[name].time]).to_pylist(), key=str) == came
    order = list(zip(*(rows[column].to_pylist() for column in sort or ("ingest_time",)), strict=True))
    assert order == sorted(order)


def test_hours_of_several_row_groups_become_a_day(store: Store, tmp_path: Path) -> None:
    rows = segment.ROW_GROUP_ROWS * 3 // 4
    for hour in range(2):
        for part in range(2):
            times = range(NOON + hour * HOUR + part, NOON + hour * HOUR + part + 40_000 * rows, 40_000)
            append(store, spans(times, attributes=[[(f"key.{hour}.{part}", "v")]] * rows))
    store.maintain(NOON + 3 * HOUR)
    assert store.stats()["spans"].segments == 2
    store.maintain(NOON + 3 * DAY)
    assert store.stats()["spans"].segments == 1
    keys = "SELECT map_keys(attributes)[1], count(DISTINCT span_id), count(*) FROM spans GROUP BY ALL ORDER BY ALL"
    assert ask(tmp_path, keys) == [(f"key.{hour}.{part}", rows, rows) for hour in range(2) for part in range(2)]
    assert sum(part.num_rows for part in store.read("spans")) == 4 * rows


def test_what_a_client_sent_twice_is_there_once_when_its_hour_has_closed(store: Store, tmp_path: Path) -> None:
    rows = spans(seconds(NOON, 50), name="first")
    append(store, rows)
    later = rows.slice(10, 30).set_column(
        rows.schema.get_field_index("ingest_time"), "ingest_time", pa.array([(NOON + HOUR) // 1000] * 30, model.TIME)
    )
    names = pa.array(["again"] * 30).dictionary_encode()
    append(store, later.set_column(rows.schema.get_field_index("name"), "name", names))
    append(store, spans(seconds(NOON, 5), name="first"))
    assert how_many(tmp_path) == 85
    store.maintain(NOON + HOUR + LATENESS)
    assert how_many(tmp_path) == 55
    assert ask(tmp_path, "SELECT DISTINCT name FROM spans") == [("first",)]
    assert kept(store) == 55
    assert store.counters().deduplicated == {model.Signal.TRACES: 30}
    assert store.counters().stored == store.counters().accepted


def test_a_late_copy_is_found_in_the_hour_that_was_closed_before(store: Store, tmp_path: Path) -> None:
    rows = spans(seconds(NOON, 8))
    append(store, rows)
    store.maintain(NOON + HOUR + LATENESS)
    append(store, rows)
    store.maintain(NOON + HOUR + 2 * LATENESS)
    assert how_many(tmp_path) == kept(store) == 8


def test_spans_without_ids_and_logs_are_nobodys_doubles(store: Store, tmp_path: Path) -> None:
    for _ in range(2):
        append(store, spans([NOON, NOON], trace_id=[None, "aa"], span_id=["bb", None]))
        append(store, table("logs", [NOON], body="same", trace_id="aa", span_id="bb"), "logs")
        append(store, table("spans_pending", [NOON], trace_id="aa", span_id="bb"), "spans_pending")
    store.maintain(NOON + 2 * HOUR)
    assert (how_many(tmp_path), how_many(tmp_path, "logs"), how_many(tmp_path, "spans_pending")) == (4, 2, 2)


def test_points_are_doubles_only_of_their_own_series_and_time(store: Store, tmp_path: Path) -> None:
    def point(**columns: object) -> None:
        append(store, table("metrics_sum", [NOON], attributes=[[("k", "v")]], **columns), "metrics_sum")

    point()
    point()
    point(resource_attributes='{"service.name"="other"}')
    point(attribute_types="i")
    point(metric_name="errors")
    point(is_monotonic=True)
    append(store, table("metrics_sum", [NOON], attributes=[[("k", "w")]]), "metrics_sum")
    append(store, table("metrics_sum", [NOON + 1], attributes=[[("k", "v")]]), "metrics_sum")
    store.maintain(NOON + 2 * HOUR)
    assert how_many(tmp_path, "metrics_sum") == 7


def test_hours_become_a_day_and_late_rows_of_it_come_in_too(store: Store, tmp_path: Path) -> None:
    for hour in range(6):
        append(store, spans(seconds(NOON + hour * HOUR, 10)))
    store.maintain(NOON + 12 * HOUR)
    assert store.stats()["spans"].segments == 6
    store.maintain(NOON + 3 * DAY)
    assert store.stats()["spans"].segments == 1
    append(store, spans(seconds(NOON, 10), ingest_time=[(NOON + 3 * DAY) // 1000] * 10))
    store.maintain(NOON + 4 * DAY)
    assert store.stats()["spans"].segments == 1
    assert how_many(tmp_path) == 70
    assert {path.parent.name for path in segment_files(tmp_path)} == {"date=2026-11-10"}


@pytest.mark.parametrize("name", model.TABLES)
def test_merged_rows_of_every_table_are_what_they_were(store: Store, name: str) -> None:
    for minute in range(8):
        append(store, table(name, [NOON + minute * MINUTE, NOON + minute * MINUTE + 1]), name)
    before = pa.concat_tables(store.read(name)).to_pylist()
    store.maintain(NOON + 10 * MINUTE)
    assert store.stats()[name].segments == 1
    assert sorted(map(str, pa.concat_tables(store.read(name)).to_pylist())) == sorted(map(str, before))


def test_slices_are_in_order_of_time_and_hold_every_row_whatever_the_memory(store: Store, tmp_path: Path) -> None:
    for part in range(6):
        append(store, table("metrics_gauge", seconds(NOON + part * MINUTE, 600)), "metrics_gauge")
    paths = sorted(segment_files(tmp_path))
    for memory in (2**28, 2**16, 1):
        with slices.sorter(tmp_path, memory) as connection:
            parts = list(slices.slices(connection, model.TABLES["metrics_gauge"], paths, memory))
        assert sum(part.rows.num_rows + part.doubles for part in parts) == 3_600
        times = [part.rows["time"].to_pylist() for part in parts]
        assert all(max(one) < min(other) for one, other in pairwise(times))
    assert len(parts) > 1


def test_doubles_are_found_whatever_the_memory(store: Store, tmp_path: Path) -> None:
    rows = spans(seconds(NOON, 600))
    for start in (0, 300, 450):
        append(store, rows.slice(start))
    paths = sorted(segment_files(tmp_path))
    for memory in (2**28, 2**16, 1):
        with slices.sorter(tmp_path, memory) as connection:
            found = slices.doubles(connection, model.TABLES["spans"], paths, memory)
        assert found.tolist() == list(range(600, 1_050))
