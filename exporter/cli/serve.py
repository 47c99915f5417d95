"""`ax serve`.

In: options. Out: a server in the foreground.
"""

import os
import sys
from contextlib import suppress
from typing import Annotated

import typer

from exporter import app, settings
from exporter.cli.options import ConfigFile, Data
from exporter.clock import SystemClock

_Endpoint = str | None


def serve(
    data: Data = None,
    config: ConfigFile = None,
    grpc: Annotated[
        _Endpoint, typer.Option("--grpc", metavar="HOST:PORT", help="OTLP/gRPC; port 0 takes a free one. [4317]")
    ] = None,
    http: Annotated[_Endpoint, typer.Option("--http", metavar="HOST:PORT", help="OTLP/HTTP. [4318]")] = None,
    ui: Annotated[_Endpoint, typer.Option("--ui", metavar="HOST:PORT", help="API and metrics. [4319]")] = None,
    *,
    insecure: Annotated[
        bool, typer.Option("--insecure-i-know", help="Let other machines in without TLS; tokens are needed.")
    ] = False,
) -> None:
    """Take in OTLP and store it, until Ctrl-C.

    Prints a line per endpoint, and `ready` when requests are taken in and `ax.duckdb` can be opened.

        ax serve
        ax serve --data ./telemetry --grpc localhost:14317
        AX_STORE_RETENTION_SPANS=30d ax serve

    Ctrl-C, or SIGTERM, stores what was taken in and ends it within 5 s.
    """
    chosen: dict[str, object] = {"receive.grpc": grpc, "receive.http": http, "serve.ui": ui}
    overrides = {path: value for path, value in chosen.items() if value is not None}
    if insecure:
        overrides["insecure"] = True
    resolved = settings.load(data, config, os.environ, overrides)
    if resolved.insecure and resolved.tls.cert is None:
        print("ax: what other machines send, tokens too, can be read on its way: there is no TLS", file=sys.stderr)
    raise typer.Exit(app.serve(resolved, SystemClock(), _say))


def _say(line: str) -> None:
    with suppress(OSError, ValueError):  # nobody reads: no reason to stop
        print(line, flush=True)
