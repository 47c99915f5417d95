"""A full disk: what cannot be stored is said so, wholly not stored, and stored once there is room."""

import subprocess
import sys
from pathlib import Path
from typing import Final

from tests.exporter.store_tables import how_many

ROOT: Final = Path(__file__).parents[2]
# RLIMIT_FSIZE stands in for a full disk: no file may grow beyond it.
PRELUDE: Final = """
import resource, sys
from pathlib import Path
from exporter.model import Signal
from tests.exporter.store_tables import HOUR, NOON, append, how_many, kept, opened, seconds, segment_files, spans

def room(size):
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))

FULL = resource.RLIM_INFINITY
data = Path(sys.argv[1])
store = opened(data, grace=0)

def refused(call):
    try:
        call()
    except OSError as error:
        print("refused:", error)
    else:
        raise AssertionError("not refused")
"""


def _run(data: Path, script: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", PRELUDE + script, str(data)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_segment_that_does_not_fit_leaves_nothing_behind_and_is_stored_when_there_is_room(tmp_path: Path) -> None:
    said = _run(
        tmp_path,
        """
append(store, spans(seconds(NOON, 10)))
room(4_096)
rows = spans(seconds(NOON, 1_000))
for _ in range(3):
    refused(lambda: append(store, rows))
    assert store.position == store.published == 100
    assert len(list(data.rglob("segments/**/*.*"))) == 2
room(FULL)
append(store, rows)
assert (store.position, store.published, kept(store)) == (200, 200, 1_010)
store.close()
""",
    )
    assert said.count("refused") == 3
    assert how_many(tmp_path) == 1_010


def test_a_catalog_that_cannot_grow_stores_nothing(tmp_path: Path) -> None:
    said = _run(
        tmp_path,
        """
import sqlite3
for _ in range(3):
    append(store, spans(seconds(NOON, 10)))
log = data / "catalog.sqlite-wal"
room(max(log.stat().st_size, 60_000))
for _ in range(40):
    try:
        append(store, spans(seconds(NOON, 10)))
    except OSError as error:
        print("refused:", error)
        break
position, rows = store.position, kept(store)
for _ in range(3):
    refused(lambda: append(store, spans(seconds(NOON, 10))))
assert (store.position, kept(store)) == (position, rows)
assert len(list(segment_files(data))) <= rows // 10 + 1
room(FULL)
append(store, spans(seconds(NOON, 10)))
assert (store.position, store.published, kept(store)) == (position + 100, position + 100, rows + 10)
assert len(list(segment_files(data))) == store.stats()["spans"].segments
store.close()
print(rows + 10)
""",
    )
    assert "cannot write the catalog" in said
    assert how_many(tmp_path) == int(said.split()[-1])


def test_rows_that_cannot_be_published_are_stored_all_the_same_and_published_later(tmp_path: Path) -> None:
    _run(
        tmp_path,
        """
append(store, spans(seconds(NOON, 10)))
room(150_000)  # ax.duckdb is larger
append(store, spans(seconds(NOON, 10)))
assert (store.position, store.published) == (200, 100)
assert how_many(data) == 10
room(FULL)
store.maintain(NOON)
assert (store.position, store.published) == (200, 200)
assert how_many(data) == 20
store.close()
""",
    )


def test_a_merge_that_does_not_fit_changes_nothing(tmp_path: Path) -> None:
    _run(
        tmp_path,
        """
for _ in range(8):
    append(store, spans(seconds(NOON, 200)))
room(12_000)
refused(lambda: store.maintain(NOON + HOUR // 2))
assert len(list(segment_files(data))) == 8
assert list(data.rglob("segments/**/*.tmp")) == []
assert how_many(data) == 1_600
room(FULL)
store.maintain(NOON + HOUR // 2)
assert store.stats()["spans"].segments == 1
assert how_many(data) == 1_600
store.close()
""",
    )
