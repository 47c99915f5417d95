"""What the processes of a server use, seen from outside.

In: the parent's process. Out: CPU seconds and resident bytes by the name of the process.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Final

import psutil

from tests.running import Server

_SAMPLE_S: Final = 0.2
PARENT: Final = "parent"


@dataclass(slots=True)
class Memory:
    """The most resident bytes seen: of each process by name, and of all at one moment, shared pages counted by each."""

    of: dict[str, int] = field(default_factory=dict)
    total: int = 0


def processes(server: Server) -> dict[str, psutil.Process]:
    """The parent and its children, each child by the last word of the module that it runs."""
    parent = psutil.Process(server.process.pid)
    children = {child.cmdline()[-1].rpartition(".")[2]: child for child in parent.children()}
    return {PARENT: parent, **children}


def cpu_s(server: Server) -> dict[str, float]:
    """CPU seconds that each process has used since it began."""
    used = {name: process.cpu_times() for name, process in processes(server).items()}
    return {name: times.user + times.system for name, times in used.items()}


@contextmanager
def memory_watched(server: Server) -> Iterator[Memory]:
    """What the processes hold while the context lasts; complete when it ends."""
    seen = Memory()
    done = threading.Event()
    watched = processes(server)

    def sample() -> None:
        while not done.wait(_SAMPLE_S):
            with suppress(psutil.Error):  # one of them is ending
                now = {name: process.memory_info().rss for name, process in watched.items()}
                seen.of = {name: max(rss, seen.of.get(name, 0)) for name, rss in now.items()}
                seen.total = max(seen.total, sum(now.values()))

    thread = threading.Thread(target=sample)
    thread.start()
    try:
        yield seen
    finally:
        done.set()
        thread.join()
