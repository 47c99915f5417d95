"""`/api/live` over a real server: what there is, then what changes; who may listen, and who is let go."""

import asyncio
import socket
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from random import Random
from threading import Thread
from typing import Any
from uuid import uuid4

import httpx
import pytest
from websockets.asyncio.client import connect as connecting
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from exporter.alert import saved
from exporter.alert.shapes import Change
from exporter.clock import SystemClock
from exporter.control import Control
from exporter.health import Component, events
from exporter.live.hub import MOST_CLIENTS, MOST_SUBSCRIPTIONS
from otel_ax import semconv
from tests.listening import Ear, address, listening, log_of, send, span_of
from tests.otlp import Plain
from tests.running import Server, running, until

CHAT = {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "openai",
    "gen_ai.request.model": "gpt-4o-mini",
    "gen_ai.usage.input_tokens": 1000,
    "gen_ai.usage.output_tokens": 100,
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One for all tests, which keep apart by the names of their services."""
    with running(tmp_path_factory.mktemp("live") / "data", environ={"AX_RATE_REQUESTS": "1000"}) as one:
        yield one


@pytest.fixture
def service() -> str:
    """A name that no other test has."""
    return f"s{uuid4().hex}"


def only(service: str) -> str:
    return f'service = "{service}"'


# ── Channels: what there is, then what changes ────────────────────────────────────────────────────────────────────


def test_logs_are_there_and_then_come(server: Server, service: str) -> None:
    send(server, log_of("before", service=service))
    until(lambda: server.sql("SELECT 1 FROM logs WHERE service_name = ?", service) != [], "it is stored")
    with listening(server) as ear:
        snapshot = ear.subscribe("logs", filter=only(service))
        assert [one["body"] for one in snapshot["items"]] == ["before"]
        send(server, log_of("one", "two", service=service))
        change = ear.hear("change")
    assert [one["body"] for one in change["items"]] == ["two", "one"]
    assert change["left_out"] == 0


def test_traces_come_again_with_all_of_their_spans(server: Server, service: str) -> None:
    trace = uuid4().int
    with listening(server) as ear:
        assert ear.subscribe("traces", filter=only(service))["items"] == []
        send(server, span_of(trace, 2, parent=1, service=service))
        first = ear.hear("change")["items"]
        send(server, span_of(trace, 1, service=service))
        second = ear.hear("change")["items"]
    assert [(one["spans"], one["has_root"]) for one in first] == [(1, False)]
    assert [(one["spans"], one["has_root"], one["root_name"]) for one in second] == [(2, True, "span 1")]
    assert first[0]["trace_id"] == second[0]["trace_id"] == f"{trace:032x}"


def test_workflows_are_told_when_a_run_changes(server: Server, service: str) -> None:
    run = uuid4().hex
    of_run: dict[str, Plain] = {"gen_ai.workflow.name": "trip", semconv.WORKFLOW_RUN_ID: run}
    trace = uuid4().int
    with listening(server) as ear:
        ear.subscribe("workflows", filter=only(service))
        step: dict[str, Plain] = {**of_run, semconv.KIND: "step", semconv.STEP_KEY: "plan"}
        send(server, span_of(trace, 2, parent=1, service=service, attributes=step))
        started = ear.hear("change")["items"]
        send(
            server,
            span_of(trace, 1, service=service, attributes={**of_run, "gen_ai.operation.name": "invoke_workflow"}),
        )
        ended = ear.hear("change")["items"]
    assert [(one["run_id"], one["status"]) for one in started] == [(run, "running")]
    assert [(one["run_id"], one["status"], one["steps_total"]) for one in ended] == [(run, "completed", 1)]


def test_metrics_are_buckets_that_replace_those_before(server: Server, service: str) -> None:
    with listening(server) as ear:
        assert ear.subscribe("metrics", filter=only(service))["items"] == []
        ear.subscribe("metrics", "cost", filter=only(service), measure="cost", by=["model"])
        send(server, span_of(uuid4().int, 1, service=service, attributes=CHAT))
        first = ear.hear("change", "metrics")["items"]
        cost = ear.hear("change", "cost")["items"]
        send(server, span_of(uuid4().int, 2, service=service, attributes=CHAT))
        second = ear.hear("change", "metrics")["items"]
    assert sum(one["calls"] for one in first) == 1
    assert cost[0]["labels"] == {"model": "gpt-4o-mini"}
    assert cost[0]["value"] == first[0]["cost_nanos"] > 0
    buckets = {one["bucket_ns"]: one["calls"] for one in [*first, *second]}
    assert sum(buckets.values()) == 2, "a minute may have passed between the two"


def test_alerts_are_told_once_each(server: Server) -> None:
    episode = uuid4().hex
    with listening(server) as ear:
        ear.subscribe("alerts", rule="t/Slow")
        _alert(server, episode, "firing")
        fired = ear.hear("change")
        _alert(server, episode, "resolved")
        resolved = ear.hear("change")
    assert [(one["to_state"], one["alert"]["state"]) for one in fired["items"]] == [("firing", "firing")]
    assert [(one["to_state"], one["alert"]["episode"]) for one in resolved["items"]] == [("resolved", episode)]


def _alert(server: Server, episode: str, transition: Any) -> None:
    control = Control.open(server.data)
    is_over = transition == "resolved"
    change = Change(
        rule_id="t/Slow",
        rule="Slow",
        fingerprint="f",
        episode=episode,
        tenant_id="default",
        transition=transition,
        at=SystemClock().wall(),
        from_state="firing" if is_over else "inactive",
        to_state="inactive" if is_over else "firing",
        severity="warning",
        value=2.0,
        threshold=1.0,
        labels=(("model", "m"),),
    )
    with control.writing() as connection:
        saved.record(connection, [change])
    control.close()


def test_health_is_told_as_components_and_then_as_events(server: Server) -> None:
    with listening(server) as ear:
        snapshot = ear.subscribe("health")
        assert {"receive", "write"} <= {one["component"] for one in snapshot["items"]}
        control = Control.open(server.data)
        with control.writing() as connection:
            rows = connection.execute("SELECT component, state FROM health_components").fetchall()
            now = {name: Component(state=state, detail="") for name, state in rows}
            events.record(
                connection, now | {"toaster": Component(state="degraded", detail="burnt")}, SystemClock().wall()
            )
        control.close()
        change = ear.hear("change")
    assert [(one["component"], one["to_state"]) for one in change["items"]] == [("toaster", "degraded")]


# ── What is asked for ─────────────────────────────────────────────────────────────────────────────────────────────


def test_each_subscription_is_told_what_it_asked_for(server: Server, service: str) -> None:
    with listening(server) as ear:
        ear.subscribe("logs", "errors", filter=f"{only(service)} and severity >= 17")
        ear.subscribe("logs", "coffee", filter=only(service), search="coffee -decaf")
        send(server, log_of("decaf coffee", "tea", service=service))
        send(server, log_of("hot coffee", service=service, level=17))
        heard = [ear.hear("change") for _ in range(2)]
    assert {one["id"]: [item["body"] for item in one["items"]] for one in heard} == {
        "errors": ["hot coffee"],
        "coffee": ["hot coffee"],
    }


def test_what_is_too_much_is_counted(server: Server, service: str) -> None:
    with listening(server) as ear:
        ear.subscribe("logs", filter=only(service), limit=2)
        send(server, log_of(*(f"line {i}" for i in range(7)), service=service))
        change = ear.hear("change")
    assert [one["body"] for one in change["items"]] == ["line 6", "line 5"]
    assert change["left_out"] == 5


def test_what_is_wrong_ends_the_one_subscription(server: Server, service: str) -> None:
    with listening(server) as ear:
        ear.subscribe("logs", "good", filter=only(service))
        ear.say(op="subscribe", id="bad", channel="logs", filter="nope = 1")
        problem = ear.hear("problem", "bad")
        assert (problem["status"], problem["field"]) == (400, "filter")
        send(server, log_of("on it goes", service=service))
        assert ear.hear("change")["id"] == "good"


@pytest.mark.parametrize(
    "message",
    [
        "no json",
        "[]",
        '{"op":"dance"}',
        '{"op":"subscribe","id":"x"}',
        '{"op":"subscribe","id":"x","channel":"secrets"}',
        '{"op":"subscribe","id":"x","channel":"logs","limit":100000}',
        '{"op":"subscribe","id":"x","channel":"logs","limit":"5"}',
        '{"op":"subscribe","id":"x","channel":"logs","range":"5 parsecs"}',
        '{"op":"subscribe","id":"x","channel":"logs","range":"90d"}',
        '{"op":"subscribe","id":"x","channel":"logs","resume":"yesterday"}',
        '{"op":"subscribe","id":"x","channel":"logs","measure":"cost"}',
        '{"op":"subscribe","id":"x","channel":"logs","filter":"(((("}',
        '{"op":"subscribe","id":"x","channel":"alerts","filter":"a = 1"}',
        '{"op":"subscribe","id":"x","channel":"metrics","measure":"beauty"}',
        '{"op":"subscribe","id":"x","channel":"metrics","step":"1s"}',
        '{"op":"subscribe","id":"x","channel":"metrics","by":["shoe_size"]}',
        '{"op":"unsubscribe","id":"x"}',
        b"\x00\x01",
    ],
)
def test_a_message_that_makes_no_sense_is_a_problem_and_no_more(server: Server, message: str | bytes) -> None:
    with listening(server) as ear:
        ear.socket.send(message)
        problem = ear.hear("problem")
        assert problem["status"] == 400
        assert problem["title"]
        assert problem["mend"]
        ear.say(op="ping")
        ear.hear("pong")


def test_who_says_only_nonsense_is_let_go(server: Server) -> None:
    with listening(server) as ear:
        for _ in range(20):
            ear.socket.send("nonsense")
        code, said = ear.closed()
    assert code == 1008
    assert len(said) <= 20


def test_a_message_has_a_size(server: Server) -> None:
    with listening(server) as ear:
        ear.socket.send("x" * (64 * 1024 + 1))
        assert ear.closed() == (1009, [])


def test_an_id_stands_for_one_subscription_and_there_are_so_many(server: Server, service: str) -> None:
    with listening(server) as ear:
        for number in range(MOST_SUBSCRIPTIONS):
            ear.say(op="subscribe", id=str(number), channel="logs", filter=only(service))
        ear.say(op="subscribe", id="0", channel="logs")
        assert "in use" in ear.hear("problem", "0")["title"]
        ear.say(op="subscribe", id="more", channel="logs")
        assert str(MOST_SUBSCRIPTIONS) in ear.hear("problem", "more")["title"]
        ear.say(op="unsubscribe", id="0")
        ear.subscribe("logs", "more", filter=only(service))


def test_who_unsubscribes_hears_no_more(server: Server, service: str) -> None:
    with listening(server) as ear, listening(server) as other:
        for each in (ear, other):
            each.subscribe("logs", filter=only(service))
        ear.say(op="unsubscribe", id="logs")
        ear.say(op="ping")
        ear.hear("pong")
        send(server, log_of("x", service=service))
        other.hear("change")
        assert ear.changes(0.5) == []


# ── Going on after a break ────────────────────────────────────────────────────────────────────────────────────────


def test_whenever_connections_break_all_is_seen_and_nothing_twice(server: Server, service: str) -> None:
    rng, sent = Random(7), [f"{service} {number}" for number in range(120)]
    asked: dict[str, Any] = {"filter": only(service), "limit": 1_000}
    with listening(server) as ear:
        cursor = ear.subscribe("logs", **asked)["cursor"]

    def write() -> None:
        for first in range(0, len(sent), 3):
            send(server, log_of(*sent[first : first + 3], service=service))
            time.sleep(rng.random() / 20)

    writing = Thread(target=write)
    writing.start()
    seen: Counter[str] = Counter()
    deadline = time.monotonic() + 60
    while seen.total() < len(sent) and time.monotonic() < deadline:
        with suppress(ConnectionClosed, TimeoutError), listening(server) as ear:
            ear.say(op="subscribe", id="x", channel="logs", resume=cursor, **asked)
            ear.hear("resumed")
            for _ in range(rng.randrange(4)):
                change = ear.hear("change", seconds=2)
                seen.update(one["body"] for one in change["items"])
                cursor = change["cursor"]
            if rng.random() < 0.7:
                ear.socket.socket.shutdown(socket.SHUT_RDWR)  # a cable that breaks says nothing
    writing.join()
    assert seen == Counter(sent)


@pytest.mark.slow
def test_a_stop_says_so_and_the_next_server_goes_on(tmp_path: Path) -> None:
    with running(tmp_path / "data") as first, listening(first) as ear:
        ear.subscribe("logs")
        send(first, log_of("one"))
        cursor = ear.hear("change")["cursor"]
        send(first, log_of("two"))  # acknowledged; whether it is told in time nobody knows
        assert first.stop() == 0
        code, said = ear.closed()
    assert code == 1001
    changes = [one for one in said if one["op"] == "change"]
    cursor = changes[-1]["cursor"] if changes else cursor
    told = [item["body"] for one in changes for item in one["items"]]
    with running(tmp_path / "data") as second, listening(second) as ear:
        ear.say(op="subscribe", id="logs", channel="logs", resume=cursor)
        ear.hear("resumed")
        send(second, log_of("three"))
        seen: list[str] = []
        while "three" not in seen:
            seen += [one["body"] for one in ear.hear("change")["items"][::-1]]
    assert [*told, *(one for one in seen if one in {"one", "two", "three"})] == ["two", "three"]


def test_a_cursor_of_another_life_begins_anew(server: Server, service: str) -> None:
    with listening(server) as ear:
        assert ear.subscribe("logs", filter=only(service), resume="fffffffffffff.0")["items"] == []
        assert ear.subscribe("alerts", resume="ffffffff.0")["op"] == "snapshot"


# ── Who may listen ────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("origin", ["https://evil.example", "http://localhost", "null"])
def test_a_page_of_another_site_is_not_let_in(server: Server, origin: Any) -> None:
    with pytest.raises(InvalidStatus) as refused, connect(address(server), origin=origin):
        pass
    assert refused.value.response.status_code == 403


def test_a_page_of_ours_is_let_in(server: Server) -> None:
    own: Any = server.ui
    with listening(server, origin=own) as ear:
        ear.subscribe("health")


def test_who_asks_without_a_websocket_is_told_how(server: Server) -> None:
    answer = httpx.get(f"{server.ui}/api/live")
    assert answer.status_code == 426
    assert answer.headers["upgrade"] == "websocket"
    assert "subscribe" in answer.json()["mend"]


def test_one_client_too_many_is_refused(server: Server) -> None:
    async def crowd() -> int:
        everybody = [await connecting(address(server)) for _ in range(MOST_CLIENTS)]
        try:
            with pytest.raises(InvalidStatus) as refused:
                await connecting(address(server))
            return refused.value.response.status_code
        finally:
            for one in everybody:
                await one.close()

    assert asyncio.run(crowd()) == 429
    until(lambda: _is_let_in(server), "there is room again")


def _is_let_in(server: Server) -> bool:
    try:
        with listening(server):
            return True
    except InvalidStatus:
        return False


@pytest.mark.slow
def test_who_does_not_read_is_dropped_and_the_others_go_on(server: Server, service: str) -> None:
    deaf = socket.create_connection(("127.0.0.1", int(server.ui.rpartition(":")[2])))
    deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    with ExitStack() as stack:
        ear = stack.enter_context(listening(server))
        slow = Ear(stack.enter_context(connect(address(server), sock=deaf, max_queue=1, compression=None)))
        for one in (ear, slow):
            one.subscribe("logs", filter=only(service))
        until_ns = time.monotonic() + 30
        rounds = 0
        while time.monotonic() < until_ns and not _has_dropped(server):
            send(server, log_of(*("y" * 2_000 for _ in range(100)), service=service))
            assert ear.hear("change")["items"]
            rounds += 1
        _, said = slow.closed()
    assert len(said) < rounds


def _has_dropped(server: Server) -> bool:
    return "a client that does not read was dropped" in server.log()
