"""One child process, seen from its parent.

In: a role. Out: a running process that is handed its settings, whose log lines are passed on, and which reports as
events that it is ready and that it has ended.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from queue import SimpleQueue
from signal import SIG_BLOCK, SIG_SETMASK, SIGINT, SIGTERM, pthread_sigmask
from threading import Thread
from typing import IO, Final

import exporter
from exporter.config import Config

Endpoints = Mapping[str, list[str]]
"""Where a child listens: `{"grpc": ["127.0.0.1:4317", "[::1]:4317"]}`."""


@dataclass(frozen=True, slots=True)
class Role:
    """What a child is for: the module that it runs, the time it has to stop, what is added to its environment."""

    name: str
    stop_s: float
    environ: Mapping[str, str] = field(default_factory=dict, hash=False)

    @property
    def module(self) -> str:
        """The program of the child."""
        return f"exporter.app.{self.name}"


@dataclass(frozen=True, slots=True)
class Ready:
    """A child does its work."""

    child: "Child"
    endpoints: Endpoints


@dataclass(frozen=True, slots=True)
class Ended:
    """A child's process is gone."""

    child: "Child"
    code: int


@dataclass(frozen=True, slots=True)
class Signalled:
    """The parent was told to stop."""

    number: int


ChildEvent = Ready | Ended | Signalled
Events = SimpleQueue[ChildEvent]


class Child:
    """A started process: `last_line` is the last line of its log, `endpoints` is None until it is ready."""

    def __init__(self, role: Role, lock: int, events: Events) -> None:
        """Starts the process; it imports what it needs and waits for its settings."""
        self.role = role
        self.last_line = ""
        self.endpoints: Endpoints | None = None
        with _signals_blocked():  # in the threads too: a signal is for the main thread, which it must wake
            self._process = subprocess.Popen(  # noqa: S603 (our own interpreter and modules)
                [sys.executable, "-P", "-m", role.module],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                pass_fds=(lock,),
                env={**os.environ, **_python_path(), **role.environ},
            )
            log = Thread(target=self._pass_on, daemon=True)
            log.start()
            Thread(target=self._watch, args=(events, log), daemon=True).start()

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    def configure(self, config: Config) -> None:
        """Hands over the settings, upon which the child begins."""
        self._tell(config.model_dump_json())

    def stop(self) -> None:
        """Asks the child to stop in order."""
        self._tell("stop")
        with suppress(OSError):
            _pipe(self._process.stdin).close()

    def kill(self) -> None:
        """Ends the child at once."""
        self._process.kill()

    def _tell(self, line: str) -> None:
        stdin = _pipe(self._process.stdin)
        with suppress(OSError, ValueError):  # it has ended, which `Ended` reports; or stdin is closed already
            stdin.write(f"{line}\n".encode())
            stdin.flush()

    def _watch(self, events: Events, log: Thread) -> None:
        with _pipe(self._process.stdout) as lines:
            for line in lines:
                with suppress(ValueError):
                    message = json.loads(line)
                    events.put(Ready(self, message["ready"]))
        log.join()
        events.put(Ended(self, self._process.wait()))

    def _pass_on(self) -> None:
        with _pipe(self._process.stderr) as lines:
            for line in lines:
                self.last_line = line.decode(errors="replace").rstrip()
                with suppress(OSError, ValueError):  # nobody reads our stderr: that must not stop the child
                    sys.stderr.write(f"{self.last_line}\n")
                    sys.stderr.flush()


def _pipe(stream: IO[bytes] | None) -> IO[bytes]:
    if stream is None:  # pragma: no cover, all three are pipes
        raise TypeError("not a pipe")
    return stream


@contextmanager
def _signals_blocked() -> Iterator[None]:
    """A child begins with SIGINT and SIGTERM blocked, so that none ends it before it ignores them."""
    before = pthread_sigmask(SIG_BLOCK, {SIGINT, SIGTERM})
    try:
        yield
    finally:
        pthread_sigmask(SIG_SETMASK, before)


_ROOT: Final = Path(exporter.__file__).parents[1]


def _python_path() -> dict[str, str]:
    """Lets a child find `exporter` where it is not installed; `-P` keeps the working directory out of its path."""
    if _ROOT.name == "site-packages":
        return {}
    others = os.environ.get("PYTHONPATH")
    return {"PYTHONPATH": f"{_ROOT}{os.pathsep}{others}" if others else str(_ROOT)}
