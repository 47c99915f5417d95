"""The client of the ingest bench, a process of its own: `python -m tests.bench.load`.

In: one JSON line, a `Load`. Out: one JSON line, a `Sent`.
"""

import asyncio
import json
import sys
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import asdict, dataclass, field
from itertools import cycle
from pathlib import Path
from random import Random

import grpc
import uvloop

from exporter.clock import SystemClock
from exporter.units import NS_PER_MS, NS_PER_S
from tests.bench.payloads import SPANS, Template, read_templates

Export = grpc.aio.UnaryUnaryMultiCallable[bytes, bytes]
Send = Callable[[int], Coroutine[None, None, None]]

EXPORT = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
_TIMEOUT_S = 30.0
_BACK_OFF_S = 0.5
_MOST_IN_FLIGHT = 256


@dataclass(frozen=True, slots=True)
class Load:
    """What to send: all that `in_flight` requests at a time allow, or `spans_per_s` at a pace."""

    endpoint: str
    templates: str
    seconds: float
    in_flight: int
    spans_per_s: float | None = None
    seed: int = 0


@dataclass(slots=True)
class Sent:
    """What came of it: `began` and `ended` are Unix nanoseconds of the first send and the last answer.

    A request that is refused is sent again until it is accepted; `unanswered` ones may or may not be stored. A paced
    request's latency counts from when it was due.
    """

    began: int = 0
    ended: int = 0
    acked_spans: int = 0
    refusals: int = 0
    unanswered: int = 0
    errors: list[str] = field(default_factory=list)
    latencies_ms: list[float] = field(default_factory=list)


async def run(load: Load, clock: SystemClock) -> Sent:
    """Sends `load` from one event loop and waits for the last answer."""
    sent = Sent()
    requests = _requests(read_templates(Path(load.templates)), load.seed, clock)
    async with grpc.aio.insecure_channel(load.endpoint) as channel:
        await channel.channel_ready()
        export: Export = channel.unary_unary(EXPORT)  # no serialisers: bytes as they are

        async def send(due: int) -> None:
            request = next(requests)
            while True:
                if await _answered(export, request, sent):
                    break
                await asyncio.sleep(_BACK_OFF_S)
            sent.latencies_ms.append((clock.monotonic() - due) / NS_PER_MS)

        sent.began = clock.wall()
        end = clock.monotonic() + int(load.seconds * NS_PER_S)
        if load.spans_per_s is None:

            async def keep_sending() -> None:
                while (now := clock.monotonic()) < end:
                    await send(now)

            await asyncio.gather(*(keep_sending() for _ in range(load.in_flight)))
        else:
            await _at_a_pace(send, SPANS / load.spans_per_s, end, clock)
        sent.ended = clock.wall()
    return sent


async def _at_a_pace(send: Send, every_s: float, end: int, clock: SystemClock) -> None:
    """Sends one request each `every_s`, however long the answers take."""
    flying: set[asyncio.Task[None]] = set()
    due = clock.monotonic()
    while due < end:
        await asyncio.sleep(max(due - clock.monotonic(), 0) / NS_PER_S)
        if len(flying) >= _MOST_IN_FLIGHT:
            await asyncio.wait(flying, return_when=asyncio.FIRST_COMPLETED)
        task = asyncio.create_task(send(due))
        flying.add(task)
        task.add_done_callback(flying.discard)
        due += int(every_s * NS_PER_S)
    await asyncio.gather(*flying)


async def _answered(export: Export, request: bytes, sent: Sent) -> bool:
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
        sent.acked_spans += SPANS
    return True


def _requests(templates: list[Template], seed: int, clock: SystemClock) -> Iterator[bytes]:
    """Requests without end, no two of which have an id in common."""
    rng = Random(seed)
    for template in cycle(templates):
        yield template.request(rng.getrandbits(63), clock.wall())


def main() -> None:
    """Reads a `Load`, sends it, prints a `Sent`."""
    load = Load(**json.loads(sys.stdin.readline()))
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        sent = runner.run(run(load, SystemClock()))
    print(json.dumps(asdict(sent)))


if __name__ == "__main__":
    main()
