"""A tool that an agent uses: `@tool`, `@tool("search")`, or `with tool("search") as use:`.

In: a function. Out: a span `execute_tool {name}`; its arguments and result only where content is recorded.
"""

from collections.abc import Callable, Mapping
from typing import Any, overload

from otel_ax import adapter, guard
from otel_ax.adapter import Invocation, Untold
from otel_ax.context import current
from otel_ax.decorators.content import arguments_of
from otel_ax.decorators.work import Work
from otel_ax.decorators.wrap import F, Maker, is_bare, name_of

__all__ = ["Tool", "ToolUse", "tool"]


class ToolUse(Work):
    """A tool that runs. All its methods may be left out, and none raises."""

    __slots__ = ()

    def __init__(self, invocation: Invocation) -> None:
        super().__init__(invocation)

    @guard.guarded
    def call_id(self, call_id: str) -> None:
        """The id by which the model asked for it."""
        self.invocation.tool_call_id = call_id  # type: ignore[union-attr]  # never Plain

    @guard.guarded
    def arguments(self, arguments: Any) -> None:
        """What it was asked with. Recorded only where content is."""
        if self.invocation.should_capture_content:
            self.invocation.arguments = arguments  # type: ignore[union-attr]

    @guard.guarded
    def result(self, result: Any) -> None:
        """What it gave back. Recorded only where content is."""
        if self.invocation.should_capture_content:
            self.invocation.tool_result = result  # type: ignore[union-attr]

    def take(self, result: Any) -> None:
        """What the function gave back."""
        self.result(result)


class Tool(Maker[ToolUse]):
    """What `tool(...)` gives: a decorator, and a context manager."""

    __slots__ = ("kind", "name")

    def __init__(self, name: str | None, kind: str | None) -> None:
        super().__init__()
        self.name, self.kind = name, kind

    def begin(
        self,
        function: Callable[..., Any] | None,
        args: tuple[Any, ...],
        kwargs: Mapping[str, Any],
        *,
        attached: bool,
    ) -> ToolUse:
        """Starts the span."""
        name = self.name or name_of(function, "tool")
        invocation = adapter.tool(name, self.kind, current().agent, attached=attached)
        use = ToolUse(invocation)
        if function is not None and invocation.should_capture_content:
            use.arguments(arguments_of(function, args, kwargs))
        return use

    def untold(self, invocation: Untold) -> ToolUse:
        """A tool that tells nothing."""
        return ToolUse(invocation)


@overload
def tool(function: F, /) -> F: ...
@overload
def tool(name: str | None = None, *, kind: str | None = "function") -> Tool: ...
def tool(name: Any = None, *, kind: str | None = "function") -> Any:
    """Marks a function or a block as a tool.

    Args:
        name: The tool's name; else the function's.
        kind: function, extension or datastore, as `gen_ai.tool.type`.
    """
    if is_bare(name):
        return Tool(None, kind)(name)
    return Tool(name, kind)
