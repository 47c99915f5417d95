"""What a journal makes of torn tails, flipped bits, lost files, a damaged head and a disk that is full."""

import asyncio
import resource
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.clock import SystemClock
from exporter.config import Journal as Settings
from exporter.errors import Reason, Refused
from exporter.journal import Journal, Tail
from exporter.journal.frame import record
from exporter.journal.log import Log
from exporter.model import Request, Signal

FRAME_BYTES = 64 + len("default") + 100
PER_FILE = 5
SMALL = Settings(file_bytes=PER_FILE * FRAME_BYTES + 50)


def request(number: int, size: int = 100) -> Request:
    return Request(Signal.METRICS, "default", 10**18, 1, number.to_bytes(8, "little") + bytes(size - 8))


def opened(directory: Path) -> closing[Journal]:
    return closing(Journal.open(directory, SMALL, SystemClock()))


async def outcomes(journal: Journal, *requests: Request) -> list[bool | Reason]:
    answers = await asyncio.gather(*(journal.append(one) for one in requests), return_exceptions=True)
    return [answer.reason if isinstance(answer, Refused) else bool(answer) for answer in answers]


def append(directory: Path, *numbers: int) -> list[bool | Reason]:
    with opened(directory) as journal:
        return asyncio.run(outcomes(journal, *map(request, numbers)))


def read(tail: Tail) -> list[int]:
    return [int.from_bytes(entry.request.payload[:8], "little") for entry in tail.read(2**30)]


def read_all(directory: Path) -> list[int]:
    with closing(Tail.open(directory, 0)) as tail:
        return read(tail)


def logs(directory: Path) -> list[Path]:
    return sorted(directory.glob("*.log"))


@given(end=st.integers(0, FRAME_BYTES - 1), rest=st.binary(max_size=2 * FRAME_BYTES), head=st.booleans())
def test_a_torn_tail_is_written_over(
    tmp_path_factory: pytest.TempPathFactory, *, end: int, rest: bytes, head: bool
) -> None:
    directory = tmp_path_factory.mktemp("journal")
    append(directory, 0, 1, 2)
    (log,) = logs(directory)
    content = log.read_bytes()
    end += 2 * FRAME_BYTES
    torn = content[:end] + bytes([content[end] ^ 0xFF]) + rest
    log.write_bytes(torn + bytes(len(content) - len(torn)))
    if not head:  # then nothing says that the third was durable
        (directory / "head").unlink()
    assert append(directory, 3, 4, 2) == [True, True, True]
    assert read_all(directory) == [0, 1, 3, 4, 2]
    assert append(directory, 0, 1, 2, 3, 4) == [False] * 5


