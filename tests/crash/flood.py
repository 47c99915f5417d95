"""Many clients that send as fast as they are answered: `python -m tests.crash.flood`.

In: one JSON line, a `Flood`. Out: one JSON line, a `Flooded`. A process of its own, so that what it measures is not
what the test beside it does.
"""

import asyncio
import json
import sys
from dataclasses import asdict, dataclass, field
from itertools import count
from pathlib import Path
from random import Random

import grpc
import uvloop
from google.rpc.error_details_pb2 import RetryInfo
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from exporter.clock import SystemClock
from exporter.model import Signal
from exporter.units import NS_PER_MS, NS_PER_S
from tests.bench.load import Export
from tests.bench.payloads import read_templates
from tests.crash.clients import METHOD
from tests.otlp import key_values

_TIMEOUT_S = 60.0
_SEPARATE = [("grpc.use_local_subchannel_pool", 1)]
"""A connection for each client."""


@dataclass(frozen=True, slots=True)
class Flood:
    """So many clients, each with a connection and one request under way.

    Refused, one that `obeys` waits as it is told and sends the same again; another goes on with the next at once.
    """

    endpoint: str
    templates: str
    clients: int
    seconds: float
    obeys: bool
    pause_s: float = 0
    seed: int = 0


@dataclass(slots=True)
class Flooded:
    """What came of it: batches that were acknowledged; how many requests were refused as overloaded, or failed.

    `items` are those of all requests. Latencies in milliseconds, of acknowledgements and of refusals, without the waits
    between them; the delays that refusals asked for in seconds.
    """

    acked: list[int] = field(default_factory=list)
    acked_items: int = 0
    refused: int = 0
    refused_items: int = 0
    errors: list[str] = field(default_factory=list)
    seconds: float = 0
    ack_ms: list[float] = field(default_factory=list)
    refusal_ms: list[float] = field(default_factory=list)
    retry_s: list[float] = field(default_factory=list)


async def run(flood: Flood, clock: SystemClock) -> Flooded:
    """Sends from one event loop until the time is up and all is answered."""
    done = Flooded()
    rng = Random(flood.seed)
    numbers = count(1)
    templates = read_templates(Path(flood.templates))
    began = clock.monotonic()
    end = began + int(flood.seconds * NS_PER_S)

    async def client() -> None:
        async with grpc.aio.insecure_channel(flood.endpoint, options=_SEPARATE) as channel:
            await channel.channel_ready()
            export: Export = channel.unary_unary(METHOD[Signal.TRACES])
            while clock.monotonic() < end:
                number = next(numbers)
                template = templates[number % len(templates)]
                body = template.request(rng.getrandbits(63), clock.wall()) + _mark(number, rng, clock.wall())
                items = template.items + 1
                while (wait_s := await _send(export, number, body, items, done, clock)) is not None and flood.obeys:
                    await asyncio.sleep(wait_s)
                    if clock.monotonic() >= end:
                        break
                await asyncio.sleep(flood.pause_s)

    await asyncio.gather(*(client() for _ in range(flood.clients)))
    done.seconds = (clock.monotonic() - began) / NS_PER_S
    return done


async def _send(
    export: Export, number: int, body: bytes, items: int, done: Flooded, clock: SystemClock
) -> float | None:
    """How long to wait before it is sent again; None if it need not be."""
    sent = clock.monotonic()
    try:
        answer = await export(body, timeout=_TIMEOUT_S)
    except grpc.aio.AioRpcError as error:
        took_ms = (clock.monotonic() - sent) / NS_PER_MS
        told = [value for key, value in error.trailing_metadata() or () if key == "google.rpc.retryinfo-bin"]
        if error.code() is not grpc.StatusCode.RESOURCE_EXHAUSTED or not told:
            done.errors.append(f"{error.code().name}: {error.details()}")
            return None
        delay = RetryInfo.FromString(told[0]).retry_delay
        done.refused += 1
        done.refused_items += items
        done.refusal_ms.append(took_ms)
        done.retry_s.append(delay.seconds + delay.nanos / NS_PER_S)
        return done.retry_s[-1]
    done.ack_ms.append((clock.monotonic() - sent) / NS_PER_MS)
    done.acked.append(number)
    done.acked_items += items
    if answer:
        done.errors.append(f"partial success: {answer!r}")
    return None


def _mark(number: int, rng: Random, now: int) -> bytes:
    """One more span for the request to which it is appended (protobuf adds up what is repeated), with its number."""
    export = ExportTraceServiceRequest()
    export.resource_spans.add().scope_spans.add().spans.add(
        trace_id=rng.randbytes(16),
        span_id=rng.randbytes(8),
        name="work",
        start_time_unix_nano=now,
        end_time_unix_nano=now,
        attributes=key_values({"batch": number}),
    )
    return export.SerializeToString()


def main() -> None:
    """Reads a `Flood`, sends it, prints a `Flooded`."""
    flood = Flood(**json.loads(sys.stdin.readline()))
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        flooded = runner.run(run(flood, SystemClock()))
    sys.stdout.write(json.dumps(asdict(flooded)) + "\n")


if __name__ == "__main__":
    main()
