"""Statements into the sandbox, two at a time.

In: a data directory, a statement, limits. Out: its rows, or `SqlRefused`. The program that forks is started with the
first statement and ends with this process, or with `close`.
"""

import json
import os
import select
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from itertools import count
from pathlib import Path
from time import monotonic
from typing import Any, Final, TypeVar, cast

from exporter.sandbox.orders import KILL, ORDER, START
from exporter.sandbox.shapes import Cancel, Column, Limits, Reason, Rows, SqlRefused, Stream

Read = TypeVar("Read", Rows, Stream)

AT_ONCE: Final = 2
QUEUED: Final = 5
_LOOK_S: Final = 0.05
"""How often it is looked whether somebody has cancelled."""
_GRACE_S: Final = 0.5
_PASSED_ON: Final = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")
_DEFAULTS: Final = Limits()


class Sandbox:
    """The program that forks, and the places for statements; for several threads."""

    def __init__(self, *, at_once: int = AT_ONCE, queued: int = QUEUED) -> None:
        self._places = _Places(at_once, queued)
        self._lock = threading.Lock()
        self._numbers = count(1)
        self._orders: socket.socket | None = None
        self.process: subprocess.Popen[bytes] | None = None

    def run(
        self,
        data: Path,
        sql: str,
        *,
        tenant: str | None = None,
        limits: Limits = _DEFAULTS,
        cancel: Cancel | None = None,
    ) -> Rows:
        """The rows of one SELECT or EXPLAIN over the published views, in a process of its own.

        A `tenant` sees what was stored with its token, and no control tables. Raises `SqlRefused`.
        """
        return self._said(_rows, data, sql, tenant, limits, cancel)

    def arrow(
        self,
        data: Path,
        sql: str,
        *,
        tenant: str | None = None,
        limits: Limits = _DEFAULTS,
        cancel: Cancel | None = None,
    ) -> Stream:
        """The same as an Arrow stream. Raises `SqlRefused`."""
        return self._said(_stream, data, sql, tenant, limits, cancel)

    def _said(
        self,
        read: Callable[[bytes], Read],
        data: Path,
        sql: str,
        tenant: str | None,
        limits: Limits,
        cancel: Cancel | None,
    ) -> Read:
        if len(sql.encode(errors="replace")) > limits.statement_bytes:
            raise SqlRefused("statement", f"a statement has at most {limits.statement_bytes} bytes")
        question = {
            "data": str(data.resolve()),
            "sql": sql,
            "tenant": tenant,
            "limits": asdict(limits),
            "is_arrow": read is _stream,
        }
        with self._places.one(cancel):
            return read(self._ask(json.dumps(question).encode(), limits, cancel))

    def close(self) -> None:
        """Ends the program that forks, and with it whatever runs."""
        with self._lock:
            if self._orders is not None:
                self._orders.close()
            if self.process is not None:
                with suppress(subprocess.TimeoutExpired):
                    self.process.wait(1)
                self.process.kill()
                self.process.wait()
            self._orders, self.process = None, None

    def _ask(self, question: bytes, limits: Limits, cancel: Cancel | None) -> bytes:
        ours, theirs = socket.socketpair()
        with ours:
            with theirs:
                number = self._start(theirs.fileno())
            try:
                ours.sendall(len(question).to_bytes(4, "big") + question)
                return _received(ours, limits, cancel)
            except OSError as error:
                raise _died() from error
            finally:
                self._order(KILL, number)

    def _start(self, job: int) -> int:
        """Orders a process for a job; the program is started where there is none, also anew where it has died."""
        number = next(self._numbers)
        for is_last in (False, True):
            with self._lock:
                if self.process is None or self.process.poll() is not None:
                    self._begin()
            if self._order(START, number, job):
                return number
            self.close()
            if is_last:
                break
        raise SqlRefused("busy", "no process can be started for the statement", mend="try again later")

    def _begin(self) -> None:
        if self._orders is not None:
            self._orders.close()
        ours, theirs = socket.socketpair()
        with theirs:
            self.process = subprocess.Popen(  # noqa: S603 (our own interpreter and module)
                [sys.executable, "-P", "-m", "exporter.sandbox.forked", str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=(theirs.fileno(),),
                cwd="/",
                env=_environ(),
            )
        self._orders = ours

    def _order(self, kind: bytes, number: int, *descriptors: int) -> bool:
        message = ORDER.pack(kind, number)
        with self._lock:
            if self._orders is None:
                return False
            try:
                if descriptors:
                    socket.send_fds(self._orders, [message], descriptors)
                else:
                    self._orders.sendall(message)
            except OSError:
                return False
        return True


class _Places:
    """So many at once, so many who wait, and nobody else."""

    def __init__(self, at_once: int, queued: int) -> None:
        self._most = at_once + queued
        self._inside = 0
        self._lock = threading.Lock()
        self._free = threading.Semaphore(at_once)

    @contextmanager
    def one(self, cancel: Cancel | None) -> Iterator[None]:
        """A place, once there is one. Raises `SqlRefused`."""
        with self._lock:
            if self._inside >= self._most:
                raise SqlRefused("busy", f"{self._inside} statements run or wait already", mend="try again in a second")
            self._inside += 1
        try:
            while not self._free.acquire(timeout=_LOOK_S if cancel is not None else None):
                _give_up_if_asked(cancel)
            try:
                yield
            finally:
                self._free.release()
        finally:
            with self._lock:
                self._inside -= 1


def _received(job: socket.socket, limits: Limits, cancel: Cancel | None) -> bytes:
    """All that the job's process says before it ends. Raises `SqlRefused`."""
    parts: list[bytes] = []
    left = 2 * limits.bytes + 2**20  # columns and rows; more is not what our program says
    deadline = monotonic() + limits.kill_s + _GRACE_S
    while True:
        _give_up_if_asked(cancel)
        if not select.select([job], [], [], _LOOK_S)[0]:
            if monotonic() > deadline:
                raise _too_long(limits)
            continue
        part = job.recv(2**20)
        if not part:
            break
        parts.append(part)
        left -= len(part)
        if left < 0:
            raise _died()
    if not parts or not parts[-1].endswith(b"\n"):
        raise _too_long(limits) if monotonic() > deadline - _GRACE_S - 1 else _died()
    return b"".join(parts)


def _give_up_if_asked(cancel: Cancel | None) -> None:
    if cancel is not None and cancel.is_set():
        raise SqlRefused("cancelled", "nobody waits for the answer any more")


def _too_long(limits: Limits) -> SqlRefused:
    mend = "ask for a shorter time or for fewer rows"
    return SqlRefused("timeout", f"the statement took longer than {limits.interrupt_s:g} s", mend=mend)


def _died() -> SqlRefused:
    mend = "ask for fewer rows, or for smaller values"
    return SqlRefused("memory", "the statement needed more memory or processor time than it may have", mend=mend)


def _answer(said: bytes) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(said)
    if "refused" in answer:
        raise SqlRefused(cast(Reason, answer["refused"]), answer["message"], mend=answer["mend"])
    return answer


def _rows(said: bytes) -> Rows:
    answer = _answer(said)
    return Rows(
        columns=tuple(Column(*column) for column in answer["columns"]),
        rows=tuple(map(tuple, answer["rows"])),
        truncated=answer["truncated"],
        elapsed_ns=answer["elapsed_ns"],
    )


def _stream(said: bytes) -> Stream:
    head, _, stream = said.partition(b"\n")
    answer = _answer(head)
    if len(stream) != answer["size"] + 1:  # its process ended within it
        raise _died()
    return Stream(stream[:-1], answer["truncated"], answer["elapsed_ns"])


def _environ() -> dict[str, str]:
    """What the program needs to find its modules; no secret of ours."""
    passed = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    return {**passed, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "LC_ALL": "C.UTF-8", "TZ": "UTC"}


def run(
    data: Path, sql: str, *, tenant: str | None = None, limits: Limits = _DEFAULTS, cancel: Cancel | None = None
) -> Rows:
    """`Sandbox.run` in the one sandbox of this process. Raises `SqlRefused`."""
    return _ours.run(data, sql, tenant=tenant, limits=limits, cancel=cancel)


_ours: Final = Sandbox()
"""Started when it is first asked; its program ends with this process, whose socket then closes."""
