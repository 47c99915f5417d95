"""The journal between receiver and writer: once, in order, and not before it is on the disk."""

import asyncio
import os
import sys
import threading
import time
from collections.abc import Coroutine
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.config import Journal as Settings
from exporter.errors import Reason, Refused
from exporter.journal import Entry, Journal, Tail
from exporter.model import Request, Signal

SECOND = 10**9
SMALL = Settings(file_bytes=1_000)


@dataclass
class SetClock:
    """A clock that stands where it is set."""

    now: int = 1_000 * SECOND

    def wall(self) -> int:
        return self.now

    def monotonic(self) -> int:
        return self.now


def request(number: int, size: int = 8, *, at: int = 1_000 * SECOND, tenant: str = "default") -> Request:
    return Request(Signal.TRACES, tenant, at, 1, number.to_bytes(8, "little") + bytes(size - 8))


def number_of(entry: Entry) -> int:
    return int.from_bytes(entry.request.payload[:8], "little")


def opened(directory: Path, settings: Settings = SMALL, clock: SetClock | None = None) -> closing[Journal]:
    return closing(Journal.open(directory, settings, clock or SetClock()))


def append(
    directory: Path, *requests: Request, settings: Settings = SMALL, clock: SetClock | None = None
) -> list[bool]:
    with opened(directory, settings, clock) as journal:
        return asyncio.run(all_of(*(journal.append(one) for one in requests)))


async def all_of(*appends: Coroutine[Any, Any, bool]) -> list[bool]:
    return await asyncio.gather(*appends)


def read(directory: Path, position: int = 0, max_bytes: int = 2**20) -> list[Entry]:
    with closing(Tail.open(directory, position)) as tail:
        return tail.read(max_bytes)


def names(directory: Path, kind: str) -> list[str]:
    return sorted(path.name for path in directory.glob(f"*.{kind}"))


SIZES = st.lists(st.integers(8, 1_500), max_size=8)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("append"), SIZES),
        st.tuples(st.just("restart receiver"), st.none()),
        st.tuples(st.just("restart writer"), st.none()),
        st.tuples(st.just("read"), st.integers(1, 4_000)),
        st.tuples(st.just("store"), st.none()),
    ),
    max_size=20,
)


@settings(max_examples=150)
@given(steps=STEPS, file_bytes=st.integers(200, 5_000))
def test_what_is_appended_is_read_once_and_in_order(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, Any]], file_bytes: int
) -> None:
    directory = tmp_path_factory.mktemp("journal")
    config = Settings(file_bytes=file_bytes)
    journal, tail = Journal.open(directory, config, SetClock()), Tail.open(directory, 0)
    appended: list[bytes] = []
    stored: list[Entry] = []
    waiting: list[Entry] = []
    for step, value in [*steps, ("restart writer", None), ("read", 2**30)]:
        if step == "append":
            requests = [request(len(appended) + i, size) for i, size in enumerate(value)]
            assert asyncio.run(all_of(*map(journal.append, requests))) == [True] * len(requests)
            appended += [one.payload for one in requests]
        elif step == "restart receiver":
            journal.close()
            journal = Journal.open(directory, config, SetClock())
        elif step == "restart writer":
            tail.close()
            waiting = []
            tail = Tail.open(directory, stored[-1].end if stored else 0)
        elif step == "read":
            waiting += tail.read(value)
        else:
            stored += waiting
            tail.stored(stored[-1].end if stored else 0)
            waiting = []
    tail.close()
    journal.close()
    entries = stored + waiting
    assert [entry.request.payload for entry in entries] == appended
    assert [entry.end for entry in entries[:-1]] == [entry.position for entry in entries[1:]]
    assert (tail.lost_frames, tail.lost_bytes) == (0, 0)


def test_a_request_is_readable_by_another_process_when_its_append_returns(tmp_path: Path) -> None:
    async def scenario() -> None:
        with opened(tmp_path) as journal, closing(Tail.open(tmp_path, 0)) as tail:
            assert tail.read(1_000) == []
            for number in range(20):
                assert await journal.append(request(number, 100))
                (entry,) = tail.read(1_000)
                assert entry.request == request(number, 100)

    asyncio.run(scenario())


def test_a_read_is_bounded_but_never_empty_where_there_is_something(tmp_path: Path) -> None:
    append(tmp_path, *(request(number, 100) for number in range(5)))
    with closing(Tail.open(tmp_path, 0)) as tail:
        frame_bytes = 64 + len("default") + 100
        assert tail.lag_bytes == 5 * frame_bytes
        assert [number_of(entry) for entry in tail.read(2 * frame_bytes)] == [0, 1]
        assert [number_of(entry) for entry in tail.read(2 * frame_bytes - 1)] == [2]
        assert [number_of(entry) for entry in tail.read(1)] == [3]
        assert [number_of(entry) for entry in tail.read(2**20)] == [4]
        assert tail.read(1) == []
        tail.stored(tail.position)
        assert tail.lag_bytes == 0


def test_a_request_larger_than_a_file_has_a_file_to_itself(tmp_path: Path) -> None:
    append(tmp_path, request(0), request(1, 5_000), request(2), request(3))
    assert [number_of(entry) for entry in read(tmp_path)] == [0, 1, 2, 3]
    assert len(names(tmp_path, "log")) == 3


