"""Damage: no wrong answer, no failed start, and nothing lost but what was hit."""

import random
import shutil
import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from exporter import model
from exporter.errors import DataDirTooNew
from exporter.store import Counts, Store, catalog, scrub
from exporter.store.fresh import Fresh
from exporter.store.recover import QUARANTINE
from tests.exporter.store_tables import HOUR, NOON, append, ask, how_many, opened, seconds, segment_files, spans, table

MINUTE = HOUR // 60


def _flip(path: Path, seed: int = 0) -> None:
    """One bit of a file, somewhere."""
    data = bytearray(path.read_bytes())
    rng = random.Random(seed)
    data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    path.write_bytes(data)


def _filled(data: Path) -> Store:
    """A store with 100 spans in merged segments, 30 in fresh ones, and 10 logs."""
    store = opened(data)
    for part in range(10):
        append(store, spans(seconds(NOON + part, 10)))
    store.maintain(NOON + MINUTE)
    for part in range(3):
        append(store, spans(seconds(NOON + part, 10)))
    append(store, table("logs", seconds(NOON, 10)), "logs")
    return store


def test_scrubbing_sets_a_flipped_bit_aside_and_keeps_the_rest(tmp_path: Path) -> None:
    store = opened(tmp_path, scrub_interval=HOUR)
    append(store, spans(seconds(NOON, 10)))
    append(store, spans(seconds(NOON, 5)))
    damaged = max(segment_files(tmp_path), key=lambda path: path.stat().st_size)
    _flip(damaged)
    store.maintain(NOON + HOUR - 1)
    assert store.counters().corrupt_files == 0
    store.maintain(NOON + HOUR)
    assert how_many(tmp_path) == 5
    assert store.counters().corrupt_files == 1
    assert (tmp_path / QUARANTINE / damaged.name).exists()
    store.maintain(NOON + 2 * HOUR)
    assert store.counters().corrupt_files == 1
    store.close()


def test_a_damaged_segment_is_not_merged_into_others(tmp_path: Path) -> None:
    store = opened(tmp_path)
    for _ in range(9):
        append(store, spans(seconds(NOON, 10)))
    _flip(sorted(segment_files(tmp_path))[4])
    store.maintain(NOON + MINUTE)
    store.maintain(NOON + MINUTE)
    assert how_many(tmp_path) == 80
    assert store.stats()["spans"].segments == 1
    assert store.counters().corrupt_files == 1
    store.close()


def test_a_segment_that_went_or_shrank_while_the_server_was_down_does_not_stop_it(tmp_path: Path) -> None:
    _filled(tmp_path).close()
    gone, short = sorted(segment_files(tmp_path))[-3:-1]
    gone.unlink()
    short.write_bytes(short.read_bytes()[:-1])
    store = opened(tmp_path)
    assert how_many(tmp_path) + how_many(tmp_path, "logs") == 120
    assert store.counters().corrupt_files == 2
    store.close()


@pytest.mark.parametrize("seed", [0, 1, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(2, 6))])
def test_any_flipped_bit_of_the_catalog_is_survived_without_a_row_more_or_less(tmp_path: Path, seed: int) -> None:
    store = _filled(tmp_path)
    before = store.counters()
    position = store.position
    store.close()
    _flip(tmp_path / catalog.FILE, seed)
    again = opened(tmp_path)
    assert (how_many(tmp_path), how_many(tmp_path, "logs")) == (130, 10)
    assert again.position == position
    assert (again.counters().stored, again.counters().accepted) == (before.stored, before.accepted)
    again.close()


