"""What came in since, whatever merges did meanwhile; who is asked how often; who may see what."""

import asyncio
import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.auth import ANYBODY, Caller
from exporter.control import Control
from exporter.live import records, words
from exporter.live.asked import Asked, Cursor, Name, cursor
from exporter.live.client import TRY_AGAIN_LATER, WAITING_BYTES, Client
from exporter.live.hub import Hub, Subscription
from exporter.live.told import Look, Sources, Told
from exporter.query.arrived import Arrived, Published
from exporter.query.views import Views, reading
from exporter.units import NS_PER_S
from tests.exporter.store_tables import NOON, StillClock, append, opened, table


def sources(data: Path, clock: StillClock) -> Sources:
    @contextmanager
    def views(caller: Caller) -> Iterator[Views]:
        del caller
        with reading(data) as found:
            yield found

    def nothing() -> Any:
        raise AssertionError("nobody asks for it")

    return Sources(data, clock, "0", views, control=lambda: Control.open(data), health=nothing)


def look(data: Path, asked: Asked, at: Cursor | None, *, tenant: str | None = None) -> Told:
    """What a channel of records tells somebody."""
    caller = Caller("somebody", frozenset({"read"}), tenant)
    ask = {"logs": records.logs, "traces": records.traces}[asked.channel]
    arrived = Arrived(data)
    return ask(Look(sources(data, StillClock(NOON + 60 * NS_PER_S)), Published.read(data), arrived, asked, caller, at))


