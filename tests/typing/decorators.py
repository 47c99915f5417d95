"""What a type checker sees: a decorated function has its own signature still. Read by mypy, never run."""

from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from typing import Any, assert_type

import otel_ax
from otel_ax.decorators.agent import AgentRun
from otel_ax.decorators.llm import LLM, LLMCall
from otel_ax.decorators.step import StepRun
from otel_ax.decorators.tool import ToolUse
from otel_ax.decorators.workflow import Run
from otel_ax.voice import voice_call, voice_turn


@otel_ax.llm
def bare(question: str, *, temperature: float = 0.5) -> str:
    return question * round(temperature)


@otel_ax.llm("openai", "gpt-5")
async def later(question: str) -> int:
    return len(question)


@otel_ax.agent("researcher")
def pieces(question: str) -> Iterator[str]:
    yield question


@otel_ax.workflow(name="triage", tenant="acme")
async def async_pieces(question: str) -> AsyncIterator[str]:
    yield question


class Desk:
    @otel_ax.tool
    def search(self, word: str) -> list[str]:
        return [word]

    @otel_ax.step(key="fetch", retries=2)
    async def fetch(self, number: int) -> bytes:
        return bytes(number)

    @classmethod
    @otel_ax.step
    def made(cls) -> "Desk":
        return cls()


assert_type(bare("?", temperature=1.0), str)
coroutine = assert_type(later("?"), Coroutine[Any, Any, int])
assert_type(pieces("?"), Iterator[str])
assert_type(async_pieces("?"), AsyncIterator[str])
assert_type(Desk().search("word"), list[str])
method = assert_type(Desk().fetch(3), Coroutine[Any, Any, bytes])
assert_type(Desk.made(), Desk)
assert_type(otel_ax.tool(len)("abc"), int)
assert_type(otel_ax.llm("openai"), LLM)

no_keyword: Callable[[str], str] = bare

bare(1)  # type: ignore[arg-type]
bare("?", heat=1)  # type: ignore[call-arg]
Desk().search()  # type: ignore[call-arg]
otel_ax.llm("openai", 5)  # type: ignore[call-overload]
otel_ax.step(retries="2")  # type: ignore[call-overload]

with otel_ax.llm("openai", "gpt-5") as call:
    assert_type(call, LLMCall)
    call.usage(input=1, output=2)
    call.usage(inputs=1)  # type: ignore[call-arg]
with otel_ax.agent("a") as agent_run:
    assert_type(agent_run, AgentRun)
with otel_ax.tool("t") as use:
    assert_type(use, ToolUse)
with otel_ax.workflow("w", metadata={"plan": "pro"}) as run:
    assert_type(run, Run)
with otel_ax.step("s") as step_run:
    assert_type(step_run, StepRun)
with otel_ax.using(tenant="acme", metadata={"plan": "pro"}) as scope:
    assert_type(scope.tenant, str | None)
otel_ax.using(tenat="acme")  # type: ignore[call-arg]

with voice_call("c", objective="o") as voice, voice_turn() as turn:
    voice.outcome("booked")
    with turn.llm("openai", "gpt-4o") as model:
        assert_type(model, LLMCall)
