"""Budgets: stopped before the next call, by the calendar of a time zone, with a clock that the test turns."""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest
from opentelemetry.context import attach, detach
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider

from otel_ax import semconv
from otel_ax.budget import Budget, Budgets, budget, budgets_around, check, spend
from otel_ax.context import Scope, entered
from otel_ax.errors import BadSettings, BudgetExceeded
from otel_ax.ledger import Ledger

NOON = datetime(2026, 11, 18, 12, 0, tzinfo=UTC)  # a Wednesday


class World:
    """A clock, budgets and a tracer whose ended spans the ledger is told of, as the pipeline does."""

    def __init__(self, now: datetime = NOON) -> None:
        self.now_ns = int(now.timestamp()) * 10**9
        self.budgets = Budgets(Ledger(lambda: self.now_ns, most_unsettled=100))
        provider = TracerProvider()
        provider.add_span_processor(_Told(self.budgets.ledger))
        self.tracer = provider.get_tracer("t")

    def pass_s(self, seconds: float) -> None:
        self.now_ns += int(seconds * 10**9)

    def call(self, usd: float = 1.0, **labels: str) -> None:
        """A call that costs `usd`: gpt-4o at $2.50 for a million tokens."""
        attributes = {
            semconv.OPERATION_NAME: "chat",
            semconv.PROVIDER_NAME: "openai",
            semconv.REQUEST_MODEL: "gpt-4o",
            semconv.RESPONSE_MODEL: "gpt-4o-2024-08-06",
            semconv.INPUT_TOKENS: round(usd * 400_000),
            **{NAMES.get(name, name): value for name, value in labels.items()},
        }
        span = self.tracer.start_span("chat", attributes=attributes, start_time=self.now_ns)
        span.end(self.now_ns)

    @contextmanager
    def budget(self, name: str, **parts: object) -> Iterator[Budget]:
        with budget(name, budgets=self.budgets, **parts) as made:  # type: ignore[arg-type]
            yield made

    def check(self, **labels: str) -> None:
        check(budgets=self.budgets, **labels)


NAMES = {"tenant": semconv.TENANT_ID, "user": semconv.USER_ID, "agent": semconv.AGENT_NAME,
         "workflow": semconv.WORKFLOW_NAME, "session": semconv.CONVERSATION_ID, "model": semconv.RESPONSE_MODEL,
         "provider": semconv.PROVIDER_NAME}  # fmt: skip


class _Told(SpanProcessor):
    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def on_end(self, span: ReadableSpan) -> None:
        self._ledger.spent(span, budgets_around())


def test_the_call_after_the_last_dollar_is_stopped_before_it_is_made() -> None:
    world = World()
    made = 0

    def run_away() -> None:
        nonlocal made
        with world.budget("research-agent", usd=5, per="day"):
            for _ in range(100):
                world.check()
                world.call(1.0)
                made += 1

    with pytest.raises(BudgetExceeded) as told:
        run_away()
    assert made == 5
    assert (told.value.budget, told.value.spent_usd, told.value.limit_usd, told.value.per) == (
        "research-agent",
        5.0,
        5.0,
        "day",
    )


def test_exactly_the_amount_is_all_of_it_and_a_nano_dollar_less_is_not() -> None:
    world = World()
    with world.budget("b", usd="1.000000001"):
        world.call(1.0)
        world.check()
    with pytest.raises(BudgetExceeded), world.budget("b", usd="1.000000000"):
        pass


def test_entering_a_block_again_in_the_same_period_goes_on_where_it_was() -> None:
    world = World()
    with world.budget("b", usd=2):
        world.call(2.0)
    with pytest.raises(BudgetExceeded), world.budget("b", usd=2):
        pytest.fail("nothing is left")
    world.pass_s(12 * 3600)
    with world.budget("b", usd=2):
        world.check()


def test_a_budget_without_a_scope_counts_what_is_made_within_and_nothing_else() -> None:
    world = World()
    world.call(9.0)
    with world.budget("b", usd=2):
        world.call(1.0)
        world.check()
    world.call(9.0)
    world.check()
    with world.budget("other", usd=2), world.budget("b", usd=2):
        world.check()


@contextmanager
def within(scope: Scope) -> Iterator[None]:
    token = attach(entered(scope))
    yield
    detach(token)


SCOPES = {"tenant": "acme", "user": "u1", "agent": "a1", "workflow": "w1", "session": "s1", "provider": "openai",
          "model": "gpt-4o"}  # fmt: skip