def rows(name: str, first: int, count: int) -> Any:
    """Rows of a second after noon each, in the order in which they came."""
    times = [NOON + (first + i) * NS_PER_S // 1_000 for i in range(count)]
    bodies = {"body": [f"line {first + i}" for i in range(count)]} if name == "logs" else {"name": "work"}
    return table(name, times, **bodies)


@settings(max_examples=6)
@given(
    st.lists(
        st.one_of(st.integers(1, 5).map(lambda count: ("append", count)), st.sampled_from([("merge", 0), ("look", 0)])),
        min_size=1,
        max_size=25,
    )
)
def test_however_appends_merges_and_looks_follow_each_other_all_is_told_once(steps: list[tuple[str, int]]) -> None:
    with TemporaryDirectory() as folder:
        data, clock = Path(folder) / "data", StillClock()
        store = opened(data, clock, flush_rows=1)
        asked = Asked("logs", limit=1_000)
        told = look(data, asked, None)
        seen: Counter[str] = Counter(one.body for one in told.items)  # type: ignore[attr-defined]
        count = 0
        for step, many in [*steps, ("look", 0)]:
            if step == "append":
                append(store, rows("logs", count, many), "logs")
                count += many
            elif step == "merge":
                clock.now += 20 * NS_PER_S
                store.maintain(clock.now)
            else:
                told = look(data, asked, told.cursor)
                assert not told.is_anew
                seen.update(one.body for one in told.items)  # type: ignore[attr-defined]
        store.close()
    assert seen == Counter(f"line {i}" for i in range(count))


def test_what_a_merge_has_put_together_is_taken_apart_again(tmp_path: Path) -> None:
    store = opened(tmp_path, StillClock())
    for number in range(4):
        append(store, rows("logs", number, 1), "logs")
    half_way = look(tmp_path, Asked("logs"), None).cursor
    for number in range(4, 16):
        append(store, rows("logs", number, 1), "logs")
    store.maintain(NOON + 60 * NS_PER_S)
    assert any(not one.is_fresh for one in Published.read(tmp_path).of("logs", None)), "it was merged"
    told = look(tmp_path, Asked("logs"), half_way)
    assert [one.body for one in told.items] == [f"line {i}" for i in reversed(range(4, 16))]  # type: ignore[attr-defined]
    store.close()


@pytest.mark.parametrize("channel", ["logs", "traces"])
def test_a_tenant_is_told_of_its_own(tmp_path: Path, channel: Name) -> None:
    data = tmp_path / "tenant=a" / "data"  # a path that looks like a tenant's
    name = {"logs": "logs", "traces": "spans"}[channel]
    store = opened(data, StillClock())
    append(store, rows(name, 0, 2), name, tenant="a")
    append(store, rows(name, 2, 3), name, tenant="b")
    counted = {tenant: look(data, Asked(channel), None, tenant=tenant) for tenant in ("a", "b", "c", None)}
    assert {tenant: len(told.items) for tenant, told in counted.items()} == {"a": 2, "b": 3, "c": 0, None: 5}
    append(store, rows(name, 5, 1), name, tenant="b")
    since = {tenant: look(data, Asked(channel), told.cursor, tenant=tenant) for tenant, told in counted.items()}
    assert {tenant: len(told.items) for tenant, told in since.items()} == {"a": 0, "b": 1, "c": 0, None: 1}
    store.close()


def test_cursors_are_text_and_only_ours() -> None:
    assert cursor(str(Cursor(2**47, 1_795_311_682_561_278))) == Cursor(2**47, 1_795_311_682_561_278)


def test_a_message_is_cut_where_it_is_too_long() -> None:
    body = words.body(Told([{"body": "x" * 100_000, "number": i} for i in range(9)], Cursor(1), left_out=3))
    said = json.loads(words.addressed(body, 'a"b'))
    assert said["id"] == 'a"b'
    assert [one["number"] for one in said["items"]] == [0, 1]
    assert said["left_out"] == 3 + 7


def test_half_characters_and_infinities_are_said_all_the_same() -> None:
    said = json.loads(words.addressed(words.body(Told([{"by": "\ud800", "value": float("inf")}], Cursor())), "x"))
    assert said["items"] == [{"by": "\ud800", "value": None}]


class _Wire:
    """What `Client` needs of a WebSocket; one that is `stuck` never takes anything."""

    def __init__(self, *, stuck: bool = False) -> None:
        self.scope: dict[str, Any] = {}
        self.sent: list[dict[str, Any]] = []
        self.closed: int | None = None
        self._stuck = stuck

    async def send_text(self, text: str) -> None:
        if self._stuck:
            await asyncio.Event().wait()
        self.sent.append(json.loads(text))

    async def close(self, code: int, reason: str) -> None:
        assert reason
        self.closed = code


class _Counting(Hub):
    """Counts the questions that are asked."""

    questions = 0

    def ask(self, lane: Any, one: Subscription) -> tuple[words.Body, Cursor]:
        self.questions += 1
        return super().ask(lane, one)


async def _until(holds: Any) -> None:
    async with asyncio.timeout(20):
        while not holds():  # noqa: ASYNC110 (what is waited for is in another thread)
            await asyncio.sleep(0.02)


def test_who_asks_the_same_is_told_by_one_question(tmp_path: Path) -> None:
    store = opened(tmp_path, StillClock())
    wires = [_Wire() for _ in range(12)]

    async def listen() -> tuple[int, int]:
        hub = _Counting(sources(tmp_path, StillClock(NOON + 60 * NS_PER_S)), lambda error: {"title": str(error)})
        clients = [Client(wire, ANYBODY) for wire in wires]  # type: ignore[arg-type]
        for client in clients:
            hub.join(client)
            hub.subscribe(client, "x", Asked("logs"), None)
        running = [asyncio.create_task(one.run(asyncio.create_task(asyncio.Event().wait()))) for one in clients]  # type: ignore[arg-type]
        await _until(lambda: all(len(wire.sent) == 2 for wire in wires))
        first = hub.questions
        append(store, rows("logs", 0, 3), "logs")
        await _until(lambda: all(len(wire.sent) == 3 for wire in wires))
        second = hub.questions
        for client in clients:
            client.leave(1001, "the end")
            hub.leave(client)
        await asyncio.gather(*running)
        return first, second - first

    assert asyncio.run(listen()) == (1, 1)
    store.close()
    assert {len(wire.sent[2]["items"]) for wire in wires} == {3}
    assert {wire.closed for wire in wires} == {1001}


def test_who_does_not_read_is_dropped_with_a_word() -> None:
    wire = _Wire(stuck=True)

    async def fill() -> int:
        client = Client(wire, ANYBODY)  # type: ignore[arg-type]
        running = asyncio.create_task(client.run(asyncio.create_task(asyncio.Event().wait())))  # type: ignore[arg-type]
        count = 0
        while not client.is_leaving:
            client.put("x" * 100_000)
            count += 1
            await asyncio.sleep(0)
        await running
        return count

    assert asyncio.run(fill()) * 100_000 <= WAITING_BYTES + 300_000
    assert wire.closed == TRY_AGAIN_LATER
