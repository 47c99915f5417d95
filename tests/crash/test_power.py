"""The power fails, at any point of a receiver's and a writer's lives: nothing acknowledged is lost or doubled.

Of what was not synced each sector and each name is there or not; journal, segments and catalog fail together, as one
disk does. Some lives end by `kill -9`, so that the next one takes over what nobody has synced; some begin after a cut.
"""

import asyncio
import re
import shutil
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from random import Random
from typing import Final

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from exporter import disk
from exporter.journal.frame import record
from exporter.journal.log import Log
from exporter.store import Counts, duck
from exporter.store.fresh import Fresh
from tests.crash import file_double_strace as strace
from tests.crash.file_double import ROOT, Mark, Names, Resize, Sync, Trace, Write, begun, put
from tests.crash.file_double_life import JOURNAL, live, request_of
from tests.crash.file_double_start import Said, go_on, in_memory, is_whole, rows_published, start
from tests.crash.file_double_watch import Watch, watched
from tests.exporter.store_tables import HOUR, NOON, StillClock, append, opened, seconds, spans

CUTS: Final = 100


@pytest.fixture
def scratch() -> Iterator[Path]:
    """A directory in memory where there is one: it is the double that cuts, not the machine."""
    with in_memory() as path:
        yield path


@pytest.fixture
def data(scratch: Path) -> Path:
    """Where all lives are lived and all cuts are looked at, since `ax.duckdb` holds absolute paths."""
    return scratch / "data"


@pytest.fixture
def traceable(scratch: Path) -> None:
    """Skips where nobody may be traced; `test_a_power_cut_…` is the way without."""
    if not strace.works(scratch):
        pytest.skip("needs strace, and to be allowed to trace")


# ── Lives ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def lives_seen_from_within(data: Path, bursts: Sequence[int]) -> Trace:
    """Lives that end in order, one after the other in this process."""
    data.mkdir()
    with pytest.MonkeyPatch.context() as patch, watched(data, patch) as watch:
        for count in bursts:
            said = [step.text for step in watch.steps if isinstance(step, Mark)]
            asyncio.run(live(data, watch.mark, said, count))
    return Trace(watch.steps)


def lives_traced(data: Path, scratch: Path, fatal: Sequence[int], bursts: int, said: Sequence[str] = ()) -> Trace:
    """Lives that are killed at their `fatal` step (0: not at all), on what lies in `data`, `said` in lives before."""
    marks, log = scratch / "marks", scratch / "strace"
    marks.write_text("".join(f"{line}\n" for line in said))
    reader = strace.Reader(data, marks, [begun(data, said)] if data.exists() else [])
    for step in fatal:
        command = [sys.executable, "-m", "tests.crash.file_double_life", data, marks, step, bursts]
        assert strace.run([*map(str, command)], log) in {0, -signal.SIGKILL}
        reader.read(log)
    return Trace(reader.steps)


# ── One step each ─────────────────────────────────────────────────────────────────────────────────────────────────


def names_synced(watch: Watch) -> set[str]:
    """The segments whose names a power cut does not take."""
    there = Trace(watch.steps).disk(len(watch.steps)).after_cut(Random(0), bytes_kept=1, names_kept=0)
    return {Path(name).name for name in there if name.endswith(".parquet") and name.startswith("segments")}


def test_a_directory_that_a_killed_process_has_made_is_synced_by_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with watched(tmp_path, monkeypatch) as watch:
        (tmp_path / "journal").mkdir()
        for _ in range(2):
            disk.make_directory(tmp_path / "journal")
    assert [step for step in watch.steps if isinstance(step, Sync)] == [Sync(ROOT)]


def test_keys_that_a_killed_process_has_made_anew_are_synced_by_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = tmp_path / "journal"
    with watched(tmp_path, monkeypatch) as watch:
        with closing(Log.open(journal, JOURNAL, StillClock())[0]) as log:
            records = [record(request_of(11 * number)) for number in range(1, 4)]
            while records:
                del records[: log.append(records)]
        (keys,) = journal.glob("*.keys")
        keys.unlink()
        with monkeypatch.context() as killed:  # just before it syncs them
            killed.setattr(disk, "sync", lambda _: None)
            Log.open(journal, JOURNAL, StillClock())[0].close()
        Log.open(journal, JOURNAL, StillClock())[0].close()
    there = Trace(watch.steps).disk(len(watch.steps)).after_cut(Random(0), bytes_kept=0, names_kept=0)
    assert there[f"journal/{keys.name}"] == keys.read_bytes()


