"""`ax demo`.

In: options. Out: a server with made-up traffic in it, a question to it and its answer; with `--once` the exit code says
whether all of it went well.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from exporter import app, query, settings
from exporter.auth import needs_token, tokens
from exporter.cli import demo_watch, render, server
from exporter.clock import SystemClock
from exporter.config import Config
from exporter.control import Control
from exporter.errors import AxError
from exporter.units import NS_PER_S

_STORED_WITHIN_NS: Final = 30 * NS_PER_S
_POLL_S: Final = 0.05
_KNOWN_S: Final = 2.0
"""After so long the server knows a new token."""
_FREE_PORT: Final = "localhost:0"
_COUNTS: Final = """
SELECT (SELECT count(*) FROM spans WHERE service_namespace = 'demo') AS spans,
       (SELECT count(*) FROM logs WHERE service_namespace = 'demo') AS logs
"""
QUERY: Final = """SELECT service_name, provider, model,
       count(*) AS calls,
       count(error_type) AS failed,
       quantile_disc(duration_ns, 0.95) // 1_000_000 AS p95_ms,
       sum(tokens_input) AS tokens_in,
       sum(tokens_output) AS tokens_out,
       sum(cost_usd) AS usd
FROM llm_calls
GROUP BY ALL
ORDER BY usd DESC"""
"""The question that the demo shows; the README has it too."""


class DemoFailed(AxError):
    """What the demo sent did not arrive."""


def demo(
    *,
    once: Annotated[bool, typer.Option("--once", help="Stop after the answer; free ports.")] = False,
    data: Annotated[
        Path | None, typer.Option("--data", metavar="DIR", help="Keep the data there; else it goes when the demo ends.")
    ] = None,
    grpc: Annotated[str | None, typer.Option("--grpc", metavar="HOST:PORT", help="OTLP/gRPC. [4317]")] = None,
    http: Annotated[str | None, typer.Option("--http", metavar="HOST:PORT", help="OTLP/HTTP. [4318]")] = None,
    ui: Annotated[str | None, typer.Option("--ui", metavar="HOST:PORT", help="API and metrics. [4319]")] = None,
) -> None:
    """Start a server, send it the traffic of a made-up LLM application, and ask it about that.

    The application is a help desk whose agents chat, pay refunds and answer the phone, with made-up models. It tells
    of itself by `otel_ax`, as yours would. No key, no network and no docker are needed.

        ax demo
        ax demo --once
        ax demo --data ./demo
    """
    free = _FREE_PORT if once else None
    chosen = {"receive.grpc": grpc or free, "receive.http": http or free, "serve.ui": ui or free}
    overrides: dict[str, object] = {path: value for path, value in chosen.items() if value is not None}
    overrides["alert.defaults"] = data is not None  # one notice shows more than six
    with _room(data) as directory:
        demo_watch.declare(directory)
        config = settings.load(directory, None, os.environ, overrides)
        show = _Show(config, once=once, is_kept=data is not None)
        try:
            code = app.serve(config, SystemClock(), show.say)
        finally:
            show.end()
        raise typer.Exit(code or show.code)


def _token(data: Path, now: int) -> str:
    """The demo's token, in the place of that of its last run."""
    control = Control.open(data)
    try:
        with control.writing() as connection:
            with suppress(tokens.NoToken):
                tokens.revoke(connection, "demo", now)
            return tokens.create(connection, "demo", ("ingest",), now)
    finally:
        control.close()


@contextmanager
def _room(data: Path | None) -> Iterator[Path]:
    """The data directory asked for, or one that goes with the demo."""
    if data is not None:
        yield data
        return
    with tempfile.TemporaryDirectory(prefix="ax-demo-", ignore_cleanup_errors=True) as directory:
        yield Path(directory).resolve()


