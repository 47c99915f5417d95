"""A real `ax serve` on free ports, as a user would start it, what any other process sees of its data, and `ax`.

In: a data directory. Out: its endpoints, and rows of its `ax.duckdb`; what a command prints.
"""

import io
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import duckdb
import pytest

from exporter.cli.main import run

AX: Final = (sys.executable, "-m", "exporter")
"""The command `ax`, also where its script is not on the PATH."""
START_S: Final = 60.0
STOP_S: Final = 15.0
ENVIRON: Final = {name: value for name, value in os.environ.items() if not name.startswith(("AX_", "OTEL_"))}
"""Ours, without settings that would change what is tested."""
TERMINAL: Final = ENVIRON | {"COLUMNS": "160"}


@dataclass(frozen=True, slots=True)
class Server:
    """A server that has said `ready`; `grpc` is HOST:PORT, `http` and `ui` are URLs, `token` one that it printed."""

    data: Path
    grpc: str
    http: str
    ui: str
    process: subprocess.Popen[str]
    token: str | None = None

    def sql(self, query: str, *parameters: object) -> list[tuple[Any, ...]]:
        """Rows, as another process would get them from `ax.duckdb` now."""
        return sql(self.data, query, *parameters)

    def log(self) -> str:
        """What the server wrote to standard error."""
        return _log_of(self.data).read_text()

    def stop(self) -> int:
        """Stops the server as SIGTERM does; its exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(STOP_S)


@contextmanager
def running(
    data: Path, *options: str, environ: dict[str, str] | None = None, under: Sequence[str] = ()
) -> Iterator[Server]:
    """A server on `data`; whatever happens, its processes are gone afterwards.

    `under` are the first words of its command: a program that runs another in its own place, and looks on.
    """
    data.mkdir(parents=True, exist_ok=True)
    ports = ("--grpc", "127.0.0.1:0", "--http", "127.0.0.1:0", "--ui", "127.0.0.1:0")
    command = [*under, *AX, "serve", "--data", str(data), *ports, *options]
    with _log_of(data).open("a") as log:
        process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            env=ENVIRON | (environ or {}),
            start_new_session=True,
        )
    try:
        yield _ready(data, process)
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            process.wait(STOP_S)
    finally:
        kill_group(process)


def _ready(data: Path, process: "subprocess.Popen[str]") -> Server:
    assert process.stdout is not None
    late = threading.Timer(START_S, process.kill)
    late.start()
    endpoints: dict[str, str] = {}
    for line in process.stdout:
        if line.strip() == "ready":
            late.cancel()
            grpc, http, ui = (endpoints[name] for name in ("OTLP/gRPC", "OTLP/HTTP", "API"))
            return Server(data, grpc, http, ui, process, endpoints.get("Token"))
        name, address = line.split()[:2]
        endpoints[name] = address
    late.cancel()
    raise AssertionError(f"the server ended with {process.wait()} and said:\n{_log_of(data).read_text()}")


def kill_group(process: "subprocess.Popen[str]") -> None:
    """SIGKILL for the server and its children; nothing where they are gone."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    if process.stdout is not None:
        process.stdout.close()


def _log_of(data: Path) -> Path:
    return data.with_name(f"{data.name}.log")


def sql(data: Path, query: str, *parameters: object) -> list[tuple[Any, ...]]:
    """Rows of a query on the `ax.duckdb` that is published now."""
    with duckdb.connect(data / "ax.duckdb", read_only=True) as connection:
        return connection.execute(query, parameters).fetchall()


def complaints(log: str) -> list[str]:
    """The lines of a server's log, but for those that tell how long the database takes on a machine that is busy."""
    busy = re.compile(r" serve info database is (degraded|healthy): a small question takes ")
    return [line for line in log.splitlines() if not busy.search(line)]


def ax(*arguments: object, code: int = 0, environ: Mapping[str, str] = TERMINAL) -> str:
    """What `ax` prints, run in this process, since a start takes half a second; where it fails, what it says of that.

    `environ` is all that it sees of the environment.
    """
    with (
        pytest.MonkeyPatch.context() as patch,
        redirect_stdout(io.StringIO()) as out,
        redirect_stderr(io.StringIO()) as err,
    ):
        for name in os.environ.keys() - environ.keys():
            patch.delenv(name)
        for name, value in environ.items():
            patch.setenv(name, value)
        ended = run([str(argument) for argument in arguments])
    assert ended == code, out.getvalue() + err.getvalue()
    return out.getvalue() or err.getvalue() if code == 0 else out.getvalue() + err.getvalue()


def until(holds: Callable[[], bool], what: str, *, seconds: float = 30.0, every: float = 0.1) -> None:
    """Waits for `holds`; fails with `what` after `seconds`."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"{what}: not within {seconds} s"
        time.sleep(every)
