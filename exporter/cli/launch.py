"""`ax run`.

In: a command. Out: that command, in the place of this process (so signals and the exit code are its own), with the
environment that makes it tell: Python by OpenTelemetry's `opentelemetry-instrument`, Node by its `NODE_OPTIONS`.
"""

import os
import shutil
import socket
import sys
from collections.abc import Callable, Mapping, MutableMapping, Sequence
from pathlib import Path
from typing import Annotated, Final
from urllib.parse import urlsplit

import typer

from exporter.cli import server
from exporter.cli.options import Data, directory
from exporter.errors import AxError

_DEFAULT_ENDPOINT: Final = "http://localhost:4318"
_NODE: Final = frozenset({"node", "nodejs", "npm", "npx", "pnpm", "yarn", "tsx", "ts-node", "next"})
_NODE_PACKAGE: Final = "@opentelemetry/auto-instrumentations-node"
_NODE_REQUIRE: Final = f"--require {_NODE_PACKAGE}/register"
_CONNECT_S: Final = 0.5
_SIGNALS: Final = ("TRACES", "METRICS", "LOGS")

app: Final = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode="rich")


class NotFound(AxError):
    """There is no such command."""


@app.command(
    context_settings={
        "allow_interspersed_args": False,
        "ignore_unknown_options": True,
        "help_option_names": ["-h", "--help"],
    }
)
def launch(
    command: Annotated[list[str], typer.Argument(metavar="COMMAND", help="What to run, with its arguments.")],
    *,
    endpoint: Annotated[
        str | None,
        typer.Option(metavar="URL", help="Where OTLP goes; else OTEL_EXPORTER_OTLP_ENDPOINT, else to the server."),
    ] = None,
    service: Annotated[
        str | None, typer.Option(metavar="NAME", help="service.name; else OTEL_SERVICE_NAME, else the program's name.")
    ] = None,
    content: Annotated[bool, typer.Option("--content", help="Record prompts and completions, too.")] = False,
    data: Data = None,
) -> None:
    """Run a program so that its LLM calls, agents, logs and metrics are seen, without changing it.

        ax serve &
        ax run -- python app.py
        ax run -- gunicorn app:app --workers 4
        ax run --service shop -- node server.js
        ax sql "select name, duration_ns from spans order by start_time_unix_nano"

    Python programs get what `opentelemetry-instrument` gives (every instrumentor that is installed beside the program)
    and otel-ax; so otel-ax must be installed where the program's own packages are. Node programs need, in their folder:

        npm install @opentelemetry/api @opentelemetry/auto-instrumentations-node

    OTEL_* and AX_* variables that are set stay as they are. AX_DISABLED=true leaves otel-ax out.
    """
    environ = dict(os.environ)
    if endpoint is not None:
        environ["OTEL_EXPORTER_OTLP_ENDPOINT"] = endpoint
    if service is not None:
        environ["OTEL_SERVICE_NAME"] = service
    if content:
        environ["AX_CONTENT"] = "true"
    executable = shutil.which(command[0])
    if executable is None:
        raise NotFound(f"there is no command {command[0]!r}", mend="write it as you would without `ax run --`")
    _prepare(environ, command, lambda: _server_of(directory(data)))
    _tell_unheard(environ)
    _tell_unknown(environ, server.find(directory(data)))
    if _is_node(executable):
        _node(environ, command, Path.cwd())
        os.execve(executable, list(command), environ)  # noqa: S606 (what the user asked for)
    _python(environ, executable, command)


def _prepare(environ: MutableMapping[str, str], command: Sequence[str], found: Callable[[], str]) -> None:
    """What any language's SDK reads. What the user has set stays."""
    if "OTEL_EXPORTER_OTLP_ENDPOINT" not in environ:
        environ["OTEL_EXPORTER_OTLP_ENDPOINT"] = found()
    environ.setdefault("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf")
    for signal in _SIGNALS:
        environ.setdefault(f"OTEL_{signal}_EXPORTER", "otlp")
    environ.setdefault("AX_PENDING", "true")
    if "service.name=" not in environ.get("OTEL_RESOURCE_ATTRIBUTES", ""):
        environ.setdefault("OTEL_SERVICE_NAME", _name_of(command))


def _name_of(command: Sequence[str]) -> str:
    """The script's name, or the module's, or the command's: `python -m shop.app` is shop.app."""
    words = list(command[1:])
    if "-m" in words[:-1]:
        return words[words.index("-m") + 1]
    script = next((word for word in words if word.endswith((".py", ".js", ".mjs", ".cjs", ".ts"))), command[0])
    return Path(script).stem


def _server_of(data: Path) -> str:
    """Where the server on this data directory takes OTLP over HTTP; the standard place, if none runs."""
    running = server.find(data)
    return _DEFAULT_ENDPOINT if running is None else _url_of(running)


def _tell_unheard(environ: Mapping[str, str]) -> None:
    """The program runs all the same: telemetry is no reason to stop it."""
    endpoint = urlsplit(environ["OTEL_EXPORTER_OTLP_ENDPOINT"])
    port = endpoint.port or (443 if endpoint.scheme == "https" else 80)
    try:
        socket.create_connection((endpoint.hostname or "localhost", port), _CONNECT_S).close()
    except OSError:
        _say(f"nothing listens at {endpoint.geturl()}; start a server with `ax serve`")


def _tell_unknown(environ: Mapping[str, str], running: server.Running | None) -> None:
    """Says that a token is missing; the admin's is not for programs."""
    if running is None or not running.needs_token or environ.get(server.HEADERS) or environ.get("AX_HEADERS"):
        return
    if environ["OTEL_EXPORTER_OTLP_ENDPOINT"].rstrip("/") == _url_of(running):
        _say(
            f"the server asks for a token; make one with `ax token create NAME`, and set {server.HEADERS}="
            '"authorization=Bearer TOKEN"'
        )


def _url_of(running: server.Running) -> str:
    return f"{running.scheme}://{running.http}"


def _is_node(executable: str) -> bool:
    if Path(executable).name in _NODE:
        return True
    with open(executable, "rb") as file:  # noqa: PTH123 (one line of it)
        first = file.readline(256)
    return first.startswith(b"#!") and b"node" in first


def _node(environ: MutableMapping[str, str], command: Sequence[str], folder: Path) -> None:
    """By `--require`, which Node hands on to its children."""
    if not any((above / "node_modules" / _NODE_PACKAGE).is_dir() for above in (folder, *folder.parents)):
        _say(
            f"{command[0]} runs untold: {_NODE_PACKAGE} is not installed here; "
            f"npm install @opentelemetry/api {_NODE_PACKAGE}"
        )
    elif _NODE_PACKAGE not in environ.get("NODE_OPTIONS", ""):
        environ["NODE_OPTIONS"] = f"{environ.get('NODE_OPTIONS', '')} {_NODE_REQUIRE}".strip()


def _python(environ: Mapping[str, str], executable: str, command: Sequence[str]) -> None:
    """By `opentelemetry-instrument`, which becomes the command; any program hands PYTHONPATH on to a Python inside."""
    from opentelemetry.instrumentation.auto_instrumentation import run as opentelemetry_instrument

    os.environ.update(environ)
    sys.argv = ["opentelemetry-instrument", executable, *command[1:]]
    opentelemetry_instrument()


def _say(what: str) -> None:
    print(f"ax: {what}", file=sys.stderr)
