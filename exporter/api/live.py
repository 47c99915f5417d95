"""Routes: the WebSocket that tells what changes.

In: subscriptions. Out: what there is, then what is new.
"""

import asyncio
import json
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final

from fastapi import APIRouter, WebSocket, WebSocketDisconnect
from fastapi.responses import JSONResponse

from exporter.api.callers import Forbidden, Reader
from exporter.api.problems import RESPONSES, Busy, Problem, answer, described, problem_of
from exporter.api.shared import Shared
from exporter.errors import AxError
from exporter.live import asked, words
from exporter.live.client import REFUSED, Client
from exporter.live.hub import CHANNELS, MOST_CLIENTS, Hub
from exporter.live.told import Sources

PROTOCOL: Final = """Open it as a WebSocket; messages are JSON text.

The client says
- `{"op":"subscribe","id":"a","channel":"logs","filter":"service = \\"shop\\"","search":"timeout","range":"15m",
  "limit":100,"resume":"CURSOR"}`. All but the first three may be left out. Channels, and what else each takes:
  `logs` filter, search, range · `traces` filter, range · `workflows` filter, range ·
  `metrics` filter, range, step (whole minutes), by (a list), and measure or metric (else the overview's figures) ·
  `alerts` rule, severity (a list) · `health` component (not for tokens of one tenant).
  At most 20 subscriptions, each with its own id.
- `{"op":"unsubscribe","id":"a"}` and `{"op":"ping"}`, which is answered by `pong`.

The server says
- `hello` with `version`, `server`, `heartbeat_s`; then `heartbeat` each `heartbeat_s` seconds.
- `snapshot` with `id`, `items`, `left_out`, `cursor`: what there is, as the lists of the API have it, newest first.
- `change` with the same: what came since, newest first, at most `limit` items or 256 KiB; `left_out` says how many more
  there were. A trace, a run of a workflow (by their ids) and a bucket of metrics (by bucket_ns and labels) that comes
  again takes the place of what was told of it; a log record comes once. Changes of `alerts` are those of
  /api/alerts/history, each with its `alert` as it is now; those of `health` are /api/health/events.
- `resumed` with `id`, before the first `change` of a subscription that gave the last `cursor` it had seen: nothing is
  lost, nothing comes twice. Where too much has come since, there is a `snapshot` instead.
- `problem` as every refusal of the API has it, with the `id` of the subscription that is over by it.

Codes of its closing: 1001 the server stops; 1008 the token holds no more, or too many messages cannot be read; 1013
too much waits for a client that does not read, which may come again and resume. A message to us has at most 64 KiB.
"""
_BAD_MESSAGES: Final = 20
"""So many in a row that cannot be read, and it is no client of ours."""


def routes(shared: Shared) -> APIRouter:
    """Both: the WebSocket, and what it answers to who asks without one."""
    router = APIRouter(tags=["live"], responses=RESPONSES)
    sources = Sources(
        data=shared.config.data,
        clock=shared.clock,
        version=shared.version,
        views=shared.views,
        control=lambda: shared.watch.control,
        health=lambda: shared.health.health(shared.version),
    )
    hubs: list[Hub] = []

    def hub() -> Hub:
        if not hubs:  # it belongs to the event loop, which is not there yet when routes are made
            hubs.append(Hub(sources, _problem))
        return hubs[0]

    @router.get(
        "/api/live",
        status_code=426,
        response_class=JSONResponse,
        responses=described(426),
        description=PROTOCOL,
    )
    async def explain(caller: Reader) -> JSONResponse:
        del caller
        problem = Problem(title="this is a WebSocket", status=426, mend=PROTOCOL)
        return answer(problem, {"Upgrade": "websocket", "Connection": "Upgrade"})

    @router.websocket("/api/live")
    async def live(socket: WebSocket, caller: Reader) -> None:
        if hub().is_full:
            raise Busy(f"there are {MOST_CLIENTS} clients already", mend="close one, or come again later")
        client = Client(socket, caller)
        hub().join(client)
        try:
            await socket.accept()
            await client.run(asyncio.create_task(_receive(socket, hub(), client)))
        finally:
            hub().leave(client)

    return router


async def _receive(socket: WebSocket, hub: Hub, client: Client) -> None:
    """Does what the client says, until it goes."""
    bad = 0
    with suppress(WebSocketDisconnect):
        while bad < _BAD_MESSAGES:
            message = await socket.receive()
            if message["type"] == "websocket.disconnect":
                return
            try:
                _do(message.get("text"), hub, client)
                bad = 0
            except asked.BadMessage as error:
                bad += 1
                client.put(words.problem(_problem(error), error.id))
        client.leave(REFUSED, "messages that cannot be read")


def _do(text: str | None, hub: Hub, client: Client) -> None:
    """One message. Raises `BadMessage`; what is wrong with a subscription it is told."""
    if text is None:
        raise asked.BadMessage("this is no text", mend="send JSON as text")
    message = asked.read(text)
    if isinstance(message, asked.Ping):
        client.put(words.said("pong"))
        return
    try:
        if isinstance(message, asked.Unsubscribe):
            hub.unsubscribe(client, message.id)
            return
        wanted, cursor = asked.asked(message)
        if CHANNELS[wanted.channel].about_all and client.caller.tenant is not None:
            raise Forbidden(f"{wanted.channel} are about all tenants", mend="use a token that is not bound to one")
        hub.subscribe(client, message.id, wanted, cursor)
    except AxError as error:
        client.put(words.problem(_problem(error), message.id))


def _problem(error: Exception) -> Mapping[str, Any]:
    """As `application/problem+json` has it."""
    if not isinstance(error, AxError):
        return Problem(title="an error of ours", status=500, mend="see the server's log").model_dump(exclude_none=True)
    found: Mapping[str, Any] = json.loads(bytes(answer(problem_of(error)).body))
    return found