def test_the_writer_may_start_before_there_is_a_journal(tmp_path: Path) -> None:
    directory = tmp_path / "data" / "journal"
    with closing(Tail.open(directory, 700)) as tail:
        assert tail.read(100) == []
        append(directory, request(1))
        (entry,) = tail.read(100)
        assert entry.position == 700


def inodes_of(directory: Path) -> set[int]:
    """Of its logs; by the directory alone, since a thread may rename one at any time."""
    with os.scandir(directory) as entries:
        return {entry.inode() for entry in entries if entry.name.endswith(".log")}


def test_stored_files_are_recycled_and_others_kept(tmp_path: Path) -> None:
    with opened(tmp_path) as journal, closing(Tail.open(tmp_path, 0)) as tail:
        for number in range(30):
            asyncio.run(journal.append(request(number, 400)))
        assert len(names(tmp_path, "log")) == 15
        assert journal.backlog_bytes == 30 * (64 + 7 + 400)
        tail.stored(tail.read(2**20)[-1].end)
        assert journal.backlog_bytes == 0
        inodes = inodes_of(tmp_path)
        for number in range(30, 60):
            asyncio.run(journal.append(request(number, 400)))
            entries = tail.read(2**20)
            assert [number_of(entry) for entry in entries] == [number]
            tail.stored(entries[-1].end)
        assert len(names(tmp_path, "log")) == 5
        assert inodes_of(tmp_path) <= inodes
        assert tail.lost_frames == 0


def test_only_their_owner_can_read_the_files(tmp_path: Path) -> None:
    directory = tmp_path / "journal"
    append(directory, *(request(number, 400) for number in range(5)))
    assert directory.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in directory.iterdir()} == {0o600}


def test_a_foreign_file_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "notes.log").write_text("mine")
    (tmp_path / "0000000000000000.log.bak").write_text("mine too")
    append(tmp_path, *(request(number, 400) for number in range(5)))
    assert [number_of(entry) for entry in read(tmp_path)] == [0, 1, 2, 3, 4]
    assert (tmp_path / "notes.log").read_text() == "mine"


def test_too_large_a_backlog_is_refused_until_the_writer_has_stored_it(tmp_path: Path) -> None:
    with opened(tmp_path, Settings(backlog_bytes=100)) as journal, closing(Tail.open(tmp_path, 0)) as tail:
        assert asyncio.run(journal.append(request(0, 200)))
        with pytest.raises(Refused, match="backlog_bytes") as refused:
            asyncio.run(journal.append(request(1, 200)))
        assert refused.value.reason is Reason.OVERLOADED
        assert asyncio.run(journal.append(request(0, 200))) is False
        tail.stored(tail.read(1_000)[-1].end)
        assert asyncio.run(journal.append(request(1, 200)))


def test_a_disk_with_too_little_room_is_refused(tmp_path: Path) -> None:
    with opened(tmp_path, Settings(min_free_bytes=2**60)) as journal:
        with pytest.raises(Refused, match="min_free_bytes") as refused:
            asyncio.run(journal.append(request(0)))
        assert refused.value.reason is Reason.DISK_FULL
    assert read(tmp_path) == []


def test_closing_syncs_what_is_queued_and_refuses_what_comes_later(tmp_path: Path) -> None:
    async def scenario() -> None:
        journal = Journal.open(tmp_path, SMALL, SetClock())
        appends = [asyncio.create_task(journal.append(request(number))) for number in range(3)]
        await asyncio.sleep(0)
        journal.close()
        journal.close()
        assert await asyncio.gather(*appends) == [True, True, True]
        with pytest.raises(Refused) as refused:
            await journal.append(request(3))
        assert refused.value.reason is Reason.SHUTTING_DOWN
        assert journal.backlog_bytes == 3 * (64 + 7 + 8)

    asyncio.run(scenario())
    assert [number_of(entry) for entry in read(tmp_path)] == [0, 1, 2]


def test_a_cancelled_append_may_be_written_and_its_retry_is_answered(tmp_path: Path) -> None:
    async def scenario() -> None:
        with opened(tmp_path) as journal:
            first = asyncio.create_task(journal.append(request(1)))
            retry = asyncio.create_task(journal.append(request(1)))
            await asyncio.sleep(0)
            first.cancel()
            assert await retry is False
            assert await journal.append(request(1)) is False
            assert await journal.append(request(2)) is True
            with pytest.raises(asyncio.CancelledError):
                await first

    asyncio.run(scenario())
    assert [number_of(entry) for entry in read(tmp_path)] == [1, 2]


@pytest.mark.skipif(sys.platform != "linux", reason="counts the switches of a thread in /proc")
def test_an_idle_journal_never_wakes(tmp_path: Path) -> None:
    with opened(tmp_path) as journal:
        asyncio.run(journal.append(request(0)))
        (thread,) = (one for one in threading.enumerate() if one.name == "journal")
        status = Path(f"/proc/self/task/{thread.native_id}/status")

        def switches() -> list[str]:
            return [line for line in status.read_text().splitlines() if "ctxt_switches" in line]

        time.sleep(0.05)
        before = switches()
        time.sleep(0.2)
        assert switches() == before
