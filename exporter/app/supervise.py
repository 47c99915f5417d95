"""The parent: starts the children in order, restarts one that dies, stops them in reverse of the data's way.

In: a `Config`. Out: one line per endpoint and then `ready` on stdout; exit 0 after an ordered stop.
"""

import os
import signal
import sys
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from queue import Empty
from types import FrameType
from typing import Final

from exporter import figures
from exporter.app.lock import hold
from exporter.app.process import Child, ChildEvent, Ended, Events, Ready, Role, Signalled
from exporter.auth import first, needs_token
from exporter.auth.certificates import certificates
from exporter.clock import Clock
from exporter.config import Config
from exporter.errors import AxError
from exporter.units import NS_PER_S

EXIT_IN_VAIN: Final = 3
"""How a child ends that would end the same way again, such as on a port that is taken."""

# Decoding, and parsing a request, makes and frees megabytes; given back to the kernel each time, page faults double the
# cost (0.93 against 0.43 µs a span to decode). 32 MiB is glibc's greatest threshold; one arena for all threads keeps
# what each of them frees within reach of the others, and Arrow's pool gives back too, unless it is the system's.
_KEEP_MEMORY: Final = {
    "MALLOC_ARENA_MAX": "1",
    "MALLOC_MMAP_THRESHOLD_": str(32 * 2**20),
    "MALLOC_TRIM_THRESHOLD_": str(128 * 2**20),
    "MALLOC_TOP_PAD_": str(16 * 2**20),
    "ARROW_DEFAULT_MEMORY_POOL": "system",
    "OPENBLAS_NUM_THREADS": "1",  # numpy brings a pool of threads that wait by spinning, and nothing here needs it
}
WRITE: Final = Role("write", stop_s=3.0, environ=_KEEP_MEMORY)
RECEIVE: Final = Role("receive", stop_s=1.4, environ=_KEEP_MEMORY)
SERVE: Final = Role("serve", stop_s=0.4)