def test_what_the_catalog_forgets_stays_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with watched(tmp_path, monkeypatch) as watch:
        store = opened(tmp_path, grace=HOUR // 2)
        for _ in range(8):
            append(store, spans(seconds(NOON, 2)))
        store.maintain(NOON)
        assert len(names_synced(watch)) == 9 + 9  # of spans, and of cells
        store.maintain(NOON + HOUR // 2)
        assert len(names_synced(watch)) == 1 + 1
        store.close()


def test_an_append_that_a_killed_process_did_not_commit_is_synced_before_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened(tmp_path).close()
    with watched(tmp_path, monkeypatch) as watch:
        sync = disk.sync_directory
        with monkeypatch.context() as killed:  # just before it syncs what the segment is in
            killed.setattr(disk, "sync_directory", lambda path: any(path.glob("*.parquet")) or sync(path))
            Fresh(tmp_path, 0, 100, Counts(), NOON).write({("default", "spans"): spans([NOON])}, lambda: 1)
        assert names_synced(watch) == set()
        store = opened(tmp_path)
        assert store.position == 100
        assert len(names_synced(watch)) == 1
        store.close()


# ── What strace sees ──────────────────────────────────────────────────────────────────────────────────────────────

STORE_STEPS: Final = """
import sys
from pathlib import Path
from tests.exporter.store_tables import HOUR, NOON, append, opened, seconds, spans

marks = open(sys.argv[2], "w", buffering=1)
store = opened(Path(sys.argv[1]), grace=HOUR // 2)
for part in range(8):
    marks.write(f"append {part}\\n")
    append(store, spans(seconds(NOON, 2)))
for step, now in (("merge", NOON), ("forget", NOON + HOUR // 2)):
    marks.write(step + "\\n")
    store.maintain(now)
marks.write("over\\n")
"""


def in_words(trace: Trace) -> dict[str, list[str]]:
    """The steps behind each mark, a line each; what is done to one file again and again is one."""
    told: dict[str, list[str]] = {}
    lines: list[str] = []
    paths: dict[int, str] = {ROOT: "data"}
    for step in trace.steps:
        match step:
            case Mark(text):
                lines = told.setdefault(text, [])
                continue
            case Names(_, ((_, None), (new, int(node)))):
                line, paths[node] = f"rename {paths[node]} {_short(new)}", _short(new)
            case Names(_, ((name, None),)):
                line = f"unlink {_short(name)}"
            case Names(_, ((name, int(node)),)):
                line, paths[node] = f"make {_short(name)}", _short(name)
            case Sync(node):
                line = f"sync {paths[node]}"
            case Write(node) | Resize(node):
                line = f"write {paths[node]}"
            case other:
                raise TypeError(other)
        if lines[-1:] != [line] and "next.duckdb" not in line:
            lines.append(line)
    return told


def _short(name: str) -> str:
    return re.sub(r"[0-9a-f]{10}-[0-9a-f]{16}-l[0-9]", "SEGMENT", name)


PUBLISHED: Final = [
    line
    for name in ("ax.duckdb", "manifest.json")
    for line in (f"make {name}.tmp", f"write {name}.tmp", f"sync {name}.tmp", f"rename {name}.tmp {name}")
]
SEGMENT: Final = [
    "make SEGMENT.parquet.tmp",
    "write SEGMENT.parquet.tmp",
    "sync SEGMENT.parquet.tmp",
    "rename SEGMENT.parquet.tmp SEGMENT.parquet",
]
WRITTEN: Final = [*SEGMENT, *SEGMENT, "sync hour=12"]
"""The spans, and the cells that they add to."""
MERGED: Final = [*SEGMENT, "sync hour=12"]
COMMITTED: Final = ["write catalog.sqlite-wal", "sync catalog.sqlite-wal"]


@pytest.mark.usefixtures("traceable")
def test_segments_are_synced_then_committed_then_published_and_unlinked_before_they_are_forgotten(
    data: Path, scratch: Path
) -> None:
    marks, log = scratch / "marks", scratch / "strace"
    assert strace.run([sys.executable, "-c", STORE_STEPS, str(data), str(marks)], log) == 0
    reader = strace.Reader(data, marks, [])
    reader.read(log)
    shutil.rmtree(data)
    told = in_words(Trace(reader.steps))
    for part in range(1, 8):
        assert told[f"append {part}"] == WRITTEN + COMMITTED + PUBLISHED
    assert told["merge"] == 2 * (MERGED + COMMITTED + PUBLISHED)
    assert told["forget"] == ["sync data", "unlink SEGMENT.parquet", "sync hour=12", *COMMITTED]


# ── Cuts ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def cut_everywhere(data: Path, trace: Trace, cuts: int) -> None:
    """Cuts the power so many times, each time on the way that the trace took."""

    # A smaller example says no more, and finding it takes minutes.
    @settings(max_examples=cuts, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
    @given(
        at=st.integers(0, len(trace)),
        bytes_kept=st.sampled_from([0.0, 0.5, 1.0]),
        names_kept=st.sampled_from([0.0, 0.5, 1.0]),
        seed=st.integers(0, 2**32),
        thorough=st.integers(0, 24).map(lambda place: place == 24),
    )
    def cut(at: int, bytes_kept: float, names_kept: float, seed: int, thorough: bool) -> None:  # noqa: FBT001
        there = trace.disk(at).after_cut(Random(seed), bytes_kept=bytes_kept, names_kept=names_kept)
        put(data, there)
        said = Said.read(trace.marks(at))
        if thorough and (data / duck.FILE).exists():
            assert is_whole(rows_published(data)), "published in part, before the start"
        found = start(data, said)
        found.check(said)
        assert found.numbers <= {*said.sent}
        assert found.corrupt_files == 0
        if thorough:
            go_on(data, said)

    cut()
    shutil.rmtree(data)


def test_a_power_cut_loses_and_doubles_nothing(data: Path) -> None:
    cut_everywhere(data, lives_seen_from_within(data, (16, 4)), CUTS)


@pytest.mark.usefixtures("traceable")
def test_a_power_cut_after_a_kill_loses_and_doubles_nothing(data: Path, scratch: Path) -> None:
    cut_everywhere(data, lives_traced(data, scratch, (150, 0), 6), CUTS)


@pytest.mark.slow
@pytest.mark.usefixtures("traceable")
@pytest.mark.parametrize("part", range(10))
def test_ten_thousand_power_cuts_lose_and_double_nothing(data: Path, scratch: Path, part: int) -> None:
    rng = Random(part)
    trace = lives_traced(data, scratch, (rng.randrange(1, 60), rng.randrange(60, 700), 0), 20)
    at = rng.randrange(len(trace))
    cut_everywhere(data, trace, 500)
    put(data, trace.disk(at).after_cut(rng, bytes_kept=0.5, names_kept=0.5))
    cut_everywhere(data, lives_traced(data, scratch, (rng.randrange(20, 500), 0), 20, trace.marks(at)), 500)