class _Show:
    """What is seen of the demo: it runs beside the server, in a thread, from `ready` on."""

    def __init__(self, config: Config, *, once: bool, is_kept: bool) -> None:
        self.code = 0
        self._config = config
        self._data = config.data
        self._once = once
        self._is_kept = is_kept
        self._clock = SystemClock()
        self._console = Console(highlight=False, soft_wrap=True)
        self._endpoints: dict[str, str] = {}
        self._thread = threading.Thread(target=self._run)
        self._desk: subprocess.Popen[str] | None = None
        self._over = threading.Event()
        self._console.print(
            "A help desk whose agents chat, pay refunds and answer the phone, with made-up models, under otel_ax.\n"
        )

    def say(self, line: str) -> None:
        """Takes the server's lines: its endpoints, then `ready`."""
        if line == "ready":
            self._thread.start()
        else:
            name, _, addresses = line.partition("  ")
            self._endpoints[name] = addresses.split()[0]

    def end(self) -> None:
        """Ends what is still running, once the server has stopped."""
        self._over.set()
        if self._desk is not None:
            self._desk.kill()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        try:
            self._perform()
        except (Exception, SystemExit) as error:  # noqa: BLE001 - a thread's end is nobody's unless it says so
            if not self._over.is_set():
                self.code = 1
                self._complain(error)
        if (self._once or self.code) and not self._over.is_set():
            os.kill(os.getpid(), signal.SIGTERM)  # the server runs in the main thread and stops as at Ctrl-C

    def _complain(self, error: BaseException) -> None:
        if isinstance(error, AxError):
            print(f"ax: {error}", file=sys.stderr)
        elif not isinstance(error, SystemExit | BrokenPipeError):  # rich makes the one of the other: nobody reads
            traceback.print_exception(error)

    def _perform(self) -> None:
        console = self._console
        for name, address in self._endpoints.items():
            console.print(f"  {name:9}  {address}", markup=False)
        console.print(f"  {'data':9}  {self._data}\n", markup=False)
        before = self._count()
        sent = self._send()
        began = self._clock.monotonic()
        self._wait_until_stored(sent, before)
        took_s = (self._clock.monotonic() - began) / NS_PER_S
        console.print(
            f"sent    {sent['spans']} spans and {sent['logs']} log records; each was on disk when acknowledged"
        )
        console.print(f"stored  all of them, {took_s:.1f} s later\n")
        console.print(f'$ ax sql --data {self._data} "\n{QUERY}"\n', markup=False, style="bold")
        render.as_table(query.sql(self._data, QUERY), sys.stdout)
        demo_watch.show(self._data, console, self._clock, self._over.wait)
        self._say_how_to_go_on()
        if not self._once:
            self._follow()

    def _send(self) -> dict[str, int]:
        """Runs the help desk until it has told its past; gives what it sent."""
        options = [] if self._once else ["--live"]
        command = [sys.executable, "-m", "exporter.cli.demo_app", self._endpoints["OTLP/HTTP"], *options]
        self._desk = subprocess.Popen(  # noqa: S603 - our own program
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=self._environ()
        )
        if self._over.is_set():  # `end` came too early to kill it
            self._desk.kill()
        sent: dict[str, int] = {}
        with Progress(
            TextColumn("sending"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("conversations"),
            console=self._console,
            transient=True,
            disable=not self._console.is_terminal,
        ) as progress:
            task = progress.add_task("", total=None)
            for line in self._desk.stdout or ():
                sent = json.loads(line)
                progress.update(task, completed=sent["told"], total=sent["of"])
                if sent["told"] == sent["of"] and not self._once:
                    return sent
        if self._desk.wait() != 0:
            raise DemoFailed("the help desk did not tell its story to the end", mend="see its messages above")
        return sent

    def _environ(self) -> dict[str, str]:
        """The help desk's: with a token of its own where the server asks for one, and nobody else's."""
        environ = {name: value for name, value in os.environ.items() if name != server.HEADERS}
        if needs_token(self._config, "receive.http"):
            text = _token(self._config.data, self._clock.wall())
            environ[server.HEADERS] = f"authorization=Bearer%20{text}"
            self._over.wait(_KNOWN_S)
        return environ

    def _count(self) -> dict[str, int]:
        (counts,) = query.sql(self._data, _COUNTS).to_pylist()
        return dict(counts)

    def _wait_until_stored(self, sent: dict[str, int], before: dict[str, int]) -> None:
        deadline = self._clock.monotonic() + _STORED_WITHIN_NS
        while True:
            stored = {name: count - before[name] for name, count in self._count().items()}
            if all(count >= sent[name] for name, count in stored.items()):
                return
            if self._clock.monotonic() > deadline or self._over.wait(_POLL_S):
                raise DemoFailed(f"sent {sent}, found {stored}", mend="see the server's messages above")

    def _say_how_to_go_on(self) -> None:
        console = self._console
        console.print("\nAny process can ask, while it runs:")
        database = f"{self._data}/ax.duckdb"
        for line in (
            f"duckdb -readonly {database} 'FROM traces'",
            f"python -c \"import duckdb; print(duckdb.connect('{database}', read_only=True).sql('FROM traces'))\"",
            f"curl {self._endpoints['API']}/api/health",
            f"ax monitor alerts list --data {self._data}",
        ):
            console.print(f"  {line}", markup=False)
        if self._once:
            where = "The data stay there." if self._is_kept else "The data go with it; `ax demo` without --once stays."
            console.print(f"\nThis demo ends here. {where}", markup=False)
        else:
            console.print(f"\nThe dashboard: {self._endpoints['API']}", markup=False, style="bold")
            console.print("The help desk goes on talking. Ctrl-C ends it.", markup=False)

    def _follow(self) -> None:
        """Shows how much was sent, while the help desk talks."""
        if self._desk is None or self._desk.stdout is None:
            return
        for line in self._desk.stdout:
            if self._console.is_terminal:
                sent = json.loads(line)
                with suppress(OSError):
                    self._console.print(f"{sent['spans']} spans, {sent['logs']} log records", end="\r", style="dim")
