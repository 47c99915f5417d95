"""A full disk under load: refusals that say when to retry, queries that go on, recovery by itself, nothing lost.

Three ways to have one. A small tmpfs needs root and Linux, and is skipped elsewhere. Its twins need neither: a large
file that takes the disk below the least free space, and `RLIMIT_FSIZE` in one process, which makes its writes fail
(EFBIG) where a full disk would (ENOSPC), at each place that writes.
"""

import os
import resource
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import httpx
import psutil
import pytest

from tests.bench.watch import processes
from tests.crash.clients import Work, clients
from tests.crash.recovery import (
    RECOVERY_S,
    SMALL,
    assert_kept,
    assert_queries_go_on,
    assert_recovers,
    assert_refused_retryably,
    batches_stored,
    until_acked,
    until_stored,
)
from tests.ledger import adds_up, items_of
from tests.running import Server, running, until

NO_RESERVE: Final = SMALL | {"AX_JOURNAL_MIN_FREE_BYTES": "0B"}
"""Nothing is refused before a write fails."""
BLOCK: Final = 4_096
GIB: Final = 2**30


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Callable[[int], Path]]:
    """Mounts a tmpfs of so many bytes."""
    disk = tmp_path / "disk"
    disk.mkdir()

    def mounted(size: int) -> Path:
        try:
            subprocess.run(
                ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", disk],
                capture_output=True,
                check=True,
                text=True,
            )
        except (OSError, subprocess.CalledProcessError) as error:
            pytest.skip(f"no tmpfs can be mounted here, for which one must be root on Linux: {error}")
        return disk

    yield mounted
    if disk.is_mount():
        subprocess.run(["umount", disk], check=True)


KILLED: Final = [None, *(pytest.param(name, marks=pytest.mark.slow) for name in ("receive", "write", "serve"))]


@pytest.mark.parametrize("killed", KILLED)
def test_a_disk_without_a_free_byte_is_survived(small_disk: Callable[[int], Path], killed: str | None) -> None:
    disk = small_disk(48 * 2**20)
    with running(disk / "data", environ=NO_RESERVE) as server, clients(server, 1) as work:
        until_stored(server, work)
        with (disk / "ballast").open("wb", buffering=0) as ballast:
            _fill(ballast)
            if killed is not None:
                processes(server)[killed].kill()
                until(lambda: _has(server, killed) or killed == "write", f"{killed} is back")
            until(lambda: work.history.counts["refuse"] > 20, "requests are refused")
            assert_refused_retryably(server)
            _fill(ballast)
            assert_queries_go_on(server)
            ballast.truncate(0)
            assert_recovers(server, work)
    assert_kept(server.data, work, may_come_back=killed == "receive")


def test_below_the_least_free_space_requests_are_refused_and_what_was_accepted_is_stored(tmp_path: Path) -> None:
    free = shutil.disk_usage(tmp_path).free
    if free < 4 * GIB:
        pytest.skip("needs 4 GiB of free disk")
    environ = SMALL | {"AX_JOURNAL_MIN_FREE_BYTES": f"{free - GIB}B"}
    with running(tmp_path / "data", environ=environ) as server, clients(server, 2) as work:
        _assert_threshold_holds(server, work, tmp_path / "ballast", 2 * GIB)
    assert_kept(server.data, work)


@pytest.mark.slow
def test_the_least_free_space_is_100_mb(small_disk: Callable[[int], Path]) -> None:
    disk = small_disk(160 * 10**6)
    with running(disk / "data", environ=SMALL) as server, clients(server, 3) as work:
        left = shutil.disk_usage(disk).free - 100 * 10**6
        assert left > 30 * 10**6
        _assert_threshold_holds(server, work, disk / "ballast", left)
    assert_kept(server.data, work)


def _assert_threshold_holds(server: Server, work: Work, ballast: Path, size: int) -> None:
    until_stored(server, work)
    with ballast.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, size)
    until(lambda: work.history.counts["refuse"] > 20, "requests are refused")
    assert_refused_retryably(server)
    assert _health(server)["disk"]["state"] == "unhealthy"
    until(lambda: adds_up(items_of(server)), "what was accepted is stored", seconds=RECOVERY_S)
    acks = work.history.counts["ack"]
    assert_queries_go_on(server)
    assert work.history.counts["ack"] == acks
    ballast.unlink()
    assert_recovers(server, work)


# ── The twin: writes of one process fail ──────────────────────────────────────────────────────────────────────────

needs_prlimit = pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="prlimit(2) is Linux's")


@contextmanager
def largest_file(process: psutil.Process, size: int) -> Iterator[None]:
    """No file of a running process can be written beyond `size` bytes."""
    soft, hard = resource.prlimit(process.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (soft, hard))


@needs_prlimit
@pytest.mark.parametrize("size", [20_000, pytest.param(700_123, marks=pytest.mark.slow)])
def test_a_journal_that_cannot_be_written_refuses_until_it_can(tmp_path: Path, size: int) -> None:
    """At once, or in the middle of a frame."""
    with running(tmp_path / "data", environ=NO_RESERVE) as server, clients(server, 4) as work:
        until_stored(server, work)
        with largest_file(processes(server)["receive"], size):
            until(lambda: work.history.counts["refuse"] > 20, "requests are refused")
            assert_refused_retryably(server)
            assert_queries_go_on(server)
        assert_recovers(server, work)
    assert_kept(server.data, work)


@needs_prlimit
@pytest.mark.parametrize(
    "place", [pytest.param(name, marks=pytest.mark.slow) for name in ("segment", "catalog", "ax.duckdb")]
)
def test_what_cannot_be_stored_is_accepted_and_stored_when_it_can_be(tmp_path: Path, place: str) -> None:
    with running(tmp_path / "data", environ=NO_RESERVE) as server, clients(server, 5) as work:
        until_stored(server, work)
        if place == "catalog":
            until(lambda: _catalog_bytes(server) > _LARGEST["catalog"], "the catalog's log has grown")
        with largest_file(processes(server)["write"], _LARGEST[place]):
            until(lambda: _SAYS[place] in server.log(), "the log says so")
            before = batches_stored(server)
            until_acked(work, work.history.counts["ack"] + 100)
            time.sleep(1)
            assert batches_stored(server) <= before + _ON_THE_WAY
            assert_queries_go_on(server)
        assert_recovers(server, work)
        assert work.history.counts["refuse"] == 0
    assert_kept(server.data, work)


_LARGEST: Final = {"segment": 4_000, "catalog": 250_000, "ax.duckdb": 250_000}
"""Fresh segments here have 8 to 100 kB, `ax.duckdb` has 270 kB or more; the catalog's log grows from 0."""
_SAYS: Final = {"segment": "cannot store, and go on trying", "catalog": "cannot write the catalog", "ax.duckdb": ""}
_ON_THE_WAY: Final = 60
"""Batches that may have been on their way to the views when the limit came."""


def _catalog_bytes(server: Server) -> int:
    return (server.data / "catalog.sqlite-wal").stat().st_size


def _fill(ballast: Any) -> None:
    """Writes until not a byte fits."""
    for size in (2**20, BLOCK, 1):
        try:
            while True:
                ballast.write(bytes(size))
        except OSError:
            continue


def _has(server: Server, name: str) -> bool:
    """Whether the ports of a child answer; the writer has none."""
    try:
        httpx.get(server.http if name == "receive" else server.ui)
    except httpx.TransportError:
        return False
    return True


def _health(server: Server) -> dict[str, dict[str, str]]:
    components: dict[str, dict[str, str]] = httpx.get(f"{server.ui}/api/health", timeout=10).json()["components"]
    return components
