"""`ax doctor`.

In: a running server. Out: what works on the way from an SDK to SQL, what does not, and the mend.
"""

import json
import logging
import os
import urllib.request
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import Final

import typer

from exporter import figures, query
from exporter.cli import probe
from exporter.cli.options import Data, directory
from exporter.clock import Clock, SystemClock
from exporter.errors import AxError
from exporter.units import NS_PER_S

_FIND_NS: Final = 10 * NS_PER_S
_POLL_S: Final = 0.1
_TIMEOUT_S: Final = 5
_LOG: Final = "the server's log says why; `ax serve` prints it"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing looked at; `mend` is empty where it is well."""

    name: str
    detail: str
    mend: str = ""


def doctor(data: Data = None) -> None:
    """Send a span, a log record and a metric over gRPC and HTTP, and find them again.

    ax doctor
    ax doctor --data ./telemetry
    """
    logging.disable(logging.CRITICAL)  # what the SDK would log is said by the checks
    try:
        failed = sum(map(_told, _checks(directory(data), SystemClock()))) > 0
    finally:
        logging.disable(logging.NOTSET)
    raise typer.Exit(int(failed))


def _told(check: Check) -> bool:
    """Prints a check; whether it failed."""
    print(f"{'✗' if check.mend else '✓'} {check.name}: {check.detail}", flush=True)
    if check.mend:
        print(f"  → {check.mend}", flush=True)
    return bool(check.mend)


def _checks(data: Path, clock: Clock) -> Iterator[Check]:
    try:
        running = json.loads(figures.path_of(data, "server").read_bytes())
        os.kill(running["pid"], 0)
    except (OSError, ValueError, KeyError):
        yield Check(
            "server", f"none runs on {data}", f"start one with `ax serve --data {data}`, or name another --data"
        )
        return
    yield Check("server", f"pid {running['pid']} serves {data}")
    yield _health(running["ui"][0])
    marker = uuid.uuid4().hex
    sent: list[probe.Sent] = []
    for transport, endpoint in (("grpc", running["grpc"][0]), ("http", running["http"][0])):
        for result in probe.send(transport, endpoint, marker, _TIMEOUT_S):
            name = f"{result.signal} over {transport}"
            if result.error:
                yield Check(name, f"not acknowledged by {endpoint}: {result.error}", _LOG)
            else:
                sent.append(result)
                yield Check(name, f"acknowledged by {endpoint}")
    yield from _found(data, marker, sent, clock)


def _health(ui: str) -> Check:
    try:
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(f"http://{ui}/api/health", timeout=_TIMEOUT_S) as answer:
            health = json.load(answer)
    except (OSError, ValueError) as error:
        return Check("health", f"http://{ui}/api/health does not answer: {error}", _LOG)
    own = {name: part for name, part in health["components"].items() if part["part"] == "server"}
    ill = [f"{name} is {part['state']}, {part['detail']}" for name, part in own.items() if part["state"] != "healthy"]
    if any(part["state"] == "unhealthy" for part in own.values()):
        return Check("health", "; ".join(ill), _LOG)
    return Check("health", f"otel-ax {health['version']} works" + "".join(f"; {text}" for text in ill))


def _found(data: Path, marker: str, sent: list[probe.Sent], clock: Clock) -> Iterator[Check]:
    """Looks for what was acknowledged until all is there or time is up."""
    started = clock.monotonic()
    missing = {(one.signal, one.transport) for one in sent}
    if not missing:
        return
    problem = "it is not there after 10 s"
    while missing and clock.monotonic() - started < _FIND_NS:
        try:
            rows = query.sql(data, probe.FIND, {"marker": marker}).to_pylist()
        except AxError as error:
            problem = str(error)
            rows = []
        here = {(row["signal"], row["transport"]) for row in rows} & missing
        waited_s = (clock.monotonic() - started) / NS_PER_S
        for signal, transport in sorted(here):
            yield Check(f"{signal} over {transport}", f"found in ax.duckdb after {waited_s:.1f} s")
        missing -= here
        if missing:
            Event().wait(_POLL_S)
    for signal, transport in sorted(missing):
        yield Check(f"{signal} over {transport}", f"not found in ax.duckdb: {problem}", _LOG)
