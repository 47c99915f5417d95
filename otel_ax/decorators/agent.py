"""An agent that runs in this process: `@agent`, `@agent("researcher")`, or `with agent("researcher") as run:`.

In: a function. Out: a span `invoke_agent {name}`; all calls within carry the agent's name.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, overload

from otel_ax import adapter, guard, semconv
from otel_ax.adapter import Invocation, Untold
from otel_ax.context import current, entered
from otel_ax.decorators.content import inputs, outputs, prompt_among
from otel_ax.decorators.work import Work
from otel_ax.decorators.wrap import F, Maker, is_bare, name_of

__all__ = ["Agent", "AgentRun", "agent"]


class AgentRun(Work):
    """An agent that runs. All its methods may be left out, and none raises."""

    __slots__ = ()

    def __init__(self, invocation: Invocation) -> None:
        super().__init__(invocation)

    @guard.guarded
    def prompt(self, messages: Any) -> None:
        """What it was asked. Recorded only where content is."""
        if self.invocation.should_capture_content:
            self.invocation.input_messages = inputs(messages)  # type: ignore[union-attr]  # never Plain

    @guard.guarded
    def completion(self, messages: Any) -> None:
        """What it answered. Recorded only where content is."""
        if self.invocation.should_capture_content:
            self.invocation.output_messages = outputs(messages)  # type: ignore[union-attr]

    def take(self, result: Any) -> None:
        """What the function gave back, if it is a text."""
        if isinstance(result, str):
            self.completion(result)


class Agent(Maker[AgentRun]):
    """What `agent(...)` gives: a decorator, and a context manager."""

    __slots__ = ("model", "name", "version")

    def __init__(self, name: str | None, model: str | None, version: str | None) -> None:
        super().__init__()
        self.name, self.model, self.version = name, model, version

    def begin(
        self,
        function: Callable[..., Any] | None,
        args: tuple[Any, ...],
        kwargs: Mapping[str, Any],
        *,
        attached: bool,
    ) -> AgentRun:
        """Starts the span, in the agent's name."""
        name = self.name or name_of(function, "agent")
        context = entered(replace(current(), agent=name))
        invocation = adapter.agent(name, self.model, context=context, attached=attached)
        if self.version is not None:
            invocation.attributes[semconv.AGENT_VERSION] = self.version
        run = AgentRun(invocation)
        if function is not None and invocation.should_capture_content:
            run.prompt(prompt_among(args, kwargs))
        return run

    def untold(self, invocation: Untold) -> AgentRun:
        """An agent that tells nothing."""
        return AgentRun(invocation)


@overload
def agent(function: F, /) -> F: ...
@overload
def agent(name: str | None = None, *, model: str | None = None, version: str | None = None) -> Agent: ...
def agent(name: Any = None, *, model: str | None = None, version: str | None = None) -> Any:
    """Marks a function or a block as a run of an agent.

    Args:
        name: The agent's name; else the function's.
        model: The model that it uses, if it is one.
        version: Its version, as `gen_ai.agent.version`.
    """
    if is_bare(name):
        return Agent(None, model, version)(name)
    return Agent(name, model, version)
