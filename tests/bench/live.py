"""Clients of `/api/live` that a bench lets listen beside what it measures.

In: how many, and where. Out: what they were told.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

CHANNELS = ("logs", "traces", "metrics", "workflows", "alerts", "health")


@dataclass
class Heard:
    """What all of them were told; `closed` are the codes with which the server let some go."""

    messages: int = 0
    bytes: int = 0
    problems: list[str] = field(default_factory=list)
    closed: list[int | None] = field(default_factory=list)


@asynccontextmanager
async def clients(
    count: int, url: str, *, token: str | None = None, filters: tuple[str | None, ...] = (None,)
) -> AsyncIterator[Heard]:
    """`count` clients, each with one subscription to each channel; `url` is that of the UI port.

    Those of logs and traces take turns with `filters`: as many different questions are asked each time.
    """
    address = f"{url.replace('http', 'ws', 1).rstrip('/')}/api/live"
    headers = None if token is None else {"Authorization": f"Bearer {token}"}
    heard = Heard()
    async with AsyncExitStack() as stack:
        tasks = []
        for number in range(count):
            socket = await stack.enter_async_context(
                connect(address, additional_headers=headers, compression=None, max_size=2**20)
            )
            for channel in CHANNELS:
                asked = {"op": "subscribe", "id": channel, "channel": channel}
                if channel in {"logs", "traces"} and (chosen := filters[number % len(filters)]):
                    asked["filter"] = chosen
                await socket.send(json.dumps(asked))
            tasks.append(asyncio.create_task(_listen(socket, heard)))
        try:
            yield heard
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


async def _listen(socket: ClientConnection, heard: Heard) -> None:
    """Counts without reading all of it: it is the server that is measured."""
    try:
        async for message in socket:
            text = str(message)
            heard.messages += 1
            heard.bytes += len(text)
            if text.startswith('{"op": "problem"'):
                heard.problems.append(text[:500])
    except ConnectionClosed as closed:
        heard.closed.append(closed.rcvd.code if closed.rcvd else None)


async def _main(count: int, url: str, seconds: float) -> None:
    async with clients(count, url) as heard:
        await asyncio.sleep(seconds)
    print(heard)


if __name__ == "__main__":  # python -m tests.bench.live 100 http://127.0.0.1:4319 60
    import sys

    asyncio.run(_main(int(sys.argv[1]), sys.argv[2], float(sys.argv[3])))
