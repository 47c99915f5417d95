"""Whom a call is made for, and where that goes: to all within, to tasks, threads and, by baggage, other services."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

import pytest
from opentelemetry.baggage.propagation import W3CBaggagePropagator
from opentelemetry.context import Context, attach, detach
from opentelemetry.instrumentation.threading import ThreadingInstrumentor
from opentelemetry.util.genai.handler import TelemetryHandler

from otel_ax import context
from otel_ax.context import Scope, current, using
from otel_ax.decorators import agent, step, workflow
from otel_ax.testing import Recorder

BAGGAGE = W3CBaggagePropagator()


def test_what_is_not_given_stays_as_it_is_around() -> None:
    assert current() == Scope()
    with using(tenant="acme", user="u1", metadata={"plan": "pro", "beta": True}):
        with using(user="u2", conversation="c1", metadata={"beta": False}) as scope:
            assert scope == current()
            assert current().attributes() == {
                "ax.tenant.id": "acme",
                "user.id": "u2",
                "gen_ai.conversation.id": "c1",
                "ax.metadata.plan": "pro",
                "ax.metadata.beta": False,
            }
        assert current().attributes() == {
            "ax.tenant.id": "acme",
            "user.id": "u1",
            "ax.metadata.plan": "pro",
            "ax.metadata.beta": True,
        }
    assert current() == Scope()


def test_an_error_within_restores_what_was_around() -> None:
    with pytest.raises(ValueError, match="mine"), using(tenant="acme"):
        raise ValueError("mine")
    assert current() == Scope()


def test_tasks_have_it_each_their_own() -> None:
    async def tell(tenant: str) -> str | None:
        with using(tenant=tenant):
            await asyncio.sleep(0)
            return (await asyncio.create_task(ask())).tenant

    async def ask() -> Scope:
        await asyncio.sleep(0)
        return current()

    async def all_of_them() -> list[str | None]:
        return await asyncio.gather(*(tell(f"t{number}") for number in range(5)))

    assert asyncio.run(all_of_them()) == ["t0", "t1", "t2", "t3", "t4"]


def test_threads_have_it_where_threading_is_instrumented() -> None:
    ThreadingInstrumentor().instrument()
    try:
        with ThreadPoolExecutor(1) as pool, using(tenant="acme"):
            assert pool.submit(current).result().tenant == "acme"
    finally:
        ThreadingInstrumentor().uninstrument()


def _sent() -> dict[str, str]:
    headers: dict[str, str] = {}
    BAGGAGE.inject(headers)
    return headers


def _received(headers: dict[str, str]) -> Scope:
    return current(BAGGAGE.extract(headers, Context()))


def test_ids_but_no_metadata_travel_to_other_services_where_that_is_asked_for() -> None:
    with using(tenant="acme", user="ü 1", conversation="c1", metadata={"secret": "s"}, carry=True):
        got = _received(_sent())
    assert (got.tenant, got.user, got.conversation, dict(got.metadata)) == ("acme", "ü 1", "c1", {})
    with using(tenant="acme"):
        assert _sent() == {}


def test_a_run_within_what_is_carried_is_carried_too() -> None:
    with using(tenant="acme", carry=True), workflow("triage", run_id="r1"):
        got = _received(_sent())
    assert (got.tenant, got.workflow, got.workflow_run) == ("acme", "triage", "r1")


def test_carrying_can_be_the_default_of_the_process() -> None:
    context.set_carry(carry=True)
    try:
        with using(tenant="acme"):
            assert _received(_sent()).tenant == "acme"
    finally:
        context.set_carry(carry=False)


def test_what_came_by_baggage_is_around_what_is_given_here() -> None:
    with using(tenant="acme", carry=True):
        headers = _sent()
    token = attach(BAGGAGE.extract(headers, Context()))
    try:
        with using(user="u1"):
            assert (current().tenant, current().user) == ("acme", "u1")
    finally:
        detach(token)


def test_another_instrumentations_calls_have_the_conversation(otel_ax_recorder: Recorder) -> None:
    with using(conversation="c1"), TelemetryHandler().inference("openai", request_model="gpt-5"):
        pass
    assert otel_ax_recorder.span("chat gpt-5").attributes["gen_ai.conversation.id"] == "c1"


def test_workflow_step_and_agent_are_known_within(otel_ax_recorder: Recorder) -> None:
    del otel_ax_recorder
    with workflow("triage", run_id="r1", tenant="acme", user="u", conversation="c", metadata={"k": 1}):
        with step("fetch"), agent("researcher"):
            within = current()
        after = current()
    assert within.attributes() == {
        "ax.tenant.id": "acme",
        "user.id": "u",
        "gen_ai.conversation.id": "c",
        "gen_ai.workflow.name": "triage",
        "ax.workflow.run.id": "r1",
        "ax.step.key": "fetch",
        "gen_ai.agent.name": "researcher",
        "ax.metadata.k": 1,
    }
    assert (after.step, after.agent) == (None, None)
    assert current() == Scope()
