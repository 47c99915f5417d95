"""The journal under `kill -9`: what was acknowledged is there, and what is sent again is not there twice."""

import asyncio
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import closing
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from exporter.clock import SystemClock
from exporter.config import Journal as Settings
from exporter.journal import Entry, Journal, Tail
from exporter.model import Request, Signal

FRAME_BYTES = 64 + len("default") + 300
SMALL = Settings(file_bytes=4 * FRAME_BYTES)
BURST = 3


def request(number: int) -> Request:
    return Request(Signal.LOGS, "default", SystemClock().wall(), 1, number.to_bytes(8, "little") + bytes(292))


def numbers_of(entries: list[Entry]) -> list[int]:
    return [int.from_bytes(entry.request.payload[:8], "little") for entry in entries]


class Sink:
    """A file of lines, each of which is there wholly or not at all, also when its writer is killed."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._fd = os.open(path, os.O_CREAT | os.O_RDWR | os.O_APPEND, 0o600)

    def write(self, *numbers: int) -> None:
        os.write(self._fd, (" ".join(map(str, numbers)) + "\n").encode())

    def lines(self) -> list[list[int]]:
        return [[int(number) for number in line.split()] for line in self._path.read_text().splitlines()]

    def close(self) -> None:
        os.close(self._fd)


def store(tail: Tail, catalog: Sink) -> None:
    """What the writer does: the requests and the position behind them in one transaction, then `stored`."""
    if entries := tail.read(2**20):
        catalog.write(entries[-1].end, *numbers_of(entries))
        tail.stored(entries[-1].end)


def position_of(catalog: Sink) -> int:
    lines = catalog.lines()
    return lines[-1][0] if lines else 0


async def deliver(journal: Journal, acks: Sink, number: int) -> None:
    await journal.append(request(number))
    acks.write(number)


# ── Killed at every call into the system, in turn ─────────────────────────────────────────────────────────────────


async def life(directory: Path, bursts: int) -> None:
    """Receiver and writer at work in one process, from their start to their stop."""
    with closing(Sink(directory / "acks")) as acks, closing(Sink(directory / "catalog")) as catalog:
        tail = Tail.open(directory / "journal", position_of(catalog))
        journal = Journal.open(directory / "journal", SMALL, SystemClock())
        for burst in range(bursts):
            await asyncio.gather(*(deliver(journal, acks, burst * BURST + i) for i in range(BURST)))
            store(tail, catalog)
        journal.close()
        store(tail, catalog)
        tail.close()


def killed_at(count: int) -> None:
    """From now on: kill this process just before or just after the `count`-th call of a function of `os`."""
    seen = 0

    def profile(_frame: FrameType, event: str, function: Any) -> None:
        nonlocal seen
        if event in {"c_call", "c_return"} and function.__module__ == "posix":
            seen += 1
            if seen == count:
                os.kill(os.getpid(), signal.SIGKILL)

    threading.setprofile(profile)
    sys.setprofile(profile)


def killed(directory: Path, bursts: int, at: int) -> bool:
    """Lives one life in a process of its own; whether that was killed before it was over."""
    child = os.fork()
    if child == 0:
        killed_at(at)
        asyncio.run(life(directory, bursts))
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL


def verify(directory: Path, bursts: int) -> None:
    """Everything acknowledged is there; and when all is sent again, everything is there once."""
    Journal.open(directory / "journal", SMALL, SystemClock()).close()
    with closing(Sink(directory / "acks")) as acks, closing(Sink(directory / "catalog")) as catalog:
        with closing(Tail.open(directory / "journal", position_of(catalog))) as tail:
            there = {number for line in catalog.lines() for number in line[1:]} | {*numbers_of(tail.read(2**20))}
            assert {line[0] for line in acks.lines()} <= there
            assert tail.lost_frames == 0
        asyncio.run(life(directory, bursts))
        assert sorted(number for line in catalog.lines() for number in line[1:]) == [*range(bursts * BURST)]


def rounds(bursts: int, first: int, step: int) -> int:
    """Kills a life at each of its calls from `first` on, its successor at a random one, and verifies the third."""
    rng = random.Random(first)
    count = 0
    at = first
    while True:
        with tempfile.TemporaryDirectory() as name:
            directory = Path(name)
            over = not killed(directory, bursts, at)
            if rng.random() < 0.5:
                killed(directory, bursts, rng.randrange(1, 100))
            verify(directory, bursts)
        if over:
            return count
        count += 1
        at += step


# ── One side killed while the other lives ─────────────────────────────────────────────────────────────────────────


async def receive(directory: Path) -> None:
    with closing(Sink(directory / "acks")) as acks:
        number = max((line[0] for line in acks.lines()), default=-1) + 1
        journal = Journal.open(directory / "journal", SMALL, SystemClock())
        while True:
            await asyncio.gather(*(deliver(journal, acks, number + i) for i in range(8)))
            number += 8


def write(directory: Path) -> None:
    with closing(Sink(directory / "catalog")) as catalog:
        tail = Tail.open(directory / "journal", position_of(catalog))
        while True:
            store(tail, catalog)


def run(role: str, directory: Path, *arguments: int) -> subprocess.Popen[str]:
    command = [sys.executable, __file__, role, str(directory), *map(str, arguments)]
    root = str(Path(__file__).parents[2])
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": root}
    )


def grown(sink: Sink, by: int, deadline_s: float = 20.0) -> None:
    """Waits until `sink` has `by` more lines."""
    lines = len(sink.lines()) + by
    end = time.monotonic() + deadline_s
    while len(sink.lines()) < lines:
        assert time.monotonic() < end, "the other process does nothing"
        time.sleep(0.01)


@pytest.mark.skipif(sys.platform == "win32", reason="there is no fork")
@pytest.mark.parametrize("first", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_a_kill_between_any_two_calls_loses_nothing_and_doubles_nothing(tmp_path: Path, first: int) -> None:
    child = run("rounds", tmp_path, 4, first, 2)
    out, err = child.communicate()
    assert child.returncode == 0, err
    assert int(out) > 50


def test_a_receiver_that_is_killed_loses_nothing_while_the_writer_lives(tmp_path: Path) -> None:
    with (
        closing(Sink(tmp_path / "acks")) as acks,
        closing(Sink(tmp_path / "catalog")) as catalog,
        closing(Tail.open(tmp_path / "journal", 0)) as tail,
    ):
        for _ in range(4):
            child = run("receive", tmp_path)
            try:
                for _ in range(4):
                    grown(acks, 16)
                    store(tail, catalog)
            finally:
                child.kill()
                child.communicate()
        store(tail, catalog)  # what the last one had synced
        Journal.open(tmp_path / "journal", SMALL, SystemClock()).close()
        store(tail, catalog)  # what it had written
        numbers = [number for line in catalog.lines() for number in line[1:]]
        assert {line[0] for line in acks.lines()} <= set(numbers)
        assert len(numbers) == len(set(numbers))
        assert tail.lost_frames == 0


def test_a_writer_that_is_killed_loses_nothing_while_the_receiver_lives(tmp_path: Path) -> None:
    async def send(journal: Journal, acks: Sink, first: int) -> None:
        await asyncio.gather(*(deliver(journal, acks, first + i) for i in range(20)))

    with (
        closing(Sink(tmp_path / "acks")) as acks,
        closing(Sink(tmp_path / "catalog")) as catalog,
        closing(Journal.open(tmp_path / "journal", SMALL, SystemClock())) as journal,
    ):
        for round_ in range(4):
            child = run("write", tmp_path)
            try:
                asyncio.run(send(journal, acks, round_ * 40))
                grown(catalog, 1)
                asyncio.run(send(journal, acks, round_ * 40 + 20))
            finally:
                child.kill()
                child.communicate()
        with closing(Tail.open(tmp_path / "journal", position_of(catalog))) as tail:
            store(tail, catalog)
            assert tail.lost_frames == 0
        assert [number for line in catalog.lines() for number in line[1:]] == [*range(160)]
        assert journal.backlog_bytes == 0


if __name__ == "__main__":
    role, name, *counts = sys.argv[1:]
    if role == "receive":
        asyncio.run(receive(Path(name)))
    elif role == "write":
        write(Path(name))
    else:
        sys.stdout.write(str(rounds(*map(int, counts))))
