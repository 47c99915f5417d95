"""The commands of `ax` and where each is.

In: arguments. Out: an exit code. A command's module is loaded when it is run, so that `ax sql` loads no server.
"""

import importlib
import inspect
import os
import sys
import textwrap
from collections.abc import Sequence
from typing import Annotated, Any, Final

import typer
from typer.core import TyperCommand, TyperGroup

import otel_ax
from exporter.errors import AxError

COMMANDS: Final = {
    "serve": ("exporter.cli.serve:serve", "Take in OTLP and store it, until Ctrl-C."),
    "demo": (
        "exporter.cli.demo:demo",
        "Start a server, send it the traffic of a made-up LLM application, and ask it about that.",
    ),
    "run": (
        "exporter.cli.launch:app",
        "Run a program so that its LLM calls, agents, logs and metrics are seen, without changing it.",
    ),
    "sql": ("exporter.cli.sql:sql", "Ask the stored telemetry, while it arrives or when nothing runs."),
    "files": ("exporter.cli.files:files", "List the Parquet files of a table as they are now, one a line."),
    "export": (
        "exporter.cli.export:export",
        "Write rows of a view to a file, or send records to another OTLP endpoint as they came in.",
    ),
    "monitor": ("exporter.cli.monitor:app", "Watch models, agents, workflows, logs and costs in the terminal."),
    "cost": ("exporter.cli.cost:app", "Explain what calls cost, and price them anew."),
    "rules": ("exporter.cli.rules:app", "Check, list and try alert rules."),
    "notify": ("exporter.cli.notify:app", "Try and look after the channels that tell people of alerts."),
    "connect": (
        "exporter.cli.connect:connect",
        "Print what connects a program, a coding assistant or a dashboard to this server.",
    ),
    "mcp": (
        "exporter.cli.mcp:mcp",
        "Answer a language model's questions about the stored telemetry, over MCP on standard input and output.",
    ),
    "token": ("exporter.cli.token:app", "Make and revoke the tokens by which a server knows who asks."),
    "erase": (
        "exporter.cli.erase:erase",
        "Erase what is stored of a tenant, a user or a conversation, for good.",
    ),
    "backup": ("exporter.cli.backup:backup", "Copy a data directory to a folder, while its server runs."),
    "restore": (
        "exporter.cli.backup:restore",
        "Make a data directory from a backup; it is not there yet, or empty.",
    ),
    "doctor": (
        "exporter.cli.doctor:doctor",
        "Send a span, a log record and a metric over gRPC and HTTP, and find them again.",
    ),
    "config": ("exporter.cli.config:app", "Check and show the settings."),
}
"""Where each command's function is, or its own commands; what it is for. In the order of `ax --help`.

To list them none is loaded, which would take two seconds; a test compares what is said here with what each says.
"""


class _Lazy(TyperGroup):
    """The commands of `COMMANDS`."""

    _lists = False

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """The list of them, and how each is called."""
        self._lists = True
        try:
            super().format_help(ctx, formatter)
        finally:
            self._lists = False

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 (typer's signature)
        """Their names."""
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002
        """The command, or None."""
        if cmd_name not in COMMANDS:
            return None
        place, purpose = COMMANDS[cmd_name]
        if self._lists:
            return TyperCommand(cmd_name, help=purpose)
        module, _, name = place.partition(":")
        found = getattr(importlib.import_module(module), name)
        if not isinstance(found, typer.Typer):
            function, found = found, typer.Typer(**_STYLE)
            found.command(cmd_name)(function)
        command = typer.main.get_command(found)
        command.name = cmd_name
        _reflow(command)
        return command


def _reflow(command: Any) -> None:
    """Lets the terminal break the lines of a help text's prose, which Typer does for its first paragraph alone."""
    first, *others = inspect.cleandoc(command.help or "").split("\n\n")
    said = [one if one.startswith((" ", "ax ")) else one.replace("\n", " ") for one in others]
    # Typer takes the margin from the first of these lines.
    command.help = "\n\n".join([first, *map(textwrap.dedent, said[:1]), *said[1:]])
    for each in getattr(command, "commands", {}).values():
        _reflow(each)


_STYLE: Final[dict[str, Any]] = {
    "add_completion": False,
    "pretty_exceptions_enable": False,
    "rich_markup_mode": "rich",
    "context_settings": {"help_option_names": ["-h", "--help"]},
}
app = typer.Typer(cls=_Lazy, no_args_is_help=True, **_STYLE)


def _version(asked: bool) -> None:  # noqa: FBT001 (typer's signature)
    if asked:
        print(f"otel-ax {otel_ax.__version__}")
        raise typer.Exit


@app.callback()
def ax(
    *,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """An OTLP endpoint whose data any DuckDB can query while it arrives.

    Start a server, send it OTLP, and ask:

        ax serve
        ax doctor
        ax sql "select name, count(*) from spans group by all"

    ax COMMAND --help tells more.
    """
    del version


def run(arguments: Sequence[str]) -> int:
    """Runs `ax` with `arguments`; an `AxError` becomes one line on stderr and exit code 1."""
    try:
        app(args=list(arguments), prog_name="ax")
    except AxError as error:
        print(f"ax: {' '.join(str(error).split())}", file=sys.stderr)
        if picture := getattr(error, "picture", ""):  # of a filter, with a mark where it is wrong
            print(picture, file=sys.stderr)
        return 1
    except BrokenPipeError:  # nobody reads on, as behind `| head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or Python complains when it ends
        return 1
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 1
    return 0
