"""The child `receive`: OTLP over gRPC and HTTP to the journal.

In: export requests. Out: journal records and acknowledgements; figures about them, which are stored as metrics too.
"""

import asyncio
from contextlib import suppress
from typing import Final

import uvloop

from exporter import figures
from exporter.app import child, self_metrics
from exporter.app.carry import Carried
from exporter.auth import EVERY_S, Doors
from exporter.clock import Clock, SystemClock
from exporter.config import Config
from exporter.errors import Refused
from exporter.figures import Figures
from exporter.journal import Journal
from exporter.receive import Counters, listen
from exporter.signals import Signal
from exporter.units import NS_PER_S

_GRACE_NS: Final = NS_PER_S * 4 // 10
"""How long requests that are on their way have at a stop."""
_PUBLISH_S: Final = 1.0


class _Published:
    """What this process tells the others once a second."""

    def __init__(self, config: Config, journal: Journal, counters: Counters, clock: Clock) -> None:
        self._path = figures.path_of(config.data, "receive")
        self._journal = journal
        self._counters = counters
        self._clock = clock
        self._carried = Carried.over(figures.read(self._path), journal.items_before)

    def figures(self) -> Figures:
        """The figures of now."""
        own = self._counters.figures(self._clock.wall(), backlog_bytes=self._journal.backlog_bytes)
        return self._carried.plus(own)

    def publish(self) -> None:
        """Replaces the file; that the disk is full is no reason to end: the journal says what it means."""
        with suppress(OSError):
            figures.publish(self._path, self.figures())


async def _receive(life: child.Life) -> None:
    config = life.config
    clock = SystemClock()
    loop = asyncio.get_running_loop()
    stopping = asyncio.Event()
    life.on_stop(lambda: loop.call_soon_threadsafe(stopping.set))
    journal = Journal.open(config.data / "journal", config.journal, clock)
    try:
        counters = Counters(clock.wall())
        doors = Doors.open(config, clock)
        child.every(EVERY_S, doors.refresh, life.stopping)
        listening = await listen(config, journal, clock, counters, doors)
        published = _Published(config, journal, counters, clock)
        published.publish()
        tasks = [asyncio.create_task(_publish_each_second(published))]
        if config.receive.self_metrics_interval:
            tasks.append(asyncio.create_task(_store_own(config, journal, counters, published, clock)))
        life.ready({"grpc": listening.grpc, "http": listening.http})
        await asyncio.wait([*tasks, asyncio.create_task(stopping.wait())], return_when=asyncio.FIRST_COMPLETED)
        await listening.stop(_GRACE_NS)
        for task in tasks:
            task.cancel()
        for ended in await asyncio.gather(*tasks, return_exceptions=True):
            if isinstance(ended, Exception):
                raise ended
        published.publish()
        doors.known.close()
    finally:
        journal.close()


async def _publish_each_second(published: _Published) -> None:
    while True:
        await asyncio.sleep(_PUBLISH_S)
        published.publish()


async def _store_own(config: Config, journal: Journal, counters: Counters, published: _Published, clock: Clock) -> None:
    """Stores our own figures now and again; they are counted as what they are, metrics that came in."""
    instance = self_metrics.instance_of(config.data)
    while True:
        await asyncio.sleep(config.receive.self_metrics_interval / NS_PER_S)
        others = figures.read(figures.path_of(config.data, "write"))
        own = published.figures()
        request = self_metrics.request([own, *([others] if others else [])], instance, clock.wall())
        try:
            is_new = await journal.append(request)
        except Refused as refused:
            counters.refuse(Signal.METRICS, refused.reason, request.items)
        else:
            counters.accept(Signal.METRICS, request.items, is_retry=not is_new)


def _work(life: child.Life) -> None:
    uvloop.run(_receive(life))


if __name__ == "__main__":
    child.run("receive", _work)
