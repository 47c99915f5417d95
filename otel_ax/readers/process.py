"""The process itself: CPU, memory, garbage collection, threads, file descriptors, event-loop lag, calls under way.

In: a meter; /proc on Linux and `resource` elsewhere (no psutil: the SDK stays light). Out: observable instruments, read
when a reader collects; what a platform cannot tell is not observed. Names are the conventions' (`process.*`,
`cpython.gc.*`, `system.filesystem.*`), and `ax.process.*` where they have none.
"""

import asyncio
import contextlib
import gc
import os
import shutil
import sys
import threading
import time
import weakref
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

from opentelemetry.context import Context
from opentelemetry.metrics import CallbackOptions, Meter, Observation
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor

from otel_ax import semconv
from otel_ax.calls import operation_of, own
from otel_ax.guard import guarded

__all__ = ["ActiveCalls", "observe_process", "watch_event_loop"]

_PROC: Final = Path("/proc/self")
_CALLS: Final = semconv.INFERENCE_OPERATIONS | semconv.SPEECH_OPERATIONS | {"voice_call"}

Read = Callable[[], Iterable[Observation]]


def observe_process(meter: Meter, active: "ActiveCalls | None" = None) -> None:
    """Registers the instruments; once for a meter.

    Args:
        meter: Whose readers collect them.
        active: The processor that counts the calls under way, if there is one.
    """
    started = time.perf_counter(), _cpu_seconds()
    counter, gauge, updown = (
        meter.create_observable_counter,
        meter.create_observable_gauge,
        meter.create_observable_up_down_counter,
    )
    counter("process.cpu.time", [_callback(_cpu_time)], unit="s", description="CPU time by mode")
    gauge("process.cpu.utilization", [_callback(_cpu_share(started))], unit="1", description="Share of all CPUs")
    updown("process.memory.usage", [_callback(_memory)], unit="By", description="Resident memory")
    updown("process.memory.virtual", [_callback(_memory_virtual)], unit="By", description="Virtual memory")
    gauge(semconv.PROCESS_MEMORY_UTILIZATION, [_callback(_memory_share)], unit="1", description="Share of the limit")
    updown("process.thread.count", [_callback(_threads)], unit="{thread}", description="Python threads")
    updown("process.unix.file_descriptor.count", [_callback(_descriptors)], unit="{file_descriptor}")
    counter("cpython.gc.collections", [_callback(_gc("collections"))], unit="{collection}")
    counter("cpython.gc.collected_objects", [_callback(_gc("collected"))], unit="{object}")
    counter("cpython.gc.uncollectable_objects", [_callback(_gc("uncollectable"))], unit="{object}")
    gauge("system.filesystem.utilization", [_callback(_disk)], unit="1", description="Of the working directory's disk")
    gauge(semconv.PROCESS_LOOP_LAG, [_callback(_lags)], unit="s", description="Latest tick since the last collection")
    if active is not None:
        updown(semconv.PROCESS_CALLS_ACTIVE, [_callback(active.observe)], unit="{call}", description="Calls under way")


def _callback(read: Read) -> Callable[[CallbackOptions], Iterable[Observation]]:
    safe = guarded(read)
    return lambda _: safe() or ()


def _cpu_seconds() -> float:
    times = os.times()
    return times.user + times.system


def _cpu_time() -> list[Observation]:
    times = os.times()
    return [Observation(times.user, {"cpu.mode": "user"}), Observation(times.system, {"cpu.mode": "system"})]


def _cpu_share(started: tuple[float, float]) -> Read:
    """Since the last time that it was read."""
    last = started

    def read() -> list[Observation]:
        nonlocal last
        before, last = last, (time.perf_counter(), _cpu_seconds())
        elapsed = (last[0] - before[0]) * (os.cpu_count() or 1)
        return [Observation(max(0.0, last[1] - before[1]) / elapsed)] if elapsed > 0 else []

    return read


def _pages() -> tuple[int, int] | None:
    """Virtual and resident, in bytes."""
    try:
        virtual, resident = (_PROC / "statm").read_text().split()[:2]
    except OSError:
        return None
    page = os.sysconf("SC_PAGE_SIZE")
    return int(virtual) * page, int(resident) * page


