"""The client of the benches, a process of its own: `python -m tests.bench.load`.

In: one JSON line, a `Load`. Out: one JSON line, a `Sent`.
"""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Callable, Coroutine, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from itertools import cycle
from pathlib import Path
from random import Random
from typing import Final

import grpc
import psutil
import uvloop

from exporter.clock import SystemClock
from exporter.model import Signal
from exporter.units import NS_PER_MS, NS_PER_S
from tests.bench.payloads import ITEMS, Template, read_templates

Export = grpc.aio.UnaryUnaryMultiCallable[bytes, bytes]
SendOne = Callable[[int], Coroutine[None, None, None]]

_COLLECTOR: Final = "/opentelemetry.proto.collector"
EXPORT: Final[Mapping[Signal, str]] = {
    Signal.TRACES: f"{_COLLECTOR}.trace.v1.TraceService/Export",
    Signal.METRICS: f"{_COLLECTOR}.metrics.v1.MetricsService/Export",
    Signal.LOGS: f"{_COLLECTOR}.logs.v1.LogsService/Export",
}
"""The gRPC method of each signal."""
_TIMEOUT_S: Final = 30.0
_BACK_OFF_S: Final = 0.5
_MOST_IN_FLIGHT: Final = 256


@dataclass(frozen=True, slots=True)
class Load:
    """What to send: all that `in_flight` requests at a time allow, or `items_per_s` at a pace.

    `templates` is a file of templates of `signal`.
    """

    endpoint: str
    templates: str
    seconds: float
    in_flight: int
    items_per_s: float | None = None
    seed: int = 0
    signal: Signal = Signal.TRACES


@dataclass(slots=True)
class Sent:
    """What came of it: `began` and `ended` are Unix nanoseconds of the first send and the last answer.

    A request that is refused is sent again until it is accepted; `unanswered` ones may or may not be stored. A paced
    request's latency counts from when it was due. `cpu_s` is what the client itself used meanwhile.
    """

    began: int = 0
    ended: int = 0
    acked_items: int = 0
    refusals: int = 0
    unanswered: int = 0
    cpu_s: float = 0.0
    errors: list[str] = field(default_factory=list)
    latencies_ms: list[float] = field(default_factory=list)


def send(load: Load) -> Sent:
    """Sends `load` from a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench.load"],
        input=json.dumps(asdict(load)) + "\n",
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return Sent(**json.loads(done.stdout))


async def run(load: Load, clock: SystemClock) -> Sent:
    """Sends `load` from one event loop and waits for the last answer."""
    sent = Sent()
    requests = _requests(read_templates(Path(load.templates)), load.seed, clock)
    async with grpc.aio.insecure_channel(load.endpoint) as channel:
        await channel.channel_ready()
        export: Export = channel.unary_unary(EXPORT[Signal(load.signal)])  # no serialisers: bytes as they are

        async def send_one(due: int) -> None:
            items, request = next(requests)
            while True:
                if await _answered(export, request, items, sent):
                    break
                await asyncio.sleep(_BACK_OFF_S)
            sent.latencies_ms.append((clock.monotonic() - due) / NS_PER_MS)

        sent.cpu_s = -_cpu_s()
        sent.began = clock.wall()
        end = clock.monotonic() + int(load.seconds * NS_PER_S)
        if load.items_per_s is None:

            async def keep_sending() -> None:
                while (now := clock.monotonic()) < end:
                    await send_one(now)

            await asyncio.gather(*(keep_sending() for _ in range(load.in_flight)))
        else:
            await _at_a_pace(send_one, ITEMS / load.items_per_s, end, clock)
        sent.ended = clock.wall()
        sent.cpu_s += _cpu_s()
    return sent


async def _at_a_pace(send_one: SendOne, every_s: float, end: int, clock: SystemClock) -> None:
    """Sends one request each `every_s`, however long the answers take."""
    flying: set[asyncio.Task[None]] = set()
    due = clock.monotonic()
    while due < end:
        await asyncio.sleep(max(due - clock.monotonic(), 0) / NS_PER_S)
        if len(flying) >= _MOST_IN_FLIGHT:
            await asyncio.wait(flying, return_when=asyncio.FIRST_COMPLETED)
        task = asyncio.create_task(send_one(due))
        flying.add(task)
        task.add_done_callback(flying.discard)
        due += int(every_s * NS_PER_S)
    await asyncio.gather(*flying)


async def _answered(export: Export, request: bytes, items: int, sent: Sent) -> bool:
    """Whether that was the last word on the request: accepted, or an answer that says nothing of its fate."""
    try:
        response = await export(request, timeout=_TIMEOUT_S)
    except grpc.aio.AioRpcError as error:
        if error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED:
            sent.refusals += 1
            return False
        sent.unanswered += 1
        sent.errors = [*sent.errors, f"{error.code().name}: {error.details()}"][:5]
        return True
    if response:
        sent.errors = [*sent.errors, f"partial success: {response!r}"][:5]
    else:
        sent.acked_items += items
    return True


def _requests(templates: list[Template], seed: int, clock: SystemClock) -> Iterator[tuple[int, bytes]]:
    """Requests without end, no two of which have an id in common, each after its number of items."""
    rng = Random(seed)
    for template in cycle(templates):
        yield template.items, template.request(rng.getrandbits(63), clock.wall())


def _cpu_s() -> float:
    used = psutil.Process().cpu_times()
    return used.user + used.system


def main() -> None:
    """Reads a `Load`, sends it, prints a `Sent`."""
    load = Load(**json.loads(sys.stdin.readline()))
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        sent = runner.run(run(load, SystemClock()))
    os.set_blocking(sys.stdout.fileno(), True)
    print(json.dumps(asdict(sent)))


if __name__ == "__main__":
    main()
