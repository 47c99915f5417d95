"""`ax mcp`.

In: a data directory, MCP on standard input. Out: MCP on standard output, until the input ends.
"""

import logging
import os
import signal
import sys

import otel_ax
from exporter import settings
from exporter.cli.options import ConfigFile, Data
from exporter.clock import SystemClock
from exporter.mcp import serve


def mcp(data: Data = None, config: ConfigFile = None) -> None:
    """Answer a language model's questions about the stored telemetry, over MCP on standard input and output.

    Programs such as Claude Code and Cursor start it themselves:

        claude mcp add telemetry -- ax mcp

    It reads the data directory alone, beside a running server or without one, and changes nothing. Its tools are
    find_calls, describe_trace, spend, alerts, logs and sql.
    """
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="ax mcp: %(message)s")
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # what waits for input waits in a thread, which nothing else wakes
    serve(settings.load(data, config, os.environ, {}), SystemClock(), otel_ax.__version__)