@pytest.mark.parametrize("scope", SCOPES)
def test_a_budget_with_a_scope_counts_all_calls_in_it_wherever_they_are_made(scope: str) -> None:
    world = World()
    value = SCOPES[scope]
    other = {"provider": "azure.ai.openai", "model": "gpt-4o-mini"}.get(scope, "another")
    world.budgets.add(Budget("b", 3, **{scope: value}))
    more = {} if scope == "model" else {scope: value}
    for _ in range(3):
        world.call(1.0, **more)
    if scope != "model":
        world.call(1.0, **{scope: other})
    labels = {scope: value} if scope in {"provider", "model", "agent"} else {}
    part = {"session": "conversation"}.get(scope, scope)
    is_spent = pytest.raises(BudgetExceeded, match=r"\$3\.0000 of \$3\.00")
    with within(Scope() if labels else Scope(**{part: value})), is_spent:
        world.check(**labels)
    with within(Scope() if labels else Scope(**{part: other})):
        world.check(**{scope: other} if labels else {})


def test_a_model_is_meant_by_its_name_in_the_request_or_in_the_answer() -> None:
    for name in ("gpt-4o", "gpt-4o-2024-08-06"):
        world = World()
        world.budgets.add(Budget("b", 1, model=name))
        world.call(1.0)
        assert world.budgets.ledger.spend(0, {"model": name}).nanos == 10**9


def test_a_configured_budget_without_a_scope_counts_the_whole_process() -> None:
    world = World()
    world.call(1.0)
    world.budgets.add(Budget("all", 2))
    world.call(1.0, tenant="acme")
    with pytest.raises(BudgetExceeded):
        world.check()


def test_warn_tells_once_a_period_and_lets_calls_pass(caplog: pytest.LogCaptureFixture) -> None:
    world = World()
    world.budgets.add(Budget("warned", 1, action="warn"))
    world.call(1.0)
    for _ in range(3):
        world.check()
    assert caplog.text.count("budget 'warned'") == 1


def test_a_callback_is_called_before_each_call_and_may_stop_it() -> None:
    world = World()
    told: list[BudgetExceeded] = []

    def act(exceeded: BudgetExceeded) -> None:
        told.append(exceeded)
        if len(told) == 2:
            raise exceeded

    world.budgets.add(Budget("b", 1, action=act))
    world.check()
    world.call(1.0)
    world.check()
    with pytest.raises(BudgetExceeded):
        world.check()
    assert [error.spent_usd for error in told] == [1.0, 1.0]


def test_a_wrapper_and_its_call_are_spent_once() -> None:
    world = World()
    attributes = {semconv.OPERATION_NAME: "chat", semconv.PROVIDER_NAME: "openai", semconv.REQUEST_MODEL: "gpt-4o",
                  semconv.INPUT_TOKENS: 400_000}  # fmt: skip
    with world.tracer.start_as_current_span("outer", attributes=attributes):
        world.call(1.0)
    assert spend("1h", budgets=world.budgets).calls == 1


def test_spend_of_the_last_hour_is_by_scope_and_forgets() -> None:
    world = World()
    world.call(1.0, tenant="acme")
    world.call(0.5, tenant="acme", user="u1")
    world.call(0.25, tenant="other", model="unknown-model")
    told = spend("1h", tenant="acme", budgets=world.budgets)
    assert (told.usd, told.calls, told.tokens_input, told.unpriced) == (1.5, 2, 600_000, 0)
    assert spend("1h", budgets=world.budgets).unpriced == 1
    world.pass_s(3661)
    assert spend("1h", tenant="acme", budgets=world.budgets).calls == 0
    assert spend("24h", tenant="acme", budgets=world.budgets).calls == 2
    world.pass_s(25 * 3600)
    world.call(1.0)
    assert spend("24h", budgets=world.budgets).calls == 1


@pytest.mark.parametrize("last", ["", "h", "1", "-1h", "25h", "1w", "1.5h"])
def test_a_time_that_cannot_be_read_says_how_to_write_it(last: str) -> None:
    with pytest.raises(BadSettings, match="1h"):
        spend(last)


def test_many_threads_lose_nothing() -> None:
    world = World()
    world.budgets.add(Budget("all", 1000))

    def work() -> None:
        for _ in range(100):
            world.call(0.01)
            world.check()

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    told = spend("1h", budgets=world.budgets)
    assert (told.calls, told.nanos) == (800, 8 * 10**9)


def test_without_anybody_asking_memory_stays_bounded_and_no_money_is_lost() -> None:
    world = World()
    for _ in range(500):
        world.call(0.0001)
        assert len(world.budgets.ledger._unsettled) <= 101  # noqa: SLF001
    assert spend("1h", budgets=world.budgets).calls == 500


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_fork_while_the_ledger_is_held_does_not_hang_the_child() -> None:
    world = World()
    world.budgets.add(Budget("b", 1))
    held, go_on = threading.Event(), threading.Event()

    def hold() -> None:
        with world.budgets.ledger.lock:
            held.set()
            go_on.wait(30)

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait(30)
    child = os.fork()
    if child == 0:
        signal.alarm(20)  # what hangs dies, and the test fails
        world.call(1.0)
        try:
            world.check()
        except BudgetExceeded:
            os._exit(7)
        os._exit(0)
    go_on.set()
    thread.join()
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
