"""Budgets that several processes share: the server's sum stops a call here, and a server that fails stops nothing."""

import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from otel_ax.budget import Budget, Budgets, check
from otel_ax.budget_settings import read_budgets
from otel_ax.errors import BadSettings, BudgetExceeded
from otel_ax.ledger import Ledger
from otel_ax.shared import Said, Shared
from tests.running import until

DAY_START = 1_794_268_800 * 10**9  # 2026-11-10 00:00 UTC
NOON = DAY_START + 12 * 3_600 * 10**9
USD = 10**9


@dataclass
class Server:
    """A server's `/api/budgets/NAME`, on a real socket."""

    url: str = ""
    body: bytes = b""
    status: int = 200
    delay_s: float = 0.0
    paths: list[str] = field(default_factory=list)
    tokens: list[str | None] = field(default_factory=list)

    def says(self, usd: float, start_ns: int = DAY_START) -> None:
        self.body = json.dumps({"spent_nanos": round(usd * USD), "period_start_unix_nano": start_ns}).encode()


@contextmanager
def serving() -> Iterator[Server]:
    told = Server()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            told.tokens.append(self.headers.get("Authorization"))
            told.paths.append(self.path)
            time.sleep(told.delay_s)
            self.send_response(told.status)
            self.send_header("Content-Length", str(len(told.body)))
            if told.status == 302:
                self.send_header("Location", told.url)
            self.end_headers()
            self.wfile.write(told.body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        told.url = f"http://127.0.0.1:{server.server_port}"
        yield told
        server.shutdown()


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as told:
        yield told


def budgets(url: str, *, old_s: float = 60.0, limit: float = 10.0, per: str = "day") -> Budgets:
    made = Budgets(Ledger(lambda: NOON), Shared(url, every_s=0.02, timeout_s=0.3, old_s=old_s))
    made.add(Budget("team & co", limit, per, shared=True))  # type: ignore[arg-type]
    return made


def stops(made: Budgets) -> bool:
    try:
        check(provider="openai", budgets=made)
    except BudgetExceeded:
        return True
    return False


def account(made: Budgets) -> object:
    (one,) = made._accounts.values()  # noqa: SLF001 (what a check reads)
    return one


def test_what_others_spent_stops_a_call_here(server: Server) -> None:
    server.says(9.99)
    made = budgets(server.url)
    assert not stops(made)
    until(lambda: len(server.paths) > 1, "the server is asked")
    assert not stops(made)
    assert server.paths[0] == "/api/budgets/team%20%26%20co"
    server.says(10)
    until(lambda: stops(made), "the call is stopped")
    with pytest.raises(BudgetExceeded, match=r"\$10.0000 of \$10.00"):
        check(provider="openai", budgets=made)


@pytest.mark.parametrize(
    ("headers", "token"),
    [
        ("x=1,Authorization=Bearer%20ax_secret", "Bearer ax_secret"),
        ("authorization=Basic%20dTpw", None),
        ("authorization=Bearer sk-of-somebody-else", None),
    ],
)
def test_the_server_is_told_its_own_token_and_nobody_elses(
    server: Server, monkeypatch: pytest.MonkeyPatch, headers: str, token: str | None
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", headers)
    server.says(1)
    assert not stops(budgets(server.url))
    until(lambda: bool(server.tokens), "the server is asked")
    assert server.tokens[0] == token


class Fixed(Shared):
    """Answers that the test makes."""

    answer: Said | None = None

    def said(self, *_: object) -> Said | None:
        return self.answer


def with_answer(own: float, answer: Said | None) -> int:
    made = budgets("http://127.0.0.1:9")
    made.shared = Fixed()
    made.shared.answer = answer
    one = account(made)
    one.nanos = round(own * USD)  # type: ignore[attr-defined]
    spent: int = one.spent(made.shared)  # type: ignore[attr-defined]
    return spent


def test_own_spend_since_the_answer_is_added() -> None:
    assert with_answer(3, Said(5 * USD, DAY_START, own_then=2 * USD, at_s=0)) == 6 * USD
    assert with_answer(3, Said(1 * USD, DAY_START, own_then=3 * USD, at_s=0)) == 3 * USD
    assert with_answer(3, None) == 3 * USD


def test_the_answer_of_another_period_does_not_count(caplog: pytest.LogCaptureFixture) -> None:
    day_before = DAY_START - 24 * 3_600 * 10**9
    assert with_answer(3, Said(99 * USD, day_before, own_then=0, at_s=0)) == 3 * USD
    assert not caplog.records
    assert with_answer(3, Said(99 * USD, DAY_START + 3_600 * 10**9, own_then=0, at_s=0)) == 3 * USD
    assert "has another period at the server" in caplog.text


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (404, b"{}"),
        (500, b""),
        (302, b""),
        (200, b"not json"),
        (200, b"[]"),
        (200, b'{"spent_nanos": null, "period_start_unix_nano": 1}'),
        (200, b" " * 100_000),
    ],
)
def test_a_bad_answer_stops_nothing(server: Server, status: int, body: bytes) -> None:
    server.status, server.body = status, body
    made = budgets(server.url)
    assert not stops(made)
    until(lambda: len(server.paths) > 1, "the server is asked again")
    assert not stops(made)
    server.status = 200
    server.says(11)
    until(lambda: stops(made), "it is believed once it answers")


def test_no_server_and_one_that_hangs_cost_the_caller_nothing(server: Server) -> None:
    server.says(11)
    server.delay_s = 5
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        nobody = f"http://127.0.0.1:{closed.getsockname()[1]}"
    for url in (server.url, nobody):
        made = budgets(url)
        slowest = 0.0
        for _ in range(20):
            begun = time.thread_time()
            assert not stops(made)
            slowest = max(slowest, time.thread_time() - begun)
            time.sleep(0.005)
        assert slowest < 0.25  # its own processor time: it waits for nobody


def test_an_old_answer_is_none(server: Server) -> None:
    server.says(11)
    now = [0.0]
    shared = Shared(server.url, every_s=0.02, timeout_s=0.3, old_s=60, clock=lambda: now[0])
    until(lambda: shared.said("x", int) is not None, "there is an answer")
    server.status = 500
    asked = len(server.paths)
    until(lambda: len(server.paths) > asked + 1 or shared.said("x", int) is None, "it is asked again")
    now[0] = 61.0
    assert shared.said("x", int) is None


def test_a_budget_that_is_not_shared_asks_nobody(server: Server) -> None:
    before = threading.active_count()
    made = Budgets(Ledger(lambda: NOON), Shared(server.url, every_s=0.02))
    made.add(Budget("alone", 1))
    assert not stops(made)
    assert threading.active_count() == before


def test_it_is_told_by_variable() -> None:
    (one,) = read_budgets("research=5/day,shared=true")
    assert one.shared
    (one,) = read_budgets("research=5/day")
    assert not one.shared
    with pytest.raises(BadSettings, match="write true or false"):
        read_budgets("research=5/day,shared=maybe")
