"""The child `receive`: OTLP over gRPC and HTTP to the journal.

In: export requests. Out: journal records and acknowledgements; figures about them, which are stored as metrics too.
"""

import asyncio
from contextlib import suppress
from typing import Final

import uvloop

from exporter import figures
from exporter.app import child, self_metrics
from exporter.clock import Clock, SystemClock
from exporter.config import Config
from exporter.errors import Refused
from exporter.journal import Journal
from exporter.model import Signal
from exporter.receive import Counters, listen
from exporter.units import NS_PER_S

_GRACE_NS: Final = NS_PER_S * 4 // 10
"""How long requests that are on their way have at a stop."""
_PUBLISH_S: Final = 1.0


async def _receive(life: child.Life) -> None:
    config = life.config
    clock = SystemClock()
    loop = asyncio.get_running_loop()
    stopping = asyncio.Event()
    life.on_stop(lambda: loop.call_soon_threadsafe(stopping.set))
    journal = Journal.open(config.data / "journal", config.journal, clock)
    try:
        counters = Counters(clock.wall())
        listening = await listen(config, journal, clock, counters)
        _publish(config, journal, counters, clock)
        tasks = [asyncio.create_task(_publish_each_second(config, journal, counters, clock))]
        if config.receive.self_metrics_interval:
            tasks.append(asyncio.create_task(_store_own(config, journal, counters, clock)))
        life.ready({"grpc": listening.grpc, "http": listening.http})
        await asyncio.wait([*tasks, asyncio.create_task(stopping.wait())], return_when=asyncio.FIRST_COMPLETED)
        await listening.stop(_GRACE_NS)
        for task in tasks:
            task.cancel()
        for ended in await asyncio.gather(*tasks, return_exceptions=True):
            if isinstance(ended, Exception):
                raise ended
    finally:
        journal.close()


def _publish(config: Config, journal: Journal, counters: Counters, clock: Clock) -> None:
    now = counters.figures(clock.wall(), backlog_bytes=journal.backlog_bytes)
    with suppress(OSError):  # that the disk is full is no reason to end; the journal says what it means
        figures.publish(figures.path_of(config.data, "receive"), now)


async def _publish_each_second(config: Config, journal: Journal, counters: Counters, clock: Clock) -> None:
    while True:
        await asyncio.sleep(_PUBLISH_S)
        _publish(config, journal, counters, clock)


async def _store_own(config: Config, journal: Journal, counters: Counters, clock: Clock) -> None:
    """Stores our own figures now and again; they are counted as what they are, metrics that came in."""
    instance = self_metrics.instance_of(config.data)
    while True:
        await asyncio.sleep(config.receive.self_metrics_interval / NS_PER_S)
        own = counters.figures(clock.wall(), backlog_bytes=journal.backlog_bytes)
        others = figures.read(figures.path_of(config.data, "write"))
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