@pytest.mark.parametrize(
    "state",
    ["gone", "half", "another", *(pytest.param(state, marks=pytest.mark.slow) for state in ("empty", "garbage"))],
)
def test_a_lost_catalog_is_made_again_from_the_segments(tmp_path: Path, state: str) -> None:
    store = _filled(tmp_path)
    position, before = store.position, store.counters()
    store.close()
    path = tmp_path / catalog.FILE
    whole = path.read_bytes()
    path.unlink()
    if state == "another":
        sqlite3.connect(path).execute("CREATE TABLE segments (x)").connection.close()
    elif state != "gone":
        path.write_bytes({"empty": b"", "half": whole[: len(whole) // 2], "garbage": b"\0garbage" * 999}[state])
    again = opened(tmp_path)
    assert (how_many(tmp_path), how_many(tmp_path, "logs")) == (130, 10)
    assert again.position == position
    assert again.counters().stored == before.stored
    append(again, spans(seconds(NOON, 10)))
    again.maintain(NOON + 2 * HOUR)
    assert how_many(tmp_path) == 140
    again.close()


def test_an_older_catalog_learns_what_came_after_it(tmp_path: Path) -> None:
    store = opened(tmp_path)
    append(store, spans(seconds(NOON, 10)))
    store.close()
    shutil.copy(tmp_path / catalog.FILE, tmp_path / "older")
    _filled(tmp_path).close()
    shutil.copy(tmp_path / "older", tmp_path / catalog.FILE)
    store = opened(tmp_path)
    assert how_many(tmp_path) == 140
    assert store.position == 1_500
    store.close()


def test_an_older_catalog_learns_of_merges_whose_inputs_are_gone(tmp_path: Path) -> None:
    store = opened(tmp_path, grace=0)
    for part in range(8):
        append(store, spans(seconds(NOON + part, 10)))
    store.close()
    shutil.copy(tmp_path / catalog.FILE, tmp_path / "older")
    store = opened(tmp_path, grace=0)
    store.maintain(NOON)
    store.maintain(NOON + 2 * HOUR)  # merged once more: nothing says any more what became of the first eight
    store.maintain(NOON + 3 * HOUR)
    assert len(list(segment_files(tmp_path))) == 1
    store.close()
    shutil.copy(tmp_path / "older", tmp_path / catalog.FILE)
    store = opened(tmp_path)
    assert how_many(tmp_path) == 80
    assert store.counters().corrupt_files == 1  # the catalog
    store.close()


@pytest.mark.parametrize("kind", ["young", "old"])
def test_a_segment_that_was_written_lately_is_verified_by_a_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    store = opened(tmp_path, scrub_interval=HOUR)
    append(store, spans(seconds(NOON, 10)))
    append(store, spans(seconds(NOON, 5)))
    store.close()
    old, young = sorted(segment_files(tmp_path))
    monkeypatch.setattr(scrub, "BYTES_AT_ONCE", young.stat().st_size)
    _flip(young if kind == "young" else old)
    store = opened(tmp_path, scrub_interval=HOUR)
    assert store.counters().corrupt_files == (kind == "young")
    for _ in range(2):
        store.maintain(NOON + HOUR)
    assert store.counters().corrupt_files == 1
    assert how_many(tmp_path) == (10 if kind == "young" else 5)
    store.close()


def test_an_append_that_was_cut_short_is_not_taken_for_stored(tmp_path: Path) -> None:
    store = opened(tmp_path)
    append(store, spans(seconds(NOON, 10)))
    both = {("default", "spans"): spans([NOON]), ("default", "logs"): table("logs", [NOON])}
    store.append(both, 200, Counts())
    store.close()
    next(path for path in segment_files(tmp_path) if "logs" in path.parts).unlink()
    (tmp_path / catalog.FILE).unlink()
    store = opened(tmp_path)
    assert store.position == 100  # the journal is replayed from here
    assert how_many(tmp_path) == 10
    store.close()


def test_segments_of_a_newer_format_are_refused_even_without_a_catalog(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = opened(tmp_path)
    with monkeypatch.context() as newer:
        newer.setattr(model, "FORMAT_VERSION", model.FORMAT_VERSION + 1)
        append(store, spans([NOON]))
    store.close()
    (tmp_path / catalog.FILE).unlink()
    with pytest.raises(DataDirTooNew):
        opened(tmp_path)


@pytest.mark.parametrize(
    "flipped", [(b'"format": 1', b'"format": 3'), (b"corrupt_files", b"corrupt_fhles"), (b"PAR1", b"PAR3")]
)
def test_a_damaged_segment_that_was_not_committed_is_set_aside_and_stored_again(
    tmp_path: Path, flipped: tuple[bytes, bytes]
) -> None:
    store = opened(tmp_path)
    append(store, spans(seconds(NOON, 10)))
    Fresh(tmp_path, 100, 200, Counts(), NOON).write({("default", "spans"): spans([NOON])}, lambda: 2)
    uncommitted = max(segment_files(tmp_path))
    uncommitted.write_bytes(uncommitted.read_bytes().replace(*flipped))
    store.close()
    store = opened(tmp_path)
    assert store.position == 100  # the journal has the rest
    assert how_many(tmp_path) == 10
    assert store.counters().corrupt_files == 1
    assert [path.name for path in (tmp_path / QUARANTINE).iterdir()] == [uncommitted.name]
    store.close()


def test_segments_from_before_a_column_was_appended_are_read_and_merged_with_null_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = model.TABLES["logs"]
    columns = dict(list(whole.columns.items())[:-1])
    older = replace(whole, columns=columns, promoted={})
    with monkeypatch.context() as before:
        before.setitem(model.STORED, "logs", older)
        fresh = Fresh(tmp_path, 0, 100, Counts(), NOON)
        rows = table("logs", seconds(NOON, 10), user_id="me", session_id="s")
        fresh.write({("default", "logs"): rows.select(list(columns))}, iter(range(1, 9)).__next__)
    store = opened(tmp_path)
    append(store, table("logs", seconds(NOON, 5), user_id="you"), "logs")
    query = "SELECT user_id, session_id, count(*) FROM logs GROUP BY ALL ORDER BY ALL"
    expected = [("you", None, 5), (None, "s", 10)]
    assert ask(tmp_path, query) == expected
    store.maintain(NOON + 2 * HOUR)
    assert ask(tmp_path, query) == expected
    assert store.stats()["logs"].segments == 1
    store.close()


@pytest.mark.parametrize("stored", [0, 3])
def test_a_catalog_of_nothing_but_zeros_is_damage_only_where_something_was_stored(tmp_path: Path, stored: int) -> None:
    """A power cut while it was being made leaves its size alone; a disk may do so later."""
    store = opened(tmp_path)
    if stored:
        append(store, spans(seconds(NOON, stored)))
    store.close()
    whole = tmp_path / catalog.FILE
    whole.write_bytes(bytes(whole.stat().st_size))
    store = opened(tmp_path)
    assert store.counters().corrupt_files == (1 if stored else 0)
    store.close()
    assert how_many(tmp_path) == stored
