"""`kill -9` of each process at random moments under load: nothing acknowledged is lost, and nothing is stored twice."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from random import Random, SystemRandom
from typing import Final

import httpx
import psutil
import pytest

from tests.crash.clients import RECORDS, STORED, Work, clients
from tests.crash.history import Verdict, judge
from tests.crash.recovery import PUBLISHED_S
from tests.ledger import ALONE, Items, adds_up, items_of
from tests.running import Server, kill_group, running, until

CHILDREN: Final = ("receive", "write", "serve")
VICTIMS: Final = (*CHILDREN, "receive", "write", "receive", "write", "parent", "group", "receive and write")
"""Ten rounds, in any order; `parent` is killed alone, `group` together with its children."""
BUSY: Final = ALONE | {
    "AX_LIMITS_REQUEST_BYTES": "128KiB",
    "AX_JOURNAL_FILE_BYTES": "256KiB",
    "AX_STORE_FLUSH_INTERVAL": "100ms",
    "AX_STORE_COMPACTION_INTERVAL": "200ms",
    "AX_STORE_GRACE": "3s",
    "AX_STORE_LATENESS": "7d",
    "AX_STORE_SPLICE_ROWS": "200",
}
"""Files are recycled, segments merged and deleted all the time; but no hour closes: its merge would hide doubles.

Small segments are decoded to merge them, and what that has made is strung together as it is.
"""
SEED: Final = "KILL_SEED"
ROUNDS: Final = "KILL_ROUNDS"


def test_three_kills_lose_nothing_and_double_nothing(tmp_path: Path) -> None:
    _survive(tmp_path / "data", rounds=3, seed=int(os.environ.get(SEED, "11")))


@pytest.mark.slow
def test_a_hundred_kills_lose_nothing_and_double_nothing(tmp_path: Path) -> None:
    seed = int(os.environ.get(SEED, SystemRandom().randrange(10**6)))
    _survive(tmp_path / "data", rounds=int(os.environ.get(ROUNDS, "100")), seed=seed)


def _survive(data: Path, *, rounds: int, seed: int) -> None:
    """Kills and restarts a server under load, then compares what clients were told with what is stored."""
    print(f"{rounds} rounds; again with {SEED}={seed}")  # noqa: T201 (pytest shows it with -s, and where it fails)
    rng = Random(seed)
    with ExitStack() as stack:
        server = stack.enter_context(running(data, environ=BUSY))
        with clients(server, seed) as work:
            for victim in _victims(rng, rounds):
                time.sleep(rng.uniform(0, 1))
                work.history.add("kill", victim)
                server = _kill(server, victim, stack)
                if rng.random() < 2 / 3:  # else the next one dies while this one is coming back
                    _until_more_is_acked(work)
            _until_more_is_acked(work)
        time.sleep(PUBLISHED_S)
        until(lambda: _is_settled(server), "the counters add up, and all is stored")
        items = items_of(server)
        assert server.stop() == 0
        stored = {int(batch): int(count) for batch, count in server.sql(STORED)}
    history = work.history
    print(f"{dict(history.counts)}, {len(stored)} batches stored; {_in_words(items)}")  # noqa: T201
    assert judge(history, stored, RECORDS) == Verdict(), f"seed {seed}"
    assert sum(count["stored"] for count in items.values()) == RECORDS * len(stored)
    assert history.counts["kill"] == rounds
    assert history.counts["ack"] > 10 * rounds


def _victims(rng: Random, rounds: int) -> Iterator[str]:
    """Whom to kill, `rounds` times."""
    while rounds > 0:
        yield from rng.sample(VICTIMS, min(rounds, len(VICTIMS)))
        rounds -= len(VICTIMS)


def _kill(server: Server, victim: str, stack: ExitStack) -> Server:
    """SIGKILL; the server that is there afterwards, on the same ports."""
    if victim not in {"parent", "group"}:
        for name in victim.split(" and "):
            _kill_child(server, name)
        return server
    children = psutil.Process(server.process.pid).children()
    if victim == "group":
        kill_group(server.process)
    else:
        server.process.kill()
        server.process.wait()
        _, left = psutil.wait_procs(children, timeout=15)
        assert left == [], "children outlive their parent"
    ports = ("--grpc", server.grpc, "--http", server.http.removeprefix("http://"))
    return stack.enter_context(running(server.data, *ports, environ=BUSY))


def _kill_child(server: Server, name: str) -> None:
    """SIGKILL for a child, also for one that is just being started; nothing where it is dead already."""
    for child in psutil.Process(server.process.pid).children():
        with suppress(psutil.NoSuchProcess):
            if f"exporter.app.{name}" in child.cmdline():
                child.send_signal(signal.SIGKILL)


def _until_more_is_acked(work: Work) -> None:
    goal = work.history.counts["ack"] + 10
    until(lambda: work.history.counts["ack"] >= goal, "requests are acknowledged", every=0.02)


def _is_settled(server: Server) -> bool:
    try:
        items = items_of(server)
    except httpx.TransportError:  # who serves them is being started again
        return False
    return adds_up(items) and all(count["accepted"] for count in items.values())


def _in_words(items: Items) -> str:
    return "; ".join(f"{name}: {dict(sorted(count.items()))}" for name, count in items.items())