def _resident() -> int | None:
    pages = _pages()
    if pages is not None:
        return pages[1]
    try:
        import resource  # noqa: PLC0415 (not on Windows)
    except ImportError:
        return None
    # The most there was: what macOS tells without a library; there in bytes, elsewhere in KiB.
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024


def _memory() -> list[Observation]:
    resident = _resident()
    return [] if resident is None else [Observation(resident)]


def _memory_virtual() -> list[Observation]:
    pages = _pages()
    return [] if pages is None else [Observation(pages[0])]


def _memory_limit() -> int | None:
    """That of the container, else the machine's memory."""
    for path in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        with contextlib.suppress(OSError, ValueError):
            limit = int(Path(path).read_text())
            if limit < 1 << 60:  # version 1 writes "no limit" as a number next to 2^63
                return limit
    with contextlib.suppress(OSError, ValueError, AttributeError):
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return None


def _memory_share() -> list[Observation]:
    resident, limit = _resident(), _memory_limit()
    return [Observation(resident / limit)] if resident and limit else []


def _threads() -> list[Observation]:
    return [Observation(threading.active_count())]


def _descriptors() -> list[Observation]:
    for directory in ("/proc/self/fd", "/dev/fd"):
        with contextlib.suppress(OSError):
            return [Observation(sum(1 for _ in Path(directory).iterdir()))]
    return []


def _gc(what: str) -> Read:
    return lambda: [
        Observation(told[what], {"cpython.gc.generation": generation}) for generation, told in enumerate(gc.get_stats())
    ]


def _disk() -> list[Observation]:
    try:
        told = shutil.disk_usage(".")
    except OSError:
        return []
    return [Observation(told.used / told.total)] if told.total else []


EVERY_S: Final = 0.5


class _Lag:
    """How late one event loop's ticks were, at most, since it was last asked."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop, self._due, self._worst = weakref.ref(loop), loop.time() + EVERY_S, 0.0
        loop.call_later(EVERY_S, self._tick)

    def _tick(self) -> None:
        loop = self._loop()
        if loop is None or loop.is_closed():
            return
        now = loop.time()
        self._worst = max(self._worst, now - self._due)
        self._due = now + EVERY_S
        loop.call_later(EVERY_S, self._tick)

    def taken(self) -> float:
        """The lag; a tick that is overdue now counts as well."""
        loop = self._loop()
        overdue = loop.time() - self._due if loop is not None and loop.is_running() else 0.0
        worst, self._worst = max(self._worst, overdue), 0.0
        return worst


_watched: Final["weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, _Lag]"] = weakref.WeakKeyDictionary()


@guarded
def watch_event_loop(loop: asyncio.AbstractEventLoop | None = None) -> bool:
    """Watches a loop, or the one that is running here, for its lag; once is enough. False where none is running."""
    if loop is None:
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return False
    if loop not in _watched:
        _watched[loop] = _Lag(loop)
    return True


def _lags() -> list[Observation]:
    lags = [lag.taken() for loop, lag in list(_watched.items()) if not loop.is_closed()]
    return [Observation(max(lags))] if lags else []


_counting: Final["weakref.WeakSet[ActiveCalls]"] = weakref.WeakSet()


class ActiveCalls(SpanProcessor):
    """Counts spans of LLM, speech and voice calls that started and did not end, by operation."""

    def __init__(self, most: int = 100_000) -> None:
        self._most = most
        self._active: dict[int, str] = {}
        _counting.add(self)

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        """Takes a call."""
        del parent_context
        operation = operation_of(own(span))
        if operation in _CALLS and len(self._active) < self._most:
            self._active[span.get_span_context().span_id] = str(operation)

    def on_end(self, span: ReadableSpan) -> None:
        """Lets it go."""
        context = span.get_span_context()
        if context is not None:
            self._active.pop(context.span_id, None)

    def observe(self) -> list[Observation]:
        """By operation; 0 for those that were seen and are over."""
        told: dict[str, int] = dict.fromkeys(_CALLS, 0)
        for operation in list(self._active.values()):
            told[operation] += 1
        return [Observation(count, {semconv.OPERATION_NAME: name}) for name, count in told.items()]


def _renew() -> None:
    """A child of a fork has none of its parent's calls."""
    for calls in _counting:
        calls._active.clear()  # noqa: SLF001 (ours)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew)
