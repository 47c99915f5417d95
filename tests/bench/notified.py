"""How long a breach takes from being stored to its notice arriving, in a whole server.

In: a plan. Out: the time by percentile, and how it compares with what the rule's own settings make it wait.
"""

import random
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Final

import httpx

from exporter.clock import SystemClock
from exporter.units import NS_PER_MS
from tests.factories import spans_request
from tests.ledger import ALONE
from tests.running import Server, running, sql, until
from tests.sinks import HttpSink, http_sink

_ALLOWANCE_MS: Final = 2_000
_RULES: Final = """
groups:
  - name: bench
    interval: INTERVALs
    delay: DELAYs
    rules:
      - {alert: Seen, metric: calls, of: spans, by: [service], operator: ">=", threshold: 1, window: 10m,
         severity: critical, cooldown: 0s}
channels:
  - {name: hook, type: webhook, url: "URL"}
routes:
  - {channels: [hook], group_by: [service], group_wait: WAITs, group_interval: WAITs}
"""


@dataclass(frozen=True, slots=True)
class Plan:
    """So many breaches, one after the other, of a rule with these settings, in whole seconds."""

    breaches: int = 20
    interval: int = 1
    delay: int = 1
    group_wait: int = 0


@dataclass(frozen=True, slots=True)
class Figures:
    """From the publication of the `ax.duckdb` that has the span to its notice at its address."""

    breaches: int
    p50_ms: float
    p99_ms: float
    max_ms: float
    allowed_ms: int
    beyond: int
    errors: list[str] = field(default_factory=list)


def measure(plan: Plan, say: Callable[[str], None]) -> Figures:
    """Lets a server see one breach after the other. `beyond` counts those later than interval, delay, wait and 2 s."""
    clock, rng = SystemClock(), random.Random(plan.breaches)
    environ = ALONE | {"AX_ALERT_DEFAULTS": "false", "AX_ALERT_ALLOW_PRIVATE": "127.0.0.1"}
    times_ms: list[float] = []
    with tempfile.TemporaryDirectory() as folder, http_sink() as sink:
        data = Path(folder) / "data"
        (data / "rules").mkdir(parents=True)
        text = _RULES.replace("URL", sink.url).replace("INTERVAL", str(plan.interval))
        text = text.replace("DELAY", str(plan.delay)).replace("WAIT", str(plan.group_wait))
        (data / "rules" / "bench.yaml").write_text(text)
        with running(data, environ=environ) as server:
            for place in range(plan.breaches):
                time.sleep(rng.uniform(0, plan.interval))  # wherever in the interval it falls
                times_ms.append(_one(server, sink, f"breach-{place}", clock))
                say(f"breach {place + 1} of {plan.breaches}: told after {times_ms[-1]:.0f} ms")
    ordered = sorted(times_ms)
    allowed_ms = 1_000 * (plan.interval + plan.delay + plan.group_wait) + _ALLOWANCE_MS
    return Figures(
        breaches=len(ordered),
        p50_ms=round(median(ordered), 1),
        p99_ms=round(ordered[-(-len(ordered) * 99 // 100) - 1], 1),
        max_ms=round(ordered[-1], 1),
        allowed_ms=allowed_ms,
        beyond=sum(one > allowed_ms for one in ordered),
    )


def _one(server: Server, sink: HttpSink, service: str, clock: SystemClock) -> float:
    """A span that breaks the rule: milliseconds from its publication to its notice."""
    arrived: list[int] = []

    def wait() -> None:
        until(lambda: any(service.encode() in one.body for one in list(sink.got)), f"{service} is told", every=0.002)
        arrived.append(clock.wall())

    waiting = threading.Thread(target=wait)
    waiting.start()
    export = spans_request(1, seed=hash(service), start=clock.wall() - 50 * NS_PER_MS, service=service)
    headers = {"content-type": "application/x-protobuf"}
    httpx.post(f"{server.http}/v1/traces", content=export.SerializeToString(), headers=headers).raise_for_status()
    query = f"SELECT count(*) FROM spans WHERE service_name = '{service}'"
    published = server.data / "ax.duckdb"
    while True:
        stored = published.stat().st_mtime_ns  # of the first that has it: nothing else is stored meanwhile
        if sql(server.data, query) == [(1,)]:
            break
        time.sleep(0.005)
    waiting.join()
    return max(arrived[0] - stored, 0) / NS_PER_MS