_BACKOFF_NS: Final = (NS_PER_S // 10, 5 * NS_PER_S)
_STEADY_NS: Final = 2 * NS_PER_S
_DEATHS: Final = 5
_DEATHS_WITHIN_NS: Final = 60 * NS_PER_S


class StartFailed(AxError):
    """A child does not start."""


def serve(config: Config, clock: Clock, say: Callable[[str], None], write: Role = WRITE) -> int:
    """Runs a server until SIGINT or SIGTERM; gives the exit code. Call it from the main thread.

    `say` gets a line per endpoint, one with the admin token where one was made, and then `ready`. A second signal
    kills. `write` is the child that stores, where another program is to be compared with ours. Raises `DataDirBusy`,
    `BadConfig` for a certificate that cannot be used, and `StartFailed` with the last words of the child that did not
    start.
    """
    os.umask(0o077)
    certificates(config.tls)  # that they cannot be used is to be said at once
    with hold(config.data, clock) as lock:
        token = _admin_token(config, clock)
        server = _Server(config, lock, clock, write)
        with _signals(server.events):
            try:
                server.start(say, token)
                server.watch()
            except _StopAskedError:
                pass
            finally:
                stopped = server.stop()
    return 0 if stopped else 1


@dataclass(slots=True)
class _Restarts:
    """When a role's child is started again, and what led there; times are monotonic nanoseconds."""

    delay: int = _BACKOFF_NS[0]
    due: int | None = None
    ready_at: int | None = None
    early_deaths: deque[int] = field(default_factory=lambda: deque(maxlen=_DEATHS))


class _StopAskedError(Exception):
    """A signal arrived."""


class _Server:
    """The three children and their ports."""

    def __init__(self, config: Config, lock: int, clock: Clock, write: Role) -> None:
        self.events = Events()
        self._config = config
        self._lock = lock
        self._clock = clock
        self._start_order = (write, RECEIVE, SERVE)
        self._stop_order = ((RECEIVE,), (write, SERVE))
        self._children: dict[Role, Child] = {}
        self._restarts = {role: _Restarts() for role in self._start_order}
        self._begun: set[Role] = set()
        self._is_up = False
        self._is_stopping = False
        self._was_told_twice = False

    def start(self, say: Callable[[str], None], token: str | None) -> None:
        """Starts all children, which import side by side, and lets them begin in order."""
        for role in self._start_order:
            self._children[role] = Child(role, self._lock, self.events)
        for role in self._start_order:
            self._begun.add(role)
            if role in self._children:
                self._children[role].configure(self._config)
            while not self._is_ready(role):
                self._handle(self._next())
        while not all(self._is_ready(role) for role in self._start_order):  # one may have died since
            self._handle(self._next())
        self._is_up = True
        self._announce(say, token)

    def _is_ready(self, role: Role) -> bool:
        return role in self._children and self._children[role].endpoints is not None

    def watch(self) -> None:
        """Restarts children that die, until a signal."""
        while True:
            self._handle(self._next())

    def stop(self) -> bool:
        """Stops the children one after the other; False where a second signal cut that short.

        `serve` hears of it with `write`, and so has the time of both: it ends threads, and waits for nobody.
        """
        self._is_stopping = True
        with suppress(OSError):
            (self._config.data / "run" / "server.json").unlink()
        for restarts in self._restarts.values():
            restarts.due = None
        for roles in self._stop_order:
            for role in roles:
                if role in self._children:
                    self._tell_to_stop(role)
            for role in roles:
                if role in self._children:
                    self._await_end(role)
        return not self._was_told_twice

    def _tell_to_stop(self, role: Role) -> None:
        child = self._children[role]
        if child.endpoints is None:  # it has promised nothing yet, and may be busy importing
            child.kill()
        else:
            child.stop()

    def _await_end(self, role: Role) -> None:
        """Waits until the child of `role` has ended; kills it when its time is up, and all on a second signal."""
        deadline = self._clock.monotonic() + int(role.stop_s * NS_PER_S)
        while role in self._children:
            try:
                self._handle(self._next(deadline))
            except _StopAskedError:
                self._was_told_twice = True
                for child in self._children.values():
                    child.kill()
            if role in self._children and self._clock.monotonic() >= deadline:
                _note(f"{role.name} did not stop within {role.stop_s} s: killed, which loses nothing acknowledged")
                self._children[role].kill()
                return

    def _next(self, deadline: int | None = None) -> ChildEvent | None:
        """The next event, or None when it is time for a restart or `deadline` has passed."""
        times = [restarts.due for restarts in self._restarts.values() if restarts.due is not None]
        times += [deadline] if deadline is not None else []
        wait_s = max(min(times) - self._clock.monotonic(), 0) / NS_PER_S if times else None
        try:
            return self.events.get(timeout=wait_s)
        except Empty:
            return None

    def _handle(self, event: ChildEvent | None) -> None:
        match event:
            case Signalled():
                raise _StopAskedError
            case Ready(child, endpoints):
                child.endpoints = endpoints
                self._restarts[child.role].ready_at = self._clock.monotonic()
                self._keep_ports(child)
            case Ended(child, code) if self._children.get(child.role) is child:
                del self._children[child.role]
                if not self._is_stopping:
                    self._plan_restart(child, code)
            case _:
                pass
        if not self._is_stopping:
            self._restart_due()

    def _plan_restart(self, child: Child, code: int) -> None:
        now = self._clock.monotonic()
        restarts = self._restarts[child.role]
        if child.endpoints is None:
            restarts.early_deaths.append(now)
            often = len(restarts.early_deaths) == _DEATHS and now - restarts.early_deaths[0] < _DEATHS_WITHIN_NS
            # Once up, the others go on: what keeps a child from starting, such as a full disk, may pass.
            if not self._is_up and (often or code == EXIT_IN_VAIN):
                raise StartFailed(f"{child.role.name} does not start: {_last_words(child) or f'it ended with {code}'}")
        elif restarts.ready_at is not None and now - restarts.ready_at > _STEADY_NS:
            restarts.delay = _BACKOFF_NS[0]
        restarts.due = now + restarts.delay
        _note(f"{child.role.name} ended with {code}; starting it again")
        restarts.delay = min(2 * restarts.delay, _BACKOFF_NS[1])

    def _restart_due(self) -> None:
        for role, restarts in self._restarts.items():
            if restarts.due is None or restarts.due > self._clock.monotonic():
                continue
            try:
                child = Child(role, self._lock, self.events)
            except OSError as error:  # no process, no memory, no file descriptor: some other time
                _note(f"cannot start {role.name}: {error}")
                restarts.due = self._clock.monotonic() + _BACKOFF_NS[1]
                continue
            restarts.due = None
            self._children[role] = child
            if role in self._begun:
                child.configure(self._config)

    def _keep_ports(self, child: Child) -> None:
        """A child that is started again listens where it listened first."""
        for section, name in (("receive", "grpc"), ("receive", "http"), ("serve", "ui")):
            listening = (child.endpoints or {}).get(name)
            if listening:
                part = getattr(self._config, section)
                host = getattr(part, name).rpartition(":")[0]
                endpoint = f"{host}:{listening[0].rpartition(':')[2]}"
                self._config = self._config.model_copy(update={section: part.model_copy(update={name: endpoint})})

    def _announce(self, say: Callable[[str], None], token: str | None) -> None:
        endpoints = {name: listening for child in self._children.values() for name, listening in _endpoints(child)}
        scheme = "http" if self._config.tls.cert is None else "https"
        tokens = needs_token(self._config, "receive.http")
        about = {"pid": os.getpid(), "started": self._clock.wall(), "scheme": scheme, "tokens": tokens, **endpoints}
        with suppress(OSError):  # a disk that is full is no reason not to start
            figures.replace(self._config.data / "run" / "server.json", about)
        say("OTLP/gRPC  " + "  ".join(endpoints["grpc"]))
        say("OTLP/HTTP  " + "  ".join(f"{scheme}://{at}" for at in endpoints["http"]))
        say("API        " + "  ".join(f"{scheme}://{at}" for at in endpoints["ui"]))
        if token is not None:
            say(f"Token      {token}  (admin; shown once, kept in {first.path_of(self._config.data)})")
        say("ready")


def _admin_token(config: Config, clock: Clock) -> str | None:
    """The admin token that was made, where one was."""
    try:
        return first.admin_token(config, clock)
    except OSError as error:
        raise StartFailed(f"cannot make an admin token: {error}", mend="give the data directory room") from error


def _note(text: str) -> None:
    with suppress(OSError, ValueError):  # nobody reads our stderr: that must not stop the server
        sys.stderr.write(f"ax: {text}\n")
        sys.stderr.flush()


def _last_words(child: Child) -> str:
    """The last line of a child's log, without time, name and level."""
    return child.last_line.split(" ", 3)[-1]


def _endpoints(child: Child) -> Iterator[tuple[str, list[str]]]:
    yield from (child.endpoints or {}).items()


@contextmanager
def _signals(events: Events) -> Iterator[None]:
    """SIGINT and SIGTERM become events."""

    def put(number: int, _: FrameType | None) -> None:
        events.put(Signalled(number))  # SimpleQueue.put is safe in a signal handler

    before = {number: signal.signal(number, put) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