@given(at=st.integers(0, 7 * FRAME_BYTES - 1), bit=st.integers(0, 7), restart=st.booleans())
def test_a_damaged_frame_costs_no_other(
    tmp_path_factory: pytest.TempPathFactory, *, at: int, bit: int, restart: bool
) -> None:
    directory = tmp_path_factory.mktemp("journal")
    append(directory, *range(7))
    log = logs(directory)[at // (PER_FILE * FRAME_BYTES)]
    content = bytearray(log.read_bytes())
    content[at % (PER_FILE * FRAME_BYTES)] ^= 1 << bit
    log.write_bytes(content)
    if restart:
        append(directory, 7)
    with closing(Tail.open(directory, 0)) as tail:
        damaged = at // FRAME_BYTES
        assert read(tail) == [number for number in range(8 if restart else 7) if number != damaged]
        assert (tail.lost_frames, tail.lost_bytes) == (1, FRAME_BYTES)
        assert tail.lag_bytes == tail.position


def test_a_lost_file_costs_no_other(tmp_path: Path) -> None:
    append(tmp_path, *range(4 * PER_FILE))
    logs(tmp_path)[0].unlink()
    logs(tmp_path)[1].unlink()
    with closing(Tail.open(tmp_path, 0)) as tail:
        assert read(tail) == [*range(PER_FILE, 2 * PER_FILE), *range(3 * PER_FILE, 4 * PER_FILE)]
        assert (tail.lost_frames, tail.lost_bytes) == (2, 2 * PER_FILE * FRAME_BYTES)


def test_positions_go_on_when_all_files_are_lost(tmp_path: Path) -> None:
    append(tmp_path, *range(7))
    with closing(Tail.open(tmp_path, 0)) as tail:
        assert read(tail) == [*range(7)]
        for log in logs(tmp_path):
            log.unlink()
        append(tmp_path, 7)
        assert read(tail) == [7]
        assert tail.lost_frames == 0


@settings(max_examples=50)
@given(content=st.binary(max_size=64) | st.none(), writer_restarts=st.booleans())
def test_a_damaged_head_loses_and_doubles_nothing(
    tmp_path_factory: pytest.TempPathFactory, *, content: bytes | None, writer_restarts: bool
) -> None:
    directory = tmp_path_factory.mktemp("journal")
    append(directory, *range(12))
    tail = Tail.open(directory, 0)
    entries = tail.read(4 * FRAME_BYTES)
    tail.stored(entries[-1].end)
    if content is None:
        tail.close()
        (directory / "head").unlink()
        tail = Tail.open(directory, entries[-1].end)
    else:
        with (directory / "head").open("r+b") as head:
            head.write(content)
        if writer_restarts:
            tail.close()
            tail = Tail.open(directory, entries[-1].end)
    assert append(directory, *range(14)) == [False] * 12 + [True] * 2
    with closing(tail):
        assert read(tail) == [*range(4, 14)]
        assert tail.lost_frames == 0


@contextmanager
def largest_file(size_bytes: int) -> Iterator[None]:
    """No file of this process can be written beyond `size_bytes`: as a full disk, in the middle of a write."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("restart", [False, True])
@pytest.mark.parametrize("written", [0, 1, FRAME_BYTES, FRAME_BYTES + 70, 2 * FRAME_BYTES, 3 * FRAME_BYTES - 1])
def test_a_group_that_the_disk_has_no_room_for_is_written_over(tmp_path: Path, *, written: int, restart: bool) -> None:
    with closing(Log.open(tmp_path, SMALL, SystemClock())[0]) as log, closing(Tail.open(tmp_path, 0)) as tail:
        zero, one, two, three = (record(request(number)) for number in range(4))
        assert log.append([zero]) == 1
        with largest_file(FRAME_BYTES + written), pytest.raises(OSError, match="too large"):
            log.append([one, two, three])
        assert (log.end, read(tail)) == (FRAME_BYTES, [0])
        # This one ends where the refused second frame begins, which is whole on the disk and must stay dead.
        assert log.append([three]) == 1
        assert read(tail) == [3]
        if not restart:
            assert log.append([one, two]) == 2
    if restart:
        assert append(tmp_path, 1, 2, 3) == [True, True, False]
    assert read_all(tmp_path) == [0, 3, 1, 2]


@pytest.mark.parametrize("written", [0, FRAME_BYTES - 1])
def test_requests_that_the_disk_has_no_room_for_are_refused_with_their_retries(tmp_path: Path, written: int) -> None:
    with opened(tmp_path) as journal:
        assert asyncio.run(outcomes(journal, request(0))) == [True]
        with largest_file(FRAME_BYTES + written):
            group = [request(1), request(2), request(1), request(0)]
            assert asyncio.run(outcomes(journal, *group)) == [Reason.DISK_FULL] * 3 + [False]
        assert journal.backlog_bytes == FRAME_BYTES
        assert asyncio.run(outcomes(journal, request(2), request(1), request(2))) == [True, True, False]
    assert read_all(tmp_path) == [0, 2, 1]


def test_a_file_that_the_disk_has_no_room_for_is_refused_and_made_later(tmp_path: Path) -> None:
    with opened(tmp_path) as journal:
        full = [request(number) for number in range(PER_FILE)]
        assert asyncio.run(outcomes(journal, *full)) == [True] * PER_FILE
        with largest_file(SMALL.file_bytes - 1):
            assert asyncio.run(outcomes(journal, request(9))) == [Reason.DISK_FULL]
            assert len(logs(tmp_path)) == 1
        assert asyncio.run(outcomes(journal, request(9), request(10))) == [True, True]
    assert read_all(tmp_path) == [*range(PER_FILE), 9, 10]


def test_what_fits_into_the_last_file_is_acknowledged_though_there_is_no_room_for_the_next(tmp_path: Path) -> None:
    with opened(tmp_path) as journal:
        assert asyncio.run(outcomes(journal, request(0))) == [True]
        with largest_file(SMALL.file_bytes - 1):
            answers = asyncio.run(outcomes(journal, *(request(number) for number in range(1, 7))))
        assert answers == [True] * 4 + [Reason.DISK_FULL] * 2
        assert asyncio.run(outcomes(journal, request(0), request(5), request(6))) == [False, True, True]
    assert read_all(tmp_path) == [0, 1, 2, 3, 4, 5, 6]


def test_a_refused_request_that_is_left_in_a_closed_file_is_neither_read_nor_known(tmp_path: Path) -> None:
    with closing(Log.open(tmp_path, SMALL, SystemClock())[0]) as log:
        log.append([record(request(number)) for number in range(PER_FILE - 1)])
        refused = [record(request(number, 30)) for number in (4, 5)]
        with largest_file(log.end + refused[0].size_bytes), pytest.raises(OSError, match="too large"):
            log.append(refused)
        assert log.append([record(request(6, 200))]) == 1
    logs(tmp_path)[0].with_suffix(".keys").unlink()
    assert read_all(tmp_path) == [0, 1, 2, 3, 6]
    with opened(tmp_path) as journal:
        assert asyncio.run(outcomes(journal, request(4, 30), request(6, 200))) == [True, False]
    assert read_all(tmp_path) == [0, 1, 2, 3, 6, 4]


def test_a_rotation_that_failed_is_tried_again_though_the_next_request_fits_into_the_old_file(tmp_path: Path) -> None:
    with closing(Log.open(tmp_path, SMALL, SystemClock())[0]) as log:
        log.append([record(request(number)) for number in range(PER_FILE - 1)])
        in_the_way = tmp_path / f"{log.end:016x}.log"
        in_the_way.mkdir()
        for refused in (request(4, 200), request(4)):
            with pytest.raises(IsADirectoryError):
                log.append([record(refused)])
        in_the_way.rmdir()
        assert log.append([record(request(4))]) == 1
    assert [log.name for log in logs(tmp_path)] == ["0000000000000000.log", in_the_way.name]
    assert read_all(tmp_path) == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("left", ["nothing", "an empty file", "an allocated file", "a recycled file"])
@pytest.mark.parametrize("keys", ["sound", "torn", "missing"])
def test_a_rotation_that_was_interrupted_is_finished(tmp_path: Path, left: str, keys: str) -> None:
    append(tmp_path, *range(PER_FILE + 1))
    first, second = logs(tmp_path)
    content = {
        "an empty file": b"",
        "an allocated file": bytes(SMALL.file_bytes),
        "a recycled file": first.read_bytes(),
    }
    if left == "nothing":
        second.unlink()
    else:
        second.write_bytes(content[left])
    if keys == "torn":
        first.with_suffix(".keys").write_bytes(b"AXK")
    elif keys == "missing":
        first.with_suffix(".keys").unlink()
    (tmp_path / "head").unlink()
    assert append(tmp_path, *range(PER_FILE + 3)) == [False] * PER_FILE + [True] * 3
    assert read_all(tmp_path) == [*range(PER_FILE + 3)]
    assert append(tmp_path, *range(PER_FILE + 3)) == [False] * (PER_FILE + 3)
