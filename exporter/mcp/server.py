"""The server that a language model's program starts: MCP over standard input and output.

In: settings, a clock. Out: answers in text until the input ends; standard output has nothing but the protocol.
"""

import logging
from collections.abc import Mapping
from contextlib import closing
from typing import Any, Final

import anyio
from anyio import CapacityLimiter, to_thread
from mcp.server.lowlevel import Server
from mcp.server.stdio import stdio_server
from mcp_types import (
    CallToolRequestParams,
    CallToolResult,
    ListToolsResult,
    PaginatedRequestParams,
    TextContent,
    ToolAnnotations,
)
from mcp_types import Tool as Listed
from pydantic import ValidationError

from exporter.clock import Clock
from exporter.config import Config
from exporter.errors import AxError
from exporter.mcp import text
from exporter.mcp.asking import Asking
from exporter.mcp.tools import INSTRUCTIONS, TOOLS, Tool
from exporter.sandbox import Sandbox

_AT_ONCE: Final = 4
_LONGEST_S: Final = 30.0
_MOST_CHARACTERS: Final = 8_000
"""Of an answer; what its tool bounds is less."""
_LONGEST_ERROR: Final = 600
_READS: Final = ToolAnnotations(read_only_hint=True)
_log: Final = logging.getLogger(__name__)


def serve(config: Config, clock: Clock, version: str) -> None:
    """Answers until standard input ends."""
    with closing(Sandbox()) as sandbox:
        anyio.run(_serve, server(config, clock, version, sandbox))


def server(config: Config, clock: Clock, version: str, sandbox: Sandbox) -> Server[Any]:
    """The server, without what it is connected to."""
    places = CapacityLimiter(_AT_ONCE)
    listed = ListToolsResult(tools=[_listed(tool) for tool in TOOLS.values()])

    async def list_tools(_: object, __: PaginatedRequestParams | None) -> ListToolsResult:
        return listed

    async def call_tool(_: object, params: CallToolRequestParams) -> CallToolResult:
        asking = Asking(config, clock, sandbox)
        try:
            with anyio.fail_after(_LONGEST_S):
                lines = await to_thread.run_sync(
                    _answer, asking, params.name, params.arguments or {}, abandon_on_cancel=True, limiter=places
                )
        except TimeoutError:
            return _refused(f"this took longer than {_LONGEST_S:.0f} s; ask for a shorter range, or with a filter")
        except AxError as error:
            return _refused(str(error))
        except Exception:  # noqa: BLE001 (a model is told something, whatever it is)
            _log.exception("an error of ours in %s", text.name(params.name))
            return _refused("an error of ours; what the server wrote to standard error says more")
        finally:
            asking.give_up()
        return CallToolResult(content=[TextContent(type="text", text=_cut("\n".join(lines)))])

    return Server(
        "otel-ax", version=version, instructions=INSTRUCTIONS, on_list_tools=list_tools, on_call_tool=call_tool
    )


def _answer(asking: Asking, name: str, arguments: Mapping[str, Any]) -> list[str]:
    """In a thread. Raises `AxError`."""
    tool = TOOLS.get(name)
    if tool is None:
        raise AxError(f"there is no tool {text.name(name)}", mend=f"there are {', '.join(TOOLS)}")
    try:
        asked = tool.asked.model_validate(arguments)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        takes = ", ".join(tool.schema()["properties"]) or "nothing"
        raise AxError(f"{text.name(where)}: {first['msg']}", mend=f"{name} takes {takes}") from None
    return tool.answer(asking, asked)


def _listed(tool: Tool) -> Listed:
    return Listed(name=tool.name, description=tool.description, input_schema=tool.schema(), annotations=_READS)


def _refused(why: str) -> CallToolResult:
    return CallToolResult(content=[TextContent(type="text", text=text.name(why, _LONGEST_ERROR))], is_error=True)


def _cut(answer: str) -> str:
    return answer if len(answer) <= _MOST_CHARACTERS else f"{answer[:_MOST_CHARACTERS]}\n(cut)"


async def _serve(made: Server[Any]) -> None:
    async with stdio_server() as (incoming, outgoing):
        await made.run(incoming, outgoing, made.create_initialization_options())
