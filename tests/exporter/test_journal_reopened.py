"""What a journal knows when it is opened again: how many items it ever took, and that without reading all it holds."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.clock import SystemClock
from exporter.config import Journal as Settings
from exporter.journal import Journal, Tail
from exporter.model import Request, Signal

SMALL = Settings(file_bytes=1_000, min_free_bytes=0)
CLOCK = SystemClock()
LIFE = st.lists(st.tuples(st.sampled_from(list(Signal)), st.integers(1, 50_000), st.integers(0, 600)), max_size=8)


def requests(seed: int, count: int = 8) -> list[Request]:
    """Requests of all signals, like no others."""
    return [made(list(Signal)[i % 3], i + 1, seed * 100 + i) for i in range(count)]


def made(signal: Signal, items: int, number: int, size: int = 250) -> Request:
    return Request(signal, "default", CLOCK.wall(), items, number.to_bytes(8, "little") + bytes(size))


def append(directory: Path, taken: Sequence[Request], settings: Settings = SMALL) -> tuple[Counter[Signal], list[bool]]:
    """What the journal had taken when it was opened, and what became of `taken`."""
    with closing(Journal.open(directory, settings, CLOCK)) as journal:
        return Counter(journal.items_before), [asyncio.run(journal.append(one)) for one in taken]


def store_all(directory: Path) -> None:
    with closing(Tail.open(directory, 0)) as tail:
        tail.read(2**30)
        tail.stored(tail.position)


def items_of(taken: Sequence[Request]) -> Counter[Signal]:
    total: Counter[Signal] = Counter()
    for one in taken:
        total[one.signal] += one.items
    return total


@settings(max_examples=40)
@given(lives=st.lists(st.tuples(LIFE, st.booleans()), min_size=1, max_size=6))
def test_a_journal_knows_all_items_that_it_ever_took_also_of_files_that_are_gone(
    tmp_path_factory: pytest.TempPathFactory, lives: list[tuple[list[tuple[Signal, int, int]], bool]]
) -> None:
    directory = tmp_path_factory.mktemp("journal")
    taken: list[Request] = []
    for life, is_stored in lives:
        new = [made(signal, items, len(taken) + i, size) for i, (signal, items, size) in enumerate(life)]
        before, answers = append(directory, new)
        assert before == items_of(taken)
        assert all(answers)
        taken += new
        if is_stored:
            store_all(directory)
    assert append(directory, [])[0] == items_of(taken)


def test_retries_are_no_items_of_the_journal(tmp_path: Path) -> None:
    taken = requests(1)
    append(tmp_path, taken)
    assert append(tmp_path, taken) == (items_of(taken), [False] * len(taken))
    assert append(tmp_path, [])[0] == items_of(taken)


def test_the_last_keys_outlive_the_window_because_they_know_the_items(tmp_path: Path) -> None:
    """An idle journal, all stored: its only file is put to use again, and no retry needs the keys."""
    forgetful = Settings(file_bytes=1_000, min_free_bytes=0, dedup_window=0)
    for number in range(6):
        append(tmp_path, [made(Signal.LOGS, 7, number, 700)], forgetful)
        store_all(tmp_path)
    assert append(tmp_path, [], forgetful)[0] == Counter({Signal.LOGS: 42})
    assert len(list(tmp_path.glob("*.log"))) < 6


def test_items_are_known_when_the_keys_of_a_file_are_lost(tmp_path: Path) -> None:
    taken = requests(1, 12)
    append(tmp_path, taken)
    for keys in sorted(tmp_path.glob("*.keys"))[1:3]:
        keys.unlink()
    assert append(tmp_path, [])[0] == items_of(taken)


def test_closed_files_are_not_read_however_many_wait_to_be_stored(tmp_path: Path) -> None:
    taken = requests(1, 40)
    append(tmp_path, taken)
    *closed, newest = sorted(tmp_path.glob("*.log"))
    assert len(closed) > 10
    for log in closed:
        log.write_bytes(b"not read")
    assert append(tmp_path, taken) == (items_of(taken), [False] * len(taken))
    assert newest.exists()


def test_only_the_last_requests_are_remembered_when_it_is_opened(tmp_path: Path) -> None:
    taken = requests(1, 40)
    append(tmp_path, taken)
    assert append(
        tmp_path, [*taken[-10:], taken[0]], Settings(file_bytes=1_000, min_free_bytes=0, dedup_requests=10)
    ) == (
        items_of(taken),
        [False] * 10 + [True],
    )
