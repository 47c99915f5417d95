"""A server that nobody uses: how soon it is ready, what it costs to let it run, how soon it is gone.

In: a data directory that a server has left. Out: a `Rest`.
"""

import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Final

from exporter.clock import SystemClock
from exporter.units import NS_PER_S
from tests.bench import watch
from tests.bench.rounds import Say
from tests.running import Server, running, until

_SETTLE_S: Final = 6.0
"""A server that has just started merges what the last one left; it looks after five seconds."""
_LOOK_S: Final = 1.0
_BUSY_PERCENT: Final = 20.0
_MERGED_S: Final = 120.0
_ALONE: Final = {"AX_RECEIVE_SELF_METRICS_INTERVAL": "0s"}


@dataclass(frozen=True, slots=True)
class Rest:
    """Seconds from the start of `ax serve` to `ready` and from SIGTERM to its exit, and what all its processes take.

    The latter in per cent of one core, with our own metrics stored every ten seconds and without.
    """

    ready_s: list[float]
    stop_s: list[float]
    idle_percent: float
    idle_percent_without_own_metrics: float


def measure(data: Path, seconds: float, starts: int, say: Say) -> Rest:
    """Starts a server on `data` at least twice, and lets it run for `seconds` in each of the first two lives."""
    ready_s, stop_s, idle = [], [], []
    for environ, rest_s in [({}, seconds), (_ALONE, seconds), *[({}, 0.0)] * (starts - 2)]:
        clock = SystemClock()
        began = clock.monotonic()
        with running(data, environ=environ) as server:
            ready_s.append((clock.monotonic() - began) / NS_PER_S)
            if rest_s:
                _settle(server, min(rest_s, _SETTLE_S))
                idle.append(_percent(server, rest_s))
            told = clock.monotonic()
            server.stop()
            stop_s.append((clock.monotonic() - told) / NS_PER_S)
    say(f"ready in {median(ready_s):.2f} s, gone in {median(stop_s):.2f} s, idle at {idle[0]:.2f} % of a core")
    return Rest(ready_s, stop_s, *idle)


def _settle(server: Server, seconds: float) -> None:
    """Waits for as long as that, and until nothing is left to merge."""
    time.sleep(seconds)
    until(lambda: _percent(server, _LOOK_S) < _BUSY_PERCENT, "the server has merged what it found", seconds=_MERGED_S)


def _percent(server: Server, seconds: float) -> float:
    """What all processes use of one core while `seconds` pass."""
    clock = SystemClock()
    used, since = sum(watch.cpu_s(server).values()), clock.monotonic()
    time.sleep(seconds)
    return 100 * (sum(watch.cpu_s(server).values()) - used) / (clock.monotonic() - since) * NS_PER_S
