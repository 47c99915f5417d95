"""How old a span is when another process first finds it.

In: a `Load` that goes on meanwhile. Out: a `Found`, from a process of its own: `python -m tests.bench.freshness`.
"""

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from statistics import median
from typing import Final

import grpc

from exporter.clock import SystemClock
from exporter.model import Signal
from exporter.units import NS_PER_MS, NS_PER_S
from tests.bench import beside, stored
from tests.bench.load import EXPORT, Load, send
from tests.factories import spans_request
from tests.running import running, sql, until

_POLL_S: Final = 0.005
_HEAD_START_S: Final = 0.5  # by which spans of the load can be queried
_LEAST_S: Final = 0.25
_LAST_S: Final = 10.0
_TIMEOUT_S: Final = 10.0
_SERVICE: Final = "probe"
_RECENT: Final = f"""
    SELECT span_id FROM spans
    WHERE service_name = '{_SERVICE}' AND start_time > to_timestamp(epoch(now()) - {_LAST_S})
"""


@dataclass(frozen=True, slots=True)
class Probe:
    """For so long a span is sent each `every_s` to `endpoint` and looked for in the `ax.duckdb` of `data`."""

    endpoint: str
    data: str
    seconds: float
    every_s: float = 0.1


@dataclass(slots=True)
class Found:
    """For each span that was found the time from just before it was sent; how many were acknowledged at all."""

    acked: int = 0
    ages_ms: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)


def run(data: Path, load: Load, say: Callable[[str], None]) -> Found:
    """Sends `load` to a new server and probes it meanwhile, in two processes; leaves what it has stored."""
    with running(data, environ=beside.settings(load.signal)) as server, beside.sending(server, load.signal):
        command = [sys.executable, "-m", "tests.bench.freshness"]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as prober:
            assert prober.stdin is not None
            probe = Probe(server.grpc, str(data), max(load.seconds - _HEAD_START_S, _LEAST_S))
            prober.stdin.write(json.dumps(asdict(probe)) + "\n")
            prober.stdin.flush()
            sent = send(replace(load, endpoint=server.grpc))
            found = Found(**json.loads(prober.communicate()[0]))
        acked = sent.acked_items + found.acked
        _, count = stored.drained(data, load.signal, acked)
    found.errors += sent.errors
    if count != acked:
        found.errors.append(f"{acked} spans acknowledged, {count} stored")
    say(f"{len(found.ages_ms)} spans found by another process, the median after {median(found.ages_ms):.0f} ms")
    return found


def look(probe: Probe, clock: SystemClock) -> Found:
    """Sends in one thread, looks in another, until the last span is found or ten seconds have passed.

    It begins when the first spans of the load can be queried.
    """
    until(lambda: stored.count(Path(probe.data), Signal.TRACES) > 0, "the first span of the load")
    seen = Found()
    under_way: dict[str, int] = {}
    sender = threading.Thread(target=_send_all, args=(probe, under_way, seen, clock))
    sender.start()
    path = Path(probe.data) / "ax.duckdb"
    deadline = clock.monotonic() + int((probe.seconds + _LAST_S) * NS_PER_S)
    looked_at = None
    while (sender.is_alive() or under_way) and clock.monotonic() < deadline:
        status = path.stat()
        published = status.st_ino, status.st_mtime_ns
        if published == looked_at:  # nothing new can be in it
            time.sleep(_POLL_S)
            continue
        looked_at = published
        rows = sql(Path(probe.data), _RECENT)
        now = clock.monotonic()
        for (span_id,) in rows:
            if span_id in under_way:
                seen.ages_ms.append((now - under_way.pop(span_id)) / NS_PER_MS)
    sender.join()
    if under_way:
        seen.errors.append(f"{len(under_way)} spans were acknowledged and not found within {_LAST_S:.0f} s")
    return seen


def _send_all(probe: Probe, under_way: dict[str, int], seen: Found, clock: SystemClock) -> None:
    due = clock.monotonic()
    end = due + int(probe.seconds * NS_PER_S)
    with grpc.insecure_channel(probe.endpoint) as channel:
        export: grpc.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(EXPORT[Signal.TRACES])
        while due < end:
            time.sleep(max(due - clock.monotonic(), 0) / NS_PER_S)
            request = spans_request(1, seed=due, start=clock.wall(), service=_SERVICE)
            span_id = request.resource_spans[0].scope_spans[0].spans[0].span_id.hex()
            body = request.SerializeToString()
            under_way[span_id] = clock.monotonic()
            try:
                export(body, timeout=_TIMEOUT_S)
            except grpc.RpcError as error:
                under_way.pop(span_id, None)
                seen.errors = [*seen.errors, str(error)][:5]
            else:
                seen.acked += 1
            due += int(probe.every_s * NS_PER_S)


def main() -> None:
    """Reads a `Probe`, probes, prints what it has `Found`."""
    found = look(Probe(**json.loads(sys.stdin.readline())), SystemClock())
    print(json.dumps(asdict(found)))


if __name__ == "__main__":
    main()
