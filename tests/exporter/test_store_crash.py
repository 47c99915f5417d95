"""The store under `kill -9`, at every kind of step: what was appended is there once, and nothing else is."""

import random
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Final

import pytest

from exporter.clock import SystemClock
from exporter.units import NS_PER_MS
from tests.exporter.store_tables import DAY, HOUR, NOON, ask, opened, segment_files

ROOT: Final = Path(__file__).parents[2]
ROWS: Final = 7
# Appends until position 2,000 and maintains now and then, on a clock that hurries: hours and days close, files go.
# Each row's duration is the position that it came with. Says each position that is stored. Its second argument is the
# number of the step (a file or a name that is touched) at which it is killed; 0: at none.
WRITER: Final = """
import os, signal, sys
from pathlib import Path
from tests.exporter.store_tables import DAY, HOUR, NOON, StillClock, append, opened, seconds, spans

data, fatal = sys.argv[1], int(sys.argv[2])
store, steps = opened(Path(data), grace=HOUR), 0

def step(event, arguments):
    global steps
    if event in ("open", "os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.chmod") and data in str(arguments[0]):
        steps += 1
        if steps == fatal:
            os.kill(os.getpid(), signal.SIGKILL)

sys.addaudithook(step)
while store.position < 2_000:
    now = NOON + store.position * HOUR // 1_000
    rows = spans(seconds(now, 7), duration_ns=store.position + 100, ingest_time=[now // 1_000] * 7)
    append(store, rows)
    print(store.position, flush=True)
    if store.position % 400 == 0:
        store.maintain(now + (3 * DAY if store.position == 1_600 else HOUR))
print("steps", steps, flush=True)
"""


def _writer(data: Path, fatal: int = 0) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, str(data), str(fatal)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )


def _check(data: Path, acked: int) -> None:
    """All that was said to be stored is there once, with what was stored and could not be said any more."""
    store = opened(data, grace=HOUR)
    assert store.position in (acked, acked + 100)
    read = ask(data, "SELECT duration_ns, count(*), count(DISTINCT span_id) FROM spans GROUP BY ALL ORDER BY ALL")
    assert read == [(position, ROWS, ROWS) for position in range(100, store.position + 1, 100)]
    with closing(sqlite3.connect(data / "catalog.sqlite")) as connection:
        known = {name for (name,) in connection.execute("SELECT name FROM segments")}
    assert {path.name for path in segment_files(data, cells=True)} == known
    assert list(data.rglob("*.tmp")) == []
    store.maintain(NOON + 5 * DAY)
    store.maintain(NOON + 6 * DAY)
    assert len(list(segment_files(data))) == store.stats()["spans"].segments
    assert store.counters().corrupt_files == 0
    store.close()


def test_killed_at_any_step_the_store_is_as_before_or_after_it(tmp_path: Path) -> None:
    with _writer(tmp_path / "whole") as writer:
        said = writer.communicate()[0].split()
    steps = int(said[-1])
    assert steps > 150
    rng = random.Random(7)
    for fatal in sorted(rng.sample(range(1, steps), 5)):
        data = tmp_path / str(fatal)
        with _writer(data, fatal) as writer:
            said = writer.communicate()[0].split()
        assert writer.returncode == -signal.SIGKILL
        _check(data, int(said[-1]) if said else 0)


@pytest.mark.slow
@pytest.mark.parametrize("part", range(8))
def test_killed_at_every_single_step_the_store_is_as_before_or_after_it(tmp_path: Path, part: int) -> None:
    with _writer(tmp_path / "whole") as writer:
        steps = int(writer.communicate()[0].split()[-1])
    for fatal in range(1 + part, steps + 1, 8):
        data = tmp_path / str(fatal)
        with _writer(data, fatal) as writer:
            said = writer.communicate()[0].split()
        assert writer.returncode == -signal.SIGKILL
        _check(data, int(said[-1]) if said else 0)


@pytest.mark.slow
def test_killed_at_any_moment_and_started_again_the_store_goes_on_where_it_was(tmp_path: Path) -> None:
    rng = random.Random(11)
    clock = SystemClock()
    acked = 0
    for _ in range(6):
        with _writer(tmp_path) as writer:
            assert writer.stdout is not None
            line = writer.stdout.readline()
            until = clock.monotonic() + rng.randrange(400) * NS_PER_MS
            while line.strip().isdigit() and clock.monotonic() < until:
                acked = int(line)
                line = writer.stdout.readline()
            writer.kill()
            acked = max([acked, *(int(line) for line in writer.communicate()[0].splitlines() if line.isdigit())])
        store = opened(tmp_path, grace=HOUR)
        assert store.position >= acked
        acked = store.position
        read = ask(tmp_path, "SELECT duration_ns, count(*) FROM spans GROUP BY ALL ORDER BY ALL")
        assert read == [(position, ROWS) for position in range(100, acked + 1, 100)]
        store.close()
