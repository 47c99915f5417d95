"""Retention: whole segments go when all their rows are past it, and their files after the grace."""

from pathlib import Path

import pytest

from exporter import config, model, rollup
from exporter.store import retain
from tests.exporter.store_tables import (
    DAY,
    HOUR,
    NOON,
    append,
    ask,
    how_many,
    opened,
    seconds,
    segment_files,
    spans,
    table,
)

KEPT_DAYS = {
    "spans": 7,
    "spans_pending": 1,
    "logs": 30,
    "metrics_gauge": 90,
    "metrics_sum": 90,
    "metrics_histogram": 90,
    "metrics_exp_histogram": 90,
    "metrics_summary": 90,
    "runs": 30,
    "steps": 30,
    "cells_1min": 30,
    "cells_1hour": 90,
    "cells_1day": 365,
}


def test_every_table_is_kept_as_long_as_the_settings_say() -> None:
    assert {name: retain.kept_for(config.Retention(), name) // DAY for name in model.STORED} == KEPT_DAYS


@pytest.mark.parametrize("name", model.TABLES)
def test_a_segment_goes_with_its_youngest_row(tmp_path: Path, name: str) -> None:
    store = opened(tmp_path, compaction_interval=0, grace=HOUR)
    append(store, table(name, [NOON, NOON + HOUR - 1_000]), name)
    end = NOON + HOUR - 1_000 + KEPT_DAYS[name] * DAY
    store.maintain(end)
    assert how_many(tmp_path, name) == 2
    store.maintain(end + 1)
    assert how_many(tmp_path, name) == 0
    assert len(list(segment_files(tmp_path))) == 1
    store.maintain(end + 1 + HOUR)
    left = {path.name for path in (tmp_path / "segments").iterdir()}
    assert left == ({rollup.MINUTE} if name == "spans" else set())  # what rows add up to is kept for longer
    store.close()


def test_what_is_within_its_retention_stays(tmp_path: Path) -> None:
    store = opened(tmp_path, grace=0)
    for day in range(10):
        append(store, spans(seconds(NOON + day * DAY, 5)))
        store.maintain(NOON + day * DAY)
    store.maintain(NOON + 9 * DAY + HOUR)
    assert how_many(tmp_path) == 7 * 5
    assert store.stats()["spans"].rows == 7 * 5
    assert store.counters().stored == {model.Signal.TRACES: 50}
    store.close()
    assert opened(tmp_path).stats()["spans"].rows == 7 * 5


def test_what_came_late_for_its_minutes_still_counts_in_its_hour_and_day(tmp_path: Path) -> None:
    store = opened(tmp_path, retention=config.Retention(spans=80 * DAY), grace=0)
    append(store, spans(seconds(NOON - 40 * DAY, 5)))
    append(store, spans(seconds(NOON - 60 * DAY, 3)))
    for hour in (0, 1, 5, 6, 30):
        store.maintain(NOON + hour * HOUR)
        store.maintain(NOON + hour * HOUR)
        for view in ("rollup_1hour", "rollup_1day"):
            assert ask(tmp_path, f"SELECT sum(count) FROM {view}") == [(8,)], (view, hour)
    assert how_many(tmp_path, "rollup_1min") == 0
    store.close()


def test_foreign_files_are_left_alone_whatever_happens(tmp_path: Path) -> None:
    store = opened(tmp_path, grace=0)
    append(store, spans([NOON]))
    (ours,) = segment_files(tmp_path)
    foreign = [ours.with_name("mine.parquet"), ours.with_name("notes.tmp"), tmp_path / "segments" / "README"]
    for path in foreign:
        path.write_text("not ours")
    store.maintain(NOON + 30 * DAY)
    store.close()
    opened(tmp_path).close()
    assert not ours.exists()
    assert [path.read_text() for path in foreign] == ["not ours"] * 3
