"""`ax doctor`.

In: a running server. Out: what works on the way from an SDK to SQL, what does not, and the mend.
"""

import logging
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import Final

import typer

from exporter import query
from exporter.cli import probe, server
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
    running = server.find(data)
    if running is None:
        yield Check(
            "server", f"none runs on {data}", f"start one with `ax serve --data {data}`, or name another --data"
        )
        return
    yield Check("server", f"pid {running.pid} serves {data}")
    yield (health := _health(running))
    if server.CERTIFICATE in health.mend:  # whatever is sent would fail by it, each after its retries
        return
    marker = uuid.uuid4().hex
    sent: list[probe.Sent] = []
    for transport, endpoint in (("grpc", running.grpc), ("http", running.http)):
        target = probe.Target(transport, endpoint, running.headers(), is_tls=running.scheme == "https")
        for result in probe.send(target, marker, _TIMEOUT_S):
            name = f"{result.signal} over {transport}"
            if result.error:
                yield Check(name, f"not acknowledged by {endpoint}: {result.error}", _LOG)
            else:
                sent.append(result)
                yield Check(name, f"acknowledged by {endpoint}")
    yield from _found(data, marker, sent, clock)


def _health(running: server.Running) -> Check:
    try:
        health = running.health()
    except server.NotAllowed as error:
        return Check("health", error.message, error.mend)
    except (OSError, ValueError) as error:
        is_unknown = "CERTIFICATE_VERIFY_FAILED" in str(error)
        mend = f"name the file of its authority in {server.CERTIFICATE}" if is_unknown else _LOG
        return Check("health", f"{running.scheme}://{running.ui}/api/health does not answer: {error}", mend)
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
