"""Merging: small segments become few, sorted and without doubles, and no row is lost."""

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter import model
from exporter.store import Store, compact, slices
from exporter.store.catalog import Segment
from exporter.store.compact import DAY as DAY_LEVEL
from exporter.store.compact import HOUR as HOUR_LEVEL
from exporter.store.compact import MERGE_ROWS, MERGED, Merge, plan
from exporter.store.partition import day_of, start_of
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


def _segment(
    number: int, time: int, rows: int = 100, level: int = 0, created: int | None = None, **fields: object
) -> Segment:
    values = {
        "table": "spans",
        "tenant": "default",
        "day": day_of(time),
        "hour": None if level == DAY_LEVEL else time % DAY // HOUR,
        "position": number,
        "columns": 68,
        "bytes": rows * 50,
        "checksum": "",
        "min_time": time,
        "max_time": time,
        "verified": 0,
    } | fields
    return Segment(
        number=number,
        name=str(number),
        rows=rows,
        level=level,
        created=time if created is None else created,
        **values,  # type: ignore[arg-type]
    )


def _shape(merges: list[Merge]) -> list[tuple[int, int | None, list[int]]]:
    return [(merge.level, merge.hour, [one.number for one in merge.inputs]) for merge in merges]


def test_eight_segments_of_one_size_make_one_of_the_next() -> None:
    fresh = [_segment(number, NOON) for number in range(8)]
    assert _shape(plan(fresh, NOON, LATENESS)) == [(MERGED, 12, list(range(8)))]
    assert plan(fresh[:7], NOON, LATENESS) == []
    assert plan([*fresh[:7], _segment(8, NOON, rows=5_000)], NOON, LATENESS) == []


def test_tables_tenants_and_hours_stay_apart() -> None:
    fresh = [_segment(number, NOON) for number in range(4)]
    others = [_segment(4 + number, NOON, tenant="b") for number in range(4)]
    assert plan([*fresh, *others], NOON, LATENESS) == []
    assert plan([*fresh, *(_segment(4 + number, NOON - HOUR) for number in range(4))], NOON, LATENESS) == []
    assert plan([*fresh, *(_segment(4 + number, NOON, table="logs") for number in range(4))], NOON, LATENESS) == []


def test_an_hour_closes_when_late_rows_have_had_their_time() -> None:
    fresh = [_segment(1, NOON), _segment(2, NOON + MINUTE)]
    assert plan(fresh, NOON + HOUR + LATENESS - 1, LATENESS) == []
    assert _shape(plan(fresh, NOON + HOUR + LATENESS, LATENESS)) == [(HOUR_LEVEL, 12, [1, 2])]


def test_late_rows_of_a_closed_hour_wait_for_others_before_it_is_written_again() -> None:
    closed = _segment(1, NOON, rows=10_000, level=HOUR_LEVEL)
    late = _segment(2, NOON, rows=10, created=NOON + 2 * HOUR)
    assert plan([closed], NOON + 2 * HOUR, LATENESS) == []
    assert plan([closed, late], NOON + 2 * HOUR, LATENESS) == []
    assert _shape(plan([closed, late], NOON + 2 * HOUR + LATENESS, LATENESS)) == [(HOUR_LEVEL, 12, [1, 2])]
    many = _segment(3, NOON, rows=2_000, created=NOON + 2 * HOUR)
    assert _shape(plan([closed, many], NOON + 2 * HOUR, LATENESS)) == [(HOUR_LEVEL, 12, [1, 3])]


def test_a_day_closes_once_it_is_older_than_yesterday() -> None:
    hours = [_segment(hour, NOON - 12 * HOUR + hour * HOUR, level=HOUR_LEVEL) for hour in range(24)]
    tomorrow = start_of(day_of(NOON)) + DAY
    assert plan(hours, tomorrow + DAY - 1, LATENESS) == []
    assert _shape(plan(hours, tomorrow + DAY, LATENESS)) == [(DAY_LEVEL, None, list(range(24)))]
    assert plan([_segment(1, NOON, level=DAY_LEVEL)], tomorrow + 9 * DAY, LATENESS) == []


def test_a_partition_too_large_for_one_merge_closes_in_several_and_then_rests() -> None:
    large = [_segment(number, NOON + number, rows=MERGE_ROWS // 3) for number in range(6)]
    merges = plan(large, NOON + 2 * HOUR, LATENESS)
    assert _shape(merges) == [(HOUR_LEVEL, 12, [0, 1, 2]), (HOUR_LEVEL, 12, [3, 4, 5])]
    done = [_segment(number, NOON + number, rows=MERGE_ROWS // 3, level=HOUR_LEVEL) for number in range(6)]
    assert plan(done, NOON + 2 * HOUR, LATENESS) == []


@given(
    st.lists(st.tuples(st.integers(0, 80), st.integers(1, 10**7), st.integers(0, 3)), max_size=60),
    st.integers(0, 100),
)
def test_planning_puts_no_segment_in_two_merges_and_comes_to_rest(
    given_segments: list[tuple[int, int, int]], now: int
) -> None:
    live = [_segment(number, NOON + at * HOUR, rows, level) for number, (at, rows, level) in enumerate(given_segments)]
    moment = NOON + now * HOUR
    for _ in range(12):
        merges = plan(live, moment, LATENESS)
        inputs = [one.number for merge in merges for one in merge.inputs]
        assert len(inputs) == len(set(inputs))
        if not merges:
            return
        for merge in merges:
            live = [one for one in live if one not in merge.inputs]
            live += _outputs(merge, len(live) + 1_000)
    raise AssertionError(_shape(merges))


def _outputs(merge: Merge, number: int) -> list[Segment]:
    """What a merge of these sizes writes."""
    rows = sum(one.rows for one in merge.inputs)
    files = max(1, rows // compact.FILE_ROWS)
    first = merge.inputs[0]
    return [
        _segment(number + place, first.min_time, rows // files, merge.level, hour=merge.hour, day=first.day)
        for place in range(files)
    ]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = opened(tmp_path, grace=0)
    yield store
    store.close()


def test_eight_appends_are_one_sorted_segment_after_maintenance(store: Store, tmp_path: Path) -> None:
    for minute in range(8):
        append(store, spans(seconds(NOON + minute * MINUTE, 20)))
    before = ask(tmp_path, "FROM spans ORDER BY span_id")
    store.maintain(NOON + 9 * MINUTE)
    assert store.stats()["spans"].segments == 1
    assert ask(tmp_path, "FROM spans ORDER BY span_id") == before
    (rows,) = store.read("spans")
    order = list(zip(rows["trace_id"].to_pylist(), rows["start_time"].to_pylist(), strict=True))
    assert order == sorted(order)


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
        append(store, spans(seconds(NOON + part * MINUTE, 600)))
    paths = sorted(segment_files(tmp_path))
    for memory in (2**28, 2**16, 1):
        with slices.sorter(tmp_path, memory) as connection:
            parts = list(slices.slices(connection, model.TABLES["spans"], paths, memory))
        assert sum(part.rows.num_rows for part in parts) == 3_600
        times = [part.rows["start_time"].to_pylist() for part in parts]
        assert all(max(one) < min(other) for one, other in pairwise(times))
    assert len(parts) > 1
