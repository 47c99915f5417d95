"""A client's retry is acknowledged and not stored again: at once, later, and after restarts."""

import asyncio
from contextlib import closing
from pathlib import Path

from exporter.config import Journal as Settings
from exporter.journal import Journal, Tail
from exporter.journal.window import Keys, save
from exporter.model import Request, Signal

SECOND = 10**9
START = 1_000 * SECOND
SMALL = Settings(file_bytes=1_000)


class SetClock:
    """A clock that stands where it is set."""

    now = START

    def wall(self) -> int:
        return self.now

    def monotonic(self) -> int:
        return self.now


def request(number: int, size: int = 8, *, at: int = START, tenant: str = "default") -> Request:
    return Request(Signal.TRACES, tenant, at, 1, number.to_bytes(8, "little") + bytes(size - 8))


def append(directory: Path, *requests: Request, settings: Settings = SMALL, now: int = START) -> list[bool]:
    clock = SetClock()
    clock.now = now
    with closing(Journal.open(directory, settings, clock)) as journal:
        return [asyncio.run(journal.append(one)) for one in requests]


def numbers(directory: Path) -> list[int]:
    with closing(Tail.open(directory, 0)) as tail:
        return [int.from_bytes(entry.request.payload[:8], "little") for entry in tail.read(2**30)]


def store_all(directory: Path) -> None:
    with closing(Tail.open(directory, 0)) as tail:
        tail.read(2**30)
        tail.stored(tail.position)


def test_a_retry_is_told_from_another_request(tmp_path: Path) -> None:
    one = request(1)
    log = Request(Signal.LOGS, one.tenant, one.received_at, one.items, one.payload)
    assert append(tmp_path, one, one, request(1, tenant="acme"), log, request(2), log) == [
        True,
        False,
        True,
        True,
        True,
        False,
    ]
    assert numbers(tmp_path) == [1, 1, 1, 2]


def test_retries_that_come_before_the_first_is_synced_wait_for_the_same_sync(tmp_path: Path) -> None:
    async def scenario() -> None:
        with closing(Journal.open(tmp_path, SMALL, SetClock())) as journal, closing(Tail.open(tmp_path, 0)) as tail:
            appends = [asyncio.create_task(journal.append(request(1, 500))) for _ in range(5)]
            done, _ = await asyncio.wait(appends, return_when=asyncio.FIRST_COMPLETED)
            assert len(tail.read(2**20)) == 1
            assert done
            assert await asyncio.gather(*appends) == [True, False, False, False, False]

    asyncio.run(scenario())
    assert numbers(tmp_path) == [1]


def test_a_request_is_stored_again_when_the_window_has_passed(tmp_path: Path) -> None:
    settings = Settings(dedup_window=10 * SECOND)
    times = [0, 10, 11, 12]
    retries = [request(1, at=START + seconds * SECOND) for seconds in times]
    assert append(tmp_path, *retries, settings=settings) == [True, False, True, False]


def test_a_request_is_stored_again_when_too_many_others_came(tmp_path: Path) -> None:
    settings = Settings(dedup_requests=3)
    assert append(tmp_path, *map(request, (1, 2, 3, 1, 4, 1, 3)), settings=settings) == [
        True,
        True,
        True,
        False,
        True,
        True,
        False,
    ]


def test_retries_are_known_after_a_restart(tmp_path: Path) -> None:
    requests = [request(number, 300) for number in range(12)]
    assert append(tmp_path, *requests) == [True] * 12
    assert append(tmp_path, *requests) == [False] * 12
    assert numbers(tmp_path) == list(range(12))


def test_retries_are_known_after_their_file_was_recycled_and_a_restart(tmp_path: Path) -> None:
    requests = [request(number, 300) for number in range(30)]
    for first in range(0, 30, 3):
        append(tmp_path, *requests[first : first + 3])
        store_all(tmp_path)
    assert len(list(tmp_path.glob("*.log"))) < 10
    assert append(tmp_path, *requests) == [False] * 30


def test_the_window_counts_from_when_a_request_came_also_after_a_restart(tmp_path: Path) -> None:
    settings = Settings(file_bytes=1_000, dedup_window=10 * SECOND)
    append(tmp_path, *(request(number, 300, at=START + number * SECOND) for number in range(8)), settings=settings)
    at = START + 13 * SECOND
    retries = [request(number, 300, at=at) for number in range(8)]
    assert append(tmp_path, *retries, settings=settings) == [True, True, True, False, False, False, False, False]


def test_keys_are_deleted_when_no_retry_can_need_them(tmp_path: Path) -> None:
    settings = Settings(file_bytes=1_000, dedup_window=10 * SECOND)
    for number in range(20):
        at = START + number * SECOND
        append(tmp_path, *(request(2 * number + i, 400, at=at) for i in range(2)), settings=settings, now=at)
        store_all(tmp_path)
    logs = {path.stem for path in tmp_path.glob("*.log")}
    keys = {path.stem for path in tmp_path.glob("*.keys")}
    assert len(logs) <= 5
    assert len(keys - logs) <= 10
    at = START + 20 * SECOND
    retries = [request(number, 400, at=at) for number in range(40)]
    assert append(tmp_path, *retries, settings=settings, now=at) == [True] * 20 + [False] * 20


def test_lost_damaged_and_stale_keys_are_made_anew_from_their_log(tmp_path: Path) -> None:
    requests = [request(number, 300) for number in range(12)]
    append(tmp_path, *requests)
    missing, torn, damaged, stale, *_ = sorted(tmp_path.glob("*.keys"))
    sound = {path: path.read_bytes() for path in (missing, torn, damaged, stale)}
    missing.unlink()
    torn.write_bytes(torn.read_bytes()[:20])
    damaged.write_bytes(b"?" + damaged.read_bytes()[1:])
    save(stale, Keys(int(stale.stem, 16), b""), 10)
    assert append(tmp_path, *requests) == [False] * 12
    assert {path: path.read_bytes() for path in sound} == sound


def test_keys_that_are_damaged_when_their_log_is_gone_are_deleted(tmp_path: Path) -> None:
    requests = [request(number, 300) for number in range(12)]
    append(tmp_path, *requests)
    store_all(tmp_path)
    keys, log = sorted(tmp_path.glob("0000000000000000.*"))
    log.unlink()
    keys.write_bytes(b"damaged")
    assert append(tmp_path, *requests)[2:] == [False] * 10
    assert not keys.exists()
