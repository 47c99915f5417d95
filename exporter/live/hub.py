"""Who wants to know what, and when it is looked for: one question a publication for all who ask the same.

In: clients, subscriptions, what is published and decided. Out: messages. Each channel has a thread of its own, so one
that is slow is later itself, and the event loop never waits.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final, Literal

from exporter.errors import AxError
from exporter.live import decided, measured, records, words
from exporter.live.asked import Asked, Cursor, Name
from exporter.live.client import REFUSED, Client
from exporter.live.told import Look, Sources, Told
from exporter.query.arrived import Arrived, Published
from exporter.store.publish import MANIFEST

MOST_CLIENTS: Final = 100
MOST_SUBSCRIPTIONS: Final = 20
HEARTBEAT_S: Final = 15.0
_HELD_S: Final = 1.0
"""How often it is looked whether clients may still listen: who is revoked is let go within two seconds."""
LOOK_S: Final = 0.1
LONGEST_S: Final = 10.0
"""A question that takes longer ends its subscriptions."""
_REST: Final = 9.0
_LONGEST_REST_S: Final = 0.5
"""A channel rests after its questions, so that it takes a tenth of a processor; but what is stored is told within a
second, so at most this long, or as long as they took."""
_log: Final = logging.getLogger(__name__)

Source = Literal["stored", "decided"]


@dataclass(frozen=True, slots=True)
class Channel:
    """Where its news come from, whether it is about all tenants, and how it is asked."""

    source: Source
    about_all: bool
    ask: Callable[[Look], Told]


CHANNELS: Final[Mapping[Name, Channel]] = {
    "alerts": Channel("decided", about_all=False, ask=decided.alerts),
    "health": Channel("decided", about_all=True, ask=decided.health),
    "logs": Channel("stored", about_all=False, ask=records.logs),
    "metrics": Channel("stored", about_all=False, ask=measured.metrics),
    "traces": Channel("stored", about_all=False, ask=records.traces),
    "workflows": Channel("stored", about_all=False, ask=records.workflows),
}


@dataclass(slots=True, eq=False)
class Subscription:
    """What a client calls `id`, how far it was told, and in which state of the source that was.

    `last` is the mark of the last items: buckets and traces that are asked for again may be as they were.
    """

    client: Client
    id: str
    asked: Asked
    cursor: Cursor | None
    resumes: bool
    seen: object = None
    last: int | None = None

    @property
    def key(self) -> tuple[Asked, str | None, Cursor | None]:
        """Equal keys are told the same."""
        return self.asked, self.client.caller.tenant, self.cursor


class Hub:
    """All clients of a server; it works while there are any, and belongs to the event loop."""

    def __init__(self, sources: Sources, problem_of: Callable[[Exception], Mapping[str, Any]]) -> None:
        """Nothing runs yet."""
        self._sources = sources
        self._problem_of = problem_of
        self._clients: set[Client] = set()
        self._lanes = {name: _Lane(self, name) for name in CHANNELS}
        self._looker = ThreadPoolExecutor(1, thread_name_prefix="live")
        self._running: asyncio.Task[None] | None = None
        self._wanted = asyncio.Event()
        self._said = ""
        self._stamp: object = None
        self.published = Published({})
        self.states: dict[Source, object] = {}

    @property
    def is_full(self) -> bool:
        """Whether there are as many clients as there may be."""
        return len(self._clients) >= MOST_CLIENTS

    def join(self, client: Client) -> None:
        """A client has come."""
        self._clients.add(client)
        client.put(words.said("hello", version=words.VERSION, server=self._sources.version, heartbeat_s=HEARTBEAT_S))
        if self._running is None or self._running.done():
            self._running = asyncio.create_task(self._run())

    def leave(self, client: Client) -> None:
        """It has gone."""
        self._clients.discard(client)
        for lane in self._lanes.values():
            lane.subscriptions -= {one for one in lane.subscriptions if one.client is client}

    def subscribe(self, client: Client, name: str, asked: Asked, cursor: Cursor | None) -> None:
        """Tells `client` what is asked, as `name`, from now on. Raises `AxError`."""
        if self._find(client, name) is not None:
            raise AxError("id: it is in use", mend="choose another, or unsubscribe it first")
        if client.subscriptions >= MOST_SUBSCRIPTIONS:
            raise AxError(f"id: there are {MOST_SUBSCRIPTIONS} already", mend="unsubscribe one")
        client.subscriptions += 1
        lane = self._lanes[asked.channel]
        lane.subscriptions.add(Subscription(client, name, asked, cursor, resumes=cursor is not None))
        self._wanted.set()

    def unsubscribe(self, client: Client, name: str) -> None:
        """Tells it no more. Raises `AxError`."""
        found = self._find(client, name)
        if found is None:
            raise AxError("id: there is no such subscription", mend="give the id of one")
        self.end(found)

    def end(self, one: Subscription) -> None:
        """This subscription is over."""
        subscriptions = self._lanes[one.asked.channel].subscriptions
        if one in subscriptions:
            subscriptions.discard(one)
            one.client.subscriptions -= 1

    def refuse(self, error: Exception, one: Subscription) -> None:
        """Tells what is wrong with a subscription, which is over."""
        one.client.put(words.problem(self._problem_of(error), one.id))
        self.end(one)

    def ask(self, lane: "_Lane", one: Subscription) -> tuple[words.Body, Cursor]:
        """The answer of one question, in the thread of its channel. Raises `AxError` and whatever is our fault."""
        look = Look(self._sources, self.published, lane.arrived, one.asked, one.client.caller, one.cursor)
        told = CHANNELS[lane.name].ask(look)
        return words.body(told), told.cursor

    def _find(self, client: Client, name: str) -> Subscription | None:
        everything = (one for lane in self._lanes.values() for one in lane.subscriptions)
        return next((one for one in everything if one.client is client and one.id == name), None)

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        heartbeat_at, held_at = loop.time() + HEARTBEAT_S, loop.time() + _HELD_S
        while self._clients:
            self._wanted.clear()
            looked: frozenset[Source] = frozenset()
            try:
                looked = await loop.run_in_executor(self._looker, self._look)
            except Exception as error:  # noqa: BLE001 (the disk, or the database while the server stops; it is tried again)
                if str(error) != self._said:
                    self._said = str(error)
                    _log.warning("whether anything is new cannot be told at present: %s", error)
            for lane in self._lanes.values():
                if lane.source in looked and lane.is_due:
                    lane.kick()
            if loop.time() >= held_at:
                held_at = loop.time() + _HELD_S
                for client in [one for one in self._clients if not one.holds()]:
                    client.leave(REFUSED, "the token holds no more")
            if loop.time() >= heartbeat_at:
                heartbeat_at = loop.time() + HEARTBEAT_S
                text = words.said("heartbeat", at_ns=self._sources.clock.wall())
                for client in self._clients:
                    client.put(text)
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_S):
                    await self._wanted.wait()

    def _look(self) -> frozenset[Source]:
        """In the thread of this: whether anything was published or decided; where it looked.

        Who subscribes meanwhile waits for the next look: what an earlier one saw may lie before their cursor.
        """
        wants = frozenset(lane.source for lane in self._lanes.values() if lane.subscriptions)
        if "stored" in wants:
            stamp = _stamp(self._sources)
            if stamp != self._stamp:
                self.published = Published.read(self._sources.data)
                self._stamp = self.states["stored"] = stamp
        if "decided" in wants:
            self.states["decided"] = self._sources.control().version()
        return wants


class _Lane:
    """The questions of one channel, one after the other."""

    def __init__(self, hub: Hub, name: Name) -> None:
        self.name: Final = name
        self.source: Final = CHANNELS[name].source
        self.subscriptions: set[Subscription] = set()
        self.arrived = Arrived(hub._sources.data)  # noqa: SLF001 (one page)
        self._hub = hub
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=f"live {name}")
        self._running: asyncio.Task[None] | None = None
        self._again = False

    @property
    def is_due(self) -> bool:
        """Whether there may be news for some of them."""
        state = self._state()
        return any(one.seen is None or one.seen != state for one in self.subscriptions)

    def kick(self) -> None:
        """Asks for those that are due."""
        self._again = True
        if self._running is None or self._running.done():
            self._running = asyncio.create_task(self._run())

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        while self._again and self.subscriptions:
            self._again = False
            began = loop.time()
            told: set[Subscription] = set()
            while (one := self._next(told)) is not None:
                told.add(one)
                told |= await self._ask(one)
            took_s = loop.time() - began
            await asyncio.sleep(max(took_s, min(_REST * took_s, _LONGEST_REST_S)))

    def _state(self) -> object:
        return self._hub.states.get(self.source, "nothing yet")

    def _next(self, told: set[Subscription]) -> Subscription | None:
        """One that was not told of the newest state, nor of another one in this round."""
        state = self._state()
        due = (one for one in self.subscriptions if one.seen is None or one.seen != state)
        return next((one for one in due if one not in told), None)

    async def _ask(self, one: Subscription) -> set[Subscription]:
        """Asks what `one` does, and tells all who ask the same."""
        loop = asyncio.get_running_loop()
        state, key = self._state(), one.key
        late = loop.call_later(LONGEST_S, self.arrived.interrupt)
        try:
            body, cursor = await loop.run_in_executor(self._thread, self._hub.ask, self, one)
        except Exception as error:  # noqa: BLE001 (the others go on)
            if not isinstance(error, AxError):
                _log.error("the channel %s failed", self.name, exc_info=error)
            for each in [each for each in self.subscriptions if each.key == key]:
                self._hub.refuse(error, each)
            return set()
        finally:
            late.cancel()
        texts: dict[str, str] = {}
        told = {each for each in self.subscriptions if each.key == key}
        for each in told:
            if each.resumes:
                if body.op == "change":
                    each.client.put(words.said("resumed", id=each.id))
                each.resumes = False
            each.seen, each.cursor = state, cursor
            is_news = body.op == "snapshot" or (not body.is_empty and body.mark != each.last)
            if is_news:
                each.last = body.mark
                if each.id not in texts:
                    texts[each.id] = words.addressed(body, each.id)
                each.client.put(texts[each.id])
        return told


def _stamp(sources: Sources) -> object:
    """Another one after each publication."""
    try:
        found = (sources.data / MANIFEST).stat()
    except FileNotFoundError:
        return "nothing yet"
    return found.st_ino, found.st_mtime_ns
