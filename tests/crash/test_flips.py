"""One bit flips, or a file is cut off: any file of a data directory that a server has left.

A start goes on whatever it is. What is damaged is found, and is set aside or made anew; nothing else is lost, nothing
is doubled, and what is lost is counted. A segment that was written long ago is found by the next scrub; until then
DuckDB, which verifies nothing, may answer wrong (half of all flips in a fresh segment, a third in a merged one).
"""

import asyncio
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import Final

import duckdb
import pytest

from exporter import figures
from exporter.figures import Figures, Sample
from exporter.store import Store, recover
from exporter.store.catalog import FILE, Segment, open_catalog, segment_name
from exporter.store.publish import MANIFEST
from tests.crash.file_double import contents, put
from tests.crash.file_double_life import STORE, live
from tests.crash.file_double_start import Rows, Said, in_memory, is_whole, rows_of_file, rows_published, start
from tests.exporter.store_tables import DAY

PAGE: Final = 4096
FIGURES: Final = Figures(
    time=7,
    started=1,
    pid=42,
    counters=(Sample("ax_refused_items_total", {"signal": "traces", "reason": "overloaded"}, 1234),),
    gauges=(Sample("ax_in_flight_bytes", {}, 56),),
)


@dataclass(frozen=True, slots=True)
class Damage:
    """What a file holds now, and how it came to that."""

    file: str
    how: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Left:
    """What a server has left in `data`: files by relative path, None for a directory; and what its clients know.

    `rows` are all that is there, `published` those that are in segments, `live` those of each live segment by its path.
    """

    data: Path
    files: Mapping[str, bytes | None]
    said: Said
    rows: Rows
    published: Rows
    live: Mapping[str, Rows]

    @classmethod
    def of(cls, data: Path, files: Mapping[str, bytes | None], said: Said) -> "Left":
        """Looks at it while it is sound."""
        put(data, files)
        found = start(data, said)
        found.check(said)
        with closing(open_catalog(data)) as catalog:
            live = {str(one.path): rows_of_file(one.table, data / one.path) for one in catalog.segments()}
        return cls(data, files, said, found.rows, sum(live.values(), Rows()), live)

    def put(self, damage: Damage | None = None) -> None:
        """Lays it out as it was, but for the damage."""
        put(self.data, self.files)
        if damage is not None:
            (self.data / damage.file).write_bytes(damage.content)

    def damages(self, rng: Random, pattern: str) -> Iterator[Damage]:
        """Files whose paths the pattern matches, cut off or with a bit flipped: half of them near a page's edges."""
        files = {path: content for path, content in self.files.items() if content and re.fullmatch(pattern, path)}
        while True:
            file = rng.choice([*files])
            content = files[file]
            if rng.random() < 1 / 8:
                size = rng.randrange(len(content))
                yield Damage(file, f"cut off at {size}", content[:size])
                continue
            at = rng.randrange(len(content))
            if rng.random() < 1 / 2:
                at = min(at // PAGE * PAGE + rng.choice([rng.randrange(112), PAGE - 1 - rng.randrange(200)]), at)
            bit = rng.randrange(8)
            yield Damage(file, f"bit {bit} of byte {at}", _flipped(content, at, bit))


def _flipped(content: bytes, at: int, bit: int) -> bytes:
    flipped = bytearray(content)
    flipped[at] ^= 1 << bit
    return bytes(flipped)


@pytest.fixture(scope="module")
def left() -> Iterator[dict[str, Left]]:
    """`killed` with requests that are not stored and with a write-ahead log of the catalog, `ended` without."""
    with in_memory() as scratch:
        data, lines, killed = scratch / "data", list[str](), dict[str, bytes | None]()
        figures.publish(figures.path_of(data, "receive"), FIGURES)

        def say(line: str) -> None:
            lines.append(line)
            if len(lines) == 2 * REQUESTS - 1:
                killed.update(contents(data))

        asyncio.run(live(data, say, [], REQUESTS // 3))
        ended = contents(data)
        yield {
            "killed": Left.of(data, killed, Said.read(lines[:-1])),
            "ended": Left.of(data, ended, Said.read(lines)),
        }


REQUESTS: Final = 72


# ── What must be true of which file ───────────────────────────────────────────────────────────────────────────────


def check_journal(left: Left, damage: Damage) -> None:
    """A request that was hit is lost alone, and counted; one that was stored may be stored twice if sent again."""
    found = start(left.data, left.said)
    assert is_whole(found.rows)
    lost, forgotten = left.said.acked - found.numbers, found.numbers - found.known
    assert bool(found.lost_frames) >= bool(lost)
    assert len(lost) + len(forgotten) <= 1 or damage.how.startswith("cut")
    assert found.corrupt_files == 0


def check_keys(left: Left, damage: Damage) -> None:
    """The digests are taken from the journal's file once more; where that is gone a retry may be stored again."""
    found = start(left.data, left.said)
    assert found.rows == left.rows
    assert (found.lost_frames, found.corrupt_files) == (0, 0)
    is_there = damage.file.replace(".keys", ".log") in left.files
    assert found.known == found.numbers if is_there else found.known <= found.numbers


def check_head(left: Left, _damage: Damage) -> None:
    """It is a hint."""
    found = start(left.data, left.said)
    found.check(left.said)
    assert found.rows == left.rows
    assert (found.lost_frames, found.corrupt_files) == (0, 0)


def check_catalog(left: Left, _damage: Damage) -> None:
    """It is made again from the segments, and can be written."""
    found = start(left.data, left.said)
    found.check(left.said)
    assert found.rows == left.rows
    assert found.lost_frames == 0
    assert found.corrupt_files <= 1
    with closing(recover.recovered_catalog(left.data, left.said.clock.now)) as catalog:
        before = _all(catalog.known())
        old, new = next(iter(before.values())), catalog.next_number
        fresh = replace(old, number=new, name=segment_name(new, catalog.position, 0))
        catalog.commit([fresh, replace(old, state="dead", ended=1)])
        catalog.commit([replace(old, state="quarantined", ended=1)])
        catalog.commit(forget=[old])
    with closing(open_catalog(left.data)) as catalog:
        del before[old.number]
        assert _all(catalog.known()) == {**before, new: fresh}


def _all(known: Mapping[str, Segment]) -> dict[int, Segment]:
    return {one.number: one for one in known.values()}


def check_segment(left: Left, damage: Damage) -> None:
    """One that was written lately is set aside at the start, its rows with it."""
    found = start(left.data, left.said)
    assert found.rows == left.rows - left.live.get(damage.file, Rows())
    assert found.corrupt_files == (damage.file in left.live)
    assert (left.data / recover.QUARANTINE / Path(damage.file).name).exists() == (damage.file in left.live)


def check_segment_in_use(left: Left, damage: Damage) -> None:
    """One that is hit while the server runs is set aside by the next scrub, its rows with it."""
    left.put()
    settings = STORE.model_copy(update={"compaction_interval": 0})
    with closing(Store.open(left.data, settings, left.said.clock)) as store:
        (left.data / damage.file).write_bytes(damage.content)
        store.maintain(left.said.clock.now + 5 * DAY)
        assert rows_published(left.data) == left.published - left.live.get(damage.file, Rows())
        assert store.counters().corrupt_files == (damage.file in left.live)


def check_view(left: Left, _damage: Damage) -> None:
    """DuckDB verifies a file of its own: an error or what is right."""
    with suppress(duckdb.Error):
        assert rows_published(left.data) == left.published


def check_made_anew(left: Left, _damage: Damage) -> None:
    """A start writes it again, whatever is there."""
    with closing(Store.open(left.data, STORE, left.said.clock)):
        assert rows_published(left.data) == left.published
        for file in (MANIFEST, *(name for name in left.files if name.startswith("schema/"))):
            assert (left.data / file).read_bytes() == left.files[file]


def check_figures(left: Left, damage: Damage) -> None:
    """They are right or not there."""
    assert figures.read(left.data / damage.file) in (FIGURES, None)


@dataclass(frozen=True, slots=True)
class Kind:
    """Files, what must be true of them, and how many damages are tried: in CI, and in all."""

    state: str
    pattern: str
    check: Callable[[Left, Damage], None]
    some: int
    many: int


KINDS: Final = {
    "journal": Kind("killed", r"journal/.*\.log", check_journal, 60, 2_500),
    "keys": Kind("killed", r"journal/.*\.keys", check_keys, 20, 500),
    "head": Kind("killed", r"journal/head", check_head, 20, 300),
    "catalog": Kind("ended", r"catalog\.sqlite", check_catalog, 80, 2_700),
    "catalog-log": Kind("killed", r"catalog\.sqlite-wal", check_catalog, 60, 1_500),
    "segment": Kind("killed", r"segments/.*\.parquet", check_segment, 60, 1_000),
    "segment-in-use": Kind("ended", r"segments/.*\.parquet", check_segment_in_use, 10, 300),
    "view": Kind("killed", r"ax\.duckdb", check_view, 30, 500),
    "made-anew": Kind("killed", r"(manifest\.json|schema/.*|tmp/.*)", check_made_anew, 10, 200),
    "figures": Kind("killed", r"run/.*\.json", check_figures, 60, 500),
}


def try_damages(left: Mapping[str, Left], kind: Kind, count: int) -> None:
    """So many damages, one after the other."""
    one = left[kind.state]
    damages = one.damages(Random(kind.pattern), kind.pattern)
    for _ in range(count):
        damage = next(damages)
        one.put(damage)
        try:
            kind.check(one, damage)
        except Exception as error:
            raise AssertionError(f"{damage.file}: {damage.how}") from error


@pytest.mark.parametrize("name", KINDS)
def test_a_damaged_file_costs_at_most_itself(left: dict[str, Left], name: str) -> None:
    try_damages(left, KINDS[name], KINDS[name].some)


SPOTS: Final[Mapping[str, tuple[bytes, int, int]]] = {
    "which versions of SQLite may write it": (b"SQLite format 3", 18, 2),
    "a letter of a definition, which then is none": (b"CREATE TABLE segments", 3, 7),
    "a state that a row may have": (b"'quarantined'", 3, 4),
    "the name of the table of last numbers": (b"CREATE TABLE sqlite_sequence", 15, 5),
    "the last number": (b"\x1d\x02segments", 11, 7),
}
"""What SQLite itself does not see: some text in the file, bytes from there on, and a bit."""


@pytest.mark.parametrize("spot", SPOTS)
def test_the_catalog_is_sound_where_sqlite_does_not_look(left: dict[str, Left], spot: str) -> None:
    ended = left["ended"]
    content = ended.files[FILE] or b""
    text, beyond, bit = SPOTS[spot]
    at = content.index(text) + beyond
    damage = Damage(FILE, spot, _flipped(content, at, bit))
    ended.put(damage)
    assert start(ended.data, ended.said).corrupt_files == 1
    check_catalog(ended, damage)


@pytest.mark.slow
@pytest.mark.parametrize("name", KINDS)
def test_ten_thousand_damaged_files_cost_at_most_themselves(left: dict[str, Left], name: str) -> None:
    try_damages(left, KINDS[name], KINDS[name].many)


def test_all_kinds_together_are_ten_thousand() -> None:
    assert sum(kind.many for kind in KINDS.values()) == 10_000
