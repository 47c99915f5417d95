"""One server's life under load, and what several of them have in common.

In: a `Load`. Out: a `Round`; of several, the medians.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from shutil import rmtree
from statistics import median
from typing import Final

from exporter.units import NS_PER_S, NS_PER_US
from tests.bench import beside, stored, watch
from tests.bench.load import Load, Sent, send
from tests.running import Server, running

Say = Callable[[str], None]
Start = Callable[[Path, dict[str, str]], AbstractContextManager[Server]]

CLIENT: Final = "client"


@dataclass(frozen=True, slots=True)
class Round:
    """What was sent, when a query found it all (Unix nanoseconds), how much it found, and what that took.

    `retired` is how many records of another signal retention has dropped meanwhile; `errors` is what went wrong.
    """

    sent: Sent
    queryable: int
    found: int
    live: stored.Live
    retired: int
    cpu_s: dict[str, float]
    memory: watch.Memory
    errors: list[str]

    @property
    def per_s(self) -> float:
        """Items acknowledged, stored and queryable, over the time from the first send until a query found the last."""
        return self.sent.acked_items / (self.queryable - self.sent.began) * NS_PER_S

    @property
    def acked_per_s(self) -> float:
        """Items acknowledged, over the time from the first send to the last answer."""
        return self.sent.acked_items / (self.sent.ended - self.sent.began) * NS_PER_S

    @property
    def drain_s(self) -> float:
        """From the last answer until a query found the last item."""
        return (self.queryable - self.sent.ended) / NS_PER_S


@dataclass(frozen=True, slots=True)
class Peak:
    """Medians of rounds at full load.

    `cpu_us` is CPU time an item of each process, from the first send until all could be queried (merges that went on
    later are not in it), `rss_mb` each one's own peak, and `total_rss_mb` the peak of their sum; both count shared
    pages in each process. `merged_ratio` is how many of the rows were in merged files at the end, `files` how many
    files that were, `retired` how many records sent beside retention has dropped.
    """

    acked_per_s: int
    drain_s: float
    cpu_us: dict[str, float]
    rss_mb: dict[str, int]
    total_rss_mb: int
    bytes_per_item: float
    files: int
    merged_ratio: float
    retired: int


def ours(data: Path, environ: dict[str, str]) -> AbstractContextManager[Server]:
    """A server as users start it."""
    return running(data, environ=environ)


def run(data: Path, load: Load, say: Say, start: Start = ours) -> Round:
    """Sends `load` to a new server, waits until all of it can be queried, and removes what it has stored."""
    with start(data, beside.settings(load.signal)) as server, watch.memory_watched(server) as memory:
        before = watch.cpu_s(server)
        with beside.sending(server, load.signal) as other:
            sent = send(replace(load, endpoint=server.grpc))
            queryable, found = stored.drained(data, load.signal, sent.acked_items)
            cpu_s = {name: used - before[name] for name, used in watch.cpu_s(server).items()}
            live = stored.live(data, load.signal)
        wrong = _errors(sent, found) + other.errors(data)
        retired = other.acked - stored.count(data, other.signal)
    rmtree(data)
    done = Round(sent, queryable, found, live, retired, {CLIENT: sent.cpu_s, **cpu_s}, memory, wrong)
    say(
        f"{done.per_s:,.0f} {load.signal.label}/s; {sent.acked_items:,} acknowledged, {found:,} stored, "
        f"drained {done.drain_s:.1f} s after the last answer"
    )
    return done


def peak(rounds: Sequence[Round]) -> Peak:
    """What they have in common."""
    processes = rounds[0].cpu_s
    return Peak(
        acked_per_s=round(median(each.acked_per_s for each in rounds)),
        drain_s=round(median(each.drain_s for each in rounds), 2),
        cpu_us={name: round(median(_cpu_us(each, name) for each in rounds), 2) for name in processes},
        rss_mb={
            name: round(median(each.memory.of[name] for each in rounds) / 2**20) for name in processes if name != CLIENT
        },
        total_rss_mb=round(median(each.memory.total for each in rounds) / 2**20),
        bytes_per_item=round(median(each.live.size_bytes / max(each.live.rows, 1) for each in rounds), 1),
        files=round(median(each.live.files for each in rounds)),
        merged_ratio=round(median(each.live.merged_rows / max(each.live.rows, 1) for each in rounds), 2),
        retired=sum(each.retired for each in rounds),
    )


def per_s(rounds: Sequence[Round]) -> float:
    """The median of their rates."""
    return median(each.per_s for each in rounds)


def percentile(values: Sequence[float], percent: int) -> float:
    """The nearest-rank percentile, rounded."""
    ordered = sorted(values)
    return round(ordered[-(-len(ordered) * percent // 100) - 1], 2)


def _cpu_us(done: Round, name: str) -> float:
    return done.cpu_s[name] / max(done.sent.acked_items, 1) * NS_PER_S / NS_PER_US


def _errors(sent: Sent, found: int) -> list[str]:
    wrong = [] if found == sent.acked_items else [f"{sent.acked_items} items acknowledged, {found} stored"]
    return sent.errors + wrong
