"""Rows that leave the store for good, whatever state their segments are in, and what a crash may make of that."""

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from exporter.store.erase import Who, Whose
from exporter.store.merge import Stopped
from exporter.store.orders import answer, answered, give, waiting, withdraw
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

ADA = Who(Whose.USER, "ada")
USERS = ["ada", "bob", None, "ada", "eve"]


def five(start: int = NOON) -> object:
    return spans(seconds(start, 5), user_id=USERS, tenant_id="acme")


def names_in_files(data: Path) -> set[str | None]:
    """The users in any file under `segments/`, listed or not."""
    found: set[str | None] = set()
    for path in segment_files(data):
        read = pq.read_table(path)
        if "user_id" in read.column_names:
            found |= set(read["user_id"].to_pylist())
    return found


def test_what_is_erased_is_in_no_file(tmp_path: Path) -> None:
    store = opened(tmp_path)
    append(store, five())
    append(store, spans(seconds(NOON, 3), user_id="bob"))
    assert store.erase(ADA, NOON) == {"spans": 2}
    assert how_many(tmp_path) == 6
    assert names_in_files(tmp_path) == {"bob", "eve", None}
    assert store.erase(ADA, NOON) == {}
    store.close()


def test_whole_traces_go_with_the_span_that_names_somebody(tmp_path: Path) -> None:
    store = opened(tmp_path)
    trace = "ab" * 16
    append(store, spans(seconds(NOON, 2), user_id=["ada", None], trace_id=trace))
    append(store, spans(seconds(NOON + HOUR, 2), trace_id=[trace, "cd" * 16]))
    append(store, table("logs", seconds(NOON, 2), trace_id=[trace, "cd" * 16]), "logs")
    assert store.erase(ADA, NOON + HOUR) == {"spans": 3, "logs": 1}
    assert ask(tmp_path, "SELECT trace_id FROM spans UNION ALL SELECT trace_id FROM logs") == [("cd" * 16,)] * 2
    store.close()


def test_a_user_is_found_in_attributes_too(tmp_path: Path) -> None:
    store = opened(tmp_path)
    named = [[("enduser.id", "ada")], [("enduser.id", "bob")]]
    append(store, table("logs", seconds(NOON, 2), attributes=named, attribute_types="s"), "logs")
    assert store.erase(ADA, NOON) == {"logs": 1}
    store.close()


def test_segments_of_closed_hours_and_those_that_wait_for_their_grace_are_searched_too(tmp_path: Path) -> None:
    clock = StillClock(NOON)
    store = opened(tmp_path, clock)
    append(store, five())
    clock.now = NOON + 2 * HOUR
    store.maintain(clock.now)
    before = {path.name for path in segment_files(tmp_path)}
    assert len([path for path in segment_files(tmp_path) if "spans" in path.parts[-5]]) == 2  # merged, and replaced
    assert store.erase(ADA, clock.now) == {"spans": 2}
    assert names_in_files(tmp_path) == {"bob", "eve", None}
    assert before.isdisjoint({path.name for path in segment_files(tmp_path) if "/spans/" in str(path)})
    clock.now = NOON + 3 * DAY
    store.maintain(clock.now)
    assert how_many(tmp_path) == 3
    store.close()


def test_a_tenant_goes_with_its_rollups_and_a_user_leaves_them(tmp_path: Path) -> None:
    store = opened(tmp_path)
    append(store, five())
    append(store, spans(seconds(NOON, 2), tenant_id="globex"))
    counted = "SELECT tenant_id, sum(count)::INT FROM rollup_1min WHERE source = 'span' GROUP BY ALL ORDER BY ALL"
    store.erase(ADA, NOON)
    assert ask(tmp_path, counted) == [("acme", 5), ("globex", 2)]
    store.erase(Who(Whose.TENANT, "acme"), NOON)
    assert ask(tmp_path, counted) == [("globex", 2)]
    assert how_many(tmp_path) == 2
    store.close()


def test_a_damaged_segment_is_set_aside_and_the_others_are_erased(tmp_path: Path) -> None:
    store = opened(tmp_path)
    for hour in range(3):
        append(store, five(NOON + hour * HOUR))
    damaged = next(path for path in segment_files(tmp_path) if "table=spans" in str(path) or "/spans/" in str(path))
    damaged.write_bytes(b"PAR1" + damaged.read_bytes()[4:-300])
    assert store.erase(ADA, NOON) == {"spans": 4}
    assert store.counters().corrupt_files == 1
    assert "ada" not in names_in_files(tmp_path)
    assert how_many(tmp_path) == 6
    store.close()


def test_a_lost_catalog_does_not_bring_them_back(tmp_path: Path) -> None:
    store = opened(tmp_path)
    append(store, five())
    append(store, spans(seconds(NOON, 3), user_id="bob"))
    store.erase(ADA, NOON)
    position = store.position
    store.close()
    for path in tmp_path.glob("catalog.sqlite*"):
        path.unlink()
    again = opened(tmp_path)
    assert (how_many(tmp_path), again.position) == (6, position)
    assert again.erase(ADA, NOON) == {}
    again.close()


def test_a_store_that_closes_stops_erasing_and_goes_on_later(tmp_path: Path) -> None:
    store = opened(tmp_path)
    append(store, five())
    store.close()
    with pytest.raises(Stopped):
        store.erase(ADA, NOON)
    again = opened(tmp_path)
    assert again.erase(ADA, NOON) == {"spans": 2}
    again.close()


def test_an_order_waits_until_it_is_answered(tmp_path: Path) -> None:
    assert list(waiting(tmp_path)) == []
    first = give(tmp_path, "erase", {"whose": "user", "name": "ada"})
    second = give(tmp_path, "reprice", {"since_ns": 1})
    (tmp_path / "orders" / "foreign.json").write_text("{")
    (tmp_path / "orders" / f"{'0' * 32}.json").write_text("not an order")
    assert list(waiting(tmp_path)) == [first, second]
    assert answered(tmp_path, first) is None
    answer(tmp_path, first, {"rows": {}})
    assert list(waiting(tmp_path)) == [second]
    assert answered(tmp_path, first) == {"rows": {}}
    withdraw(tmp_path, second)
    assert list(waiting(tmp_path)) == []
