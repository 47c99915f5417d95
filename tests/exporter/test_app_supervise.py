"""`ax serve` as the parent of three processes: how it starts, what it survives, how it stops."""

import fcntl
import json
import os
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

import psutil
import pytest

from tests.running import AX, ENVIRON, Server, complaints, running, until

STOP_S = 5.0


def children_of(server: Server) -> dict[str, psutil.Process]:
    """The processes of a server by name."""
    found = {}
    for process in psutil.Process(server.process.pid).children():
        with suppress(psutil.NoSuchProcess, IndexError):  # it ended just now
            found[process.cmdline()[-1].rpartition(".")[2]] = process
    return found


def is_alive(process: psutil.Process) -> bool:
    """Whether a process runs, and is no corpse that nobody has buried yet."""
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def is_locked(data: Path) -> bool:
    """Whether any process holds the lock of a data directory."""
    with (data / "lock").open() as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        return False


def export_span(url: str, name: str) -> int:
    """Sends one span as JSON; the HTTP status."""
    now = str(time.clock_gettime_ns(time.CLOCK_REALTIME))
    times = {"startTimeUnixNano": now, "endTimeUnixNano": now}
    span = {"traceId": "0af7651916cd43dd8448eb211c80319c", "spanId": "b7ad6b7169203331", "name": name, **times}
    body = {"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}
    request = urllib.request.Request(
        f"{url}/v1/traces", json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        status: int = answer.status
        return status


def names(server: Server) -> list[str]:
    """Names of the stored spans."""
    return sorted(str(name) for (name,) in server.sql("SELECT name FROM spans"))


@contextmanager
def taken_port() -> Iterator[int]:
    """A port on 127.0.0.1 that somebody else listens on."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        yield int(other.getsockname()[1])


def refused(*options: str) -> "subprocess.CompletedProcess[str]":
    """`ax serve` where it cannot start."""
    command = [*AX, "serve", "--http", "127.0.0.1:0", "--ui", "127.0.0.1:0", *options]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, env=ENVIRON, check=False)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that nobody kills."""
    with running(
        tmp_path_factory.mktemp("shared") / "data", environ={"AX_RECEIVE_SELF_METRICS_INTERVAL": "0s"}
    ) as server:
        # Here and not in a test: it is about the moment after `ready`.
        assert server.sql("SELECT count(*) FROM spans") == [(0,)]
        assert answers(server)
        yield server


def test_ready_means_that_all_ports_answer(shared: Server) -> None:
    host, _, port = shared.grpc.rpartition(":")
    socket.create_connection((host, int(port)), timeout=5).close()
    assert answers(shared)
    assert set(children_of(shared)) == {"write", "receive", "serve"}
    assert complaints(shared.log()) == []
    described = json.loads((shared.data / "run" / "server.json").read_bytes())
    assert (described["pid"], described["grpc"]) == (shared.process.pid, [shared.grpc])


def test_a_stop_stores_what_was_acknowledged_and_exits_0_within_5_s(tmp_path: Path) -> None:
    with running(tmp_path / "data", environ={"AX_STORE_FLUSH_INTERVAL": "1m"}) as server:
        processes = list(children_of(server).values())
        assert export_span(server.http, "last words") == 200
        began = time.monotonic()
        assert server.stop() == 0
        assert time.monotonic() - began < STOP_S
        assert names(server) == ["last words"]
        assert not any(map(is_alive, processes))
        assert not is_locked(server.data)


def test_a_signal_to_the_whole_group_stops_in_order_too(tmp_path: Path) -> None:
    with running(tmp_path / "data") as server:
        assert export_span(server.http, "kept") == 200
        os.killpg(server.process.pid, signal.SIGINT)  # as Ctrl-C does
        assert server.process.wait(STOP_S) == 0
        assert names(server) == ["kept"]
        assert "Traceback" not in server.log()


def test_a_signal_before_it_is_ready_ends_it_as_well(tmp_path: Path) -> None:
    command = [*AX, "serve", "--data", str(tmp_path), "--grpc", "127.0.0.1:0", "--http", "127.0.0.1:0"]
    with subprocess.Popen(command, env=ENVIRON, stdout=subprocess.PIPE, start_new_session=True) as process:
        until(lambda: (tmp_path / "lock").exists() and bool((tmp_path / "lock").read_text()), "it holds the lock")
        os.killpg(process.pid, signal.SIGTERM)
        assert process.wait(STOP_S) in {0, -signal.SIGTERM}
        until(lambda: not is_locked(tmp_path), "the lock is free", seconds=STOP_S)


def test_a_child_that_is_killed_is_started_again_on_the_same_ports(tmp_path: Path) -> None:
    sent: list[str] = []
    with running(tmp_path / "data") as server:
        for name in ("receive", "write", "serve"):
            killed = children_of(server)[name]
            killed.kill()
            until(partial(is_replaced, server, name, killed), f"{name} is back")
            until(lambda: answers(server), "all ports answer again")
            sent.append(f"after {name}")
            assert export_span(server.http, sent[-1]) == 200
            assert f"ax: {name} ended with -9; starting it again" in server.log()
        until(lambda: names(server) == sorted(sent), "each span is stored, once")
        assert server.stop() == 0


def is_replaced(server: Server, name: str, killed: psutil.Process) -> bool:
    """Whether another process has the role of one that was killed."""
    children = children_of(server)
    return name in children and children[name].pid != killed.pid


def answers(server: Server) -> bool:
    """Whether both HTTP ports take requests."""
    try:
        with urllib.request.urlopen(f"{server.ui}/readyz", timeout=5):
            pass
        host, _, port = server.http.removeprefix("http://").rpartition(":")
        socket.create_connection((host, int(port)), timeout=5).close()
    except OSError:
        return False
    return True


def test_children_stop_when_their_parent_is_killed_and_the_next_server_takes_over(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with running(data) as server:
        processes = list(children_of(server).values())
        assert export_span(server.http, "orphaned") == 200
        server.process.kill()
        server.process.wait()
        with running(data) as following:  # at once: it waits for the orphans' lock
            assert not any(map(is_alive, processes))
            until(lambda: names(following) == ["orphaned"], "what was acknowledged is stored")


def test_a_second_server_on_a_data_directory_is_refused_and_told_who_holds_it(shared: Server) -> None:
    second = refused("--data", str(shared.data), "--grpc", "127.0.0.1:0")
    assert (second.returncode, second.stdout) == (1, "")
    holder = f"another server (pid {shared.process.pid}) holds {shared.data}"
    assert second.stderr == f"ax: {holder}; stop it, or take another directory with --data\n"
    assert answers(shared)


def test_a_port_that_is_taken_is_said_at_once(tmp_path: Path) -> None:
    with taken_port() as port:
        done = refused("--data", str(tmp_path), "--grpc", f"127.0.0.1:{port}")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.splitlines()[-1].startswith(f"ax: receive does not start: cannot listen on 127.0.0.1:{port}")
    assert not is_locked(tmp_path)


def test_a_child_that_keeps_dying_ends_the_server_with_its_last_words(tmp_path: Path) -> None:
    (tmp_path / "journal").write_text("in the way of a directory")
    done = refused("--data", str(tmp_path), "--grpc", "127.0.0.1:0")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.count("ended with 1; starting it again") == 4
    assert "does not start: ended: " in done.stderr.splitlines()[-1]
    assert "journal" in done.stderr.splitlines()[-1]


def test_files_of_the_data_directory_are_nobody_elses(shared: Server) -> None:
    export_span(shared.http, "mine")
    until(lambda: names(shared) == ["mine"], "it is stored")
    modes: dict[str, int] = {}
    for path in shared.data.rglob("*"):
        with suppress(FileNotFoundError):  # renamed just now
            modes[path.name] = path.stat().st_mode & 0o077
    del modes["ax.duckdb"]  # opened by anybody who may enter the directory
    assert {name for name, mode in modes.items() if mode} == set()
