"""Segments that are strung together byte for byte survive what all others do: power cuts, `kill -9` and flipped bits.

A life appends and merges; each two segments of one size are strung together, so that those of strung ones are too.
What was appended before is there afterwards, whole and once.
"""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from random import Random
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from exporter.store import Store, compact, recover, segment
from exporter.store.catalog import Catalog, open_catalog
from exporter.units import NS_PER_S
from tests.crash.file_double import Mark, Trace, contents, put
from tests.crash.file_double_start import Rows, in_memory, rows_stored
from tests.crash.file_double_watch import watched
from tests.exporter.store_tables import NOON, append, ask, opened, seconds, spans

APPENDS: Final = 9
SPANS: Final = 2
"""Of each append."""
TIER: Final = 2
"""As many segments are merged."""
_TOUCHES: Final = ("open", "os.rename", "os.remove")


@pytest.fixture
def data() -> Iterator[Path]:
    """Where all lives are lived, since `ax.duckdb` holds absolute paths."""
    with in_memory() as scratch:
        yield scratch / "data"


@pytest.fixture(autouse=True)
def small_tiers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Merges are due after a few appends."""
    monkeypatch.setattr(compact, "TIER", TIER)


def store_of(data: Path) -> Store:
    """A store that decodes nothing to merge it while its hour is open."""
    return opened(data, splice_rows=1, grace=3 * NS_PER_S)


def live(data: Path, say: Callable[[str], None], first: int, last: int) -> None:
    """Appends with these numbers, each merged with those before where that is due; files replaced are unlinked too."""
    with closing(store_of(data)) as store:
        for number in range(first, last + 1):
            say(f"sent {number}")
            append(store, spans(seconds(now_of(number), SPANS), duration_ns=number))
            say(f"acked {number}")
            store.maintain(now_of(number))
        for _ in range(3):  # each merges what the one before has merged
            store.maintain(now_of(last))


def now_of(number: int) -> int:
    """When an append comes in."""
    return NOON + number * NS_PER_S


def rows_of(numbers: range) -> Rows:
    """All rows of appends."""
    return Rows({("spans", number): SPANS for number in numbers})


def said(lines: list[str], word: str) -> int:
    """The last append of which this is said."""
    return max((int(line.split()[1]) for line in lines if line.startswith(word)), default=0)


def strung(data: Path, catalog: Catalog) -> list[Path]:
    """The live segments of spans that hold several row groups; decoded, so few rows would be one."""
    live_spans = [data / one.path for one in catalog.segments() if one.table == "spans"]
    return [path for path in live_spans if pq.read_metadata(path).num_row_groups > 1]


def check(data: Path, lines: list[str]) -> None:
    """What was acknowledged is there, and what was sent, once or not at all."""
    with closing(recover.recovered_catalog(data, now_of(said(lines, "sent")))) as catalog:
        found = rows_stored(data, catalog)
        assert catalog.counts.corrupt_files == 0
        last = catalog.position // 100
    assert said(lines, "acked") <= last <= said(lines, "sent")
    assert found == rows_of(range(1, last + 1))


# ── Power cuts ────────────────────────────────────────────────────────────────────────────────────────────────────


def seen(data: Path) -> Trace:
    """The steps of a life."""
    data.mkdir()
    with pytest.MonkeyPatch.context() as patch, watched(data, patch) as watch:
        live(data, watch.mark, 1, APPENDS)
    with closing(open_catalog(data)) as catalog:
        assert [pq.read_metadata(path).num_row_groups for path in strung(data, catalog)] == [8]
    return Trace(watch.steps)


def cut_everywhere(data: Path, cuts: int) -> None:
    """Cuts the power so many times, each time on the way of one life."""
    trace = seen(data)
    assert sum(isinstance(step, Mark) for step in trace.steps) == 2 * APPENDS

    @settings(max_examples=cuts, phases=[Phase.generate], suppress_health_check=list(HealthCheck), deadline=None)
    @given(
        at=st.integers(0, len(trace)),
        bytes_kept=st.sampled_from([0.0, 0.5, 1.0]),
        names_kept=st.sampled_from([0.0, 0.5, 1.0]),
        seed=st.integers(0, 2**32),
        thorough=st.integers(0, 49).map(lambda place: place == 49),
    )
    def cut(at: int, bytes_kept: float, names_kept: float, seed: int, thorough: bool) -> None:  # noqa: FBT001
        put(data, trace.disk(at).after_cut(Random(seed), bytes_kept=bytes_kept, names_kept=names_kept))
        check(data, trace.marks(at))
        if thorough:
            with closing(store_of(data)) as store:
                first = store.position // 100 + 1
            live(data, lambda _: None, first, APPENDS + TIER)
            assert rows_published(data) == rows_of(range(1, APPENDS + TIER + 1))

    cut()
    shutil.rmtree(data)


def rows_published(data: Path) -> Rows:
    """What anybody sees who opens `ax.duckdb`."""
    counted = ask(data, "SELECT duration_ns, count(*) FROM spans GROUP BY ALL")
    return Rows({("spans", number): count for number, count in counted})


def test_a_power_cut_loses_and_doubles_nothing_that_is_strung_together(data: Path) -> None:
    cut_everywhere(data, 60)


@pytest.mark.slow
def test_three_thousand_power_cuts_lose_and_double_nothing(data: Path) -> None:
    cut_everywhere(data, 3_000)


# ── `kill -9` ─────────────────────────────────────────────────────────────────────────────────────────────────────


def survive(data: Path, rounds: int, seed: int) -> int:
    """Lives that are killed at any touch of a strung segment, or of anything; how many of them were."""
    rng, killed, lines = Random(seed), 0, list[str]()
    for _ in range(rounds):
        only, fatal = rng.choice([("-l1.parquet", rng.randrange(1, 24)), ("", rng.randrange(40, 900))])
        first = 1
        if data.exists():
            with closing(open_catalog(data)) as catalog:
                first = catalog.position // 100 + 1
        command = [sys.executable, "-m", "tests.crash.test_splice", str(data), str(first), only, str(fatal)]
        process = subprocess.run(command, check=False, stdout=subprocess.PIPE, text=True, timeout=120)
        assert process.returncode in {0, -signal.SIGKILL}
        killed += process.returncode != 0
        lines += process.stdout.splitlines()
        check(data, lines)
    return killed


def test_kills_lose_and_double_nothing_that_is_strung_together(data: Path) -> None:
    assert survive(data, 3, 5) >= 2


@pytest.mark.slow
def test_a_hundred_kills_lose_and_double_nothing(data: Path) -> None:
    assert survive(data, 100, 6) > 50


def die_at(fatal: int, only: str) -> None:
    """From now on: die of SIGKILL just before the `fatal`-th touch of a file that is called so."""
    touches = 0

    def touch(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal touches
        if event in _TOUCHES and only in str(arguments[0]):
            touches += 1
            if touches == fatal:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(touch)


# ── Flipped bits ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_flipped_bit_of_what_is_strung_together_is_found_by_the_next_start(data: Path) -> None:
    live(data, lambda _: None, 1, APPENDS)
    with closing(open_catalog(data)) as catalog:
        (path,) = strung(data, catalog)
    left, content = contents(data), path.read_bytes()

    @settings(max_examples=25, phases=[Phase.generate], deadline=None)
    @given(at=st.integers(0, len(content) - 1), bit=st.integers(0, 7))
    def flip(at: int, bit: int) -> None:
        put(data, left | {path.relative_to(data).as_posix(): flipped(content, at, bit)})
        with closing(recover.recovered_catalog(data, now_of(APPENDS))) as catalog:
            assert catalog.counts.corrupt_files == 1
            assert rows_stored(data, catalog) == rows_of(range(APPENDS, APPENDS + 1))
        assert (data / "quarantine" / path.name).exists()

    flip()


def test_a_catalog_that_is_lost_is_made_again_from_what_is_strung_together(data: Path) -> None:
    live(data, lambda _: None, 1, APPENDS)
    for path in data.glob("catalog.sqlite*"):
        path.unlink()
    check(data, [f"sent {APPENDS}", f"acked {APPENDS}"])
    with closing(open_catalog(data)) as catalog:
        assert len(strung(data, catalog)) == 1


def test_a_flipped_bit_is_found_by_the_merge_that_would_string_it_together(data: Path) -> None:
    with closing(store_of(data)) as store:
        for number in (1, 2):
            append(store, spans(seconds(NOON, SPANS), duration_ns=number))
        path = min((data / "segments" / "spans").rglob("*-l0.parquet"))
        path.write_bytes(flipped(path.read_bytes(), 300, 3))
        store.maintain(NOON)
        assert store.counters().corrupt_files == 1
        assert rows_published(data) == rows_of(range(2, 3))


def test_checksums_of_pages_still_say_which_page_is_damaged(tmp_path: Path, data: Path) -> None:
    live(data, lambda _: None, 1, APPENDS - 1)
    with closing(open_catalog(data)) as catalog:
        (path,) = strung(data, catalog)
    content, damaged = path.read_bytes(), tmp_path / path.name
    footer = pq.read_metadata(path)
    for place in range(footer.num_row_groups):
        chunk = footer.row_group(place).column(0)
        damaged.write_bytes(flipped(content, chunk.data_page_offset + chunk.total_compressed_size - 1, 0))
        source = pq.ParquetFile(damaged, page_checksum_verification=True)
        with pytest.raises((OSError, pa.ArrowException), match="CRC"):
            source.read_row_group(place, columns=[chunk.path_in_schema])
        assert source.read_row_group(place, columns=["span_id"]).num_rows == SPANS
    assert segment.file_checksum(damaged) != segment.file_checksum(path)


def flipped(content: bytes, at: int, bit: int) -> bytes:
    """All of it but for one bit."""
    return content[:at] + bytes([content[at] ^ 1 << bit]) + content[at + 1 :]


if __name__ == "__main__":
    compact.TIER = TIER  # type: ignore[misc]
    die_at(int(sys.argv[4]), sys.argv[3])
    live(Path(sys.argv[1]), lambda line: print(line, flush=True), int(sys.argv[2]), int(sys.argv[2]) + APPENDS)  # noqa: T201
