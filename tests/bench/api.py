"""How long the API takes to answer while spans come in, and what listening to `/api/live` costs those who send.

In: a `Plan`. Out: `Figures`. Server, senders, those who ask and those who listen are processes of their own.
"""

import asyncio
import ssl
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import cycle, islice
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Final
from urllib.parse import quote

import httpx

from exporter.clock import SystemClock
from exporter.model import Signal
from exporter.units import NS_PER_MS, NS_PER_S
from tests.bench import query, rounds, stored, watch
from tests.bench.load import Load, send
from tests.bench.payloads import write_templates
from tests.bench.rounds import Say, percentile
from tests.running import Server, running

_PACE: Final = 1 / 3
_HOUR_NS: Final = 3_600 * NS_PER_S
_IN_FLIGHT: Final = 16
_TIMEOUT_S: Final = 30.0
_WARM_S: Final = 2.0
"""The load comes first, and ends last."""
_BEGIN_S: Final = 5.0
"""What is asked of a server that has just begun is not counted: the first of all questions compile what they need."""
_OK: Final = 200
_ENVIRON: Final = {"AX_RATE_REQUESTS": "100000", "AX_RATE_BURST": "100000"}

QUESTIONS: Final[Mapping[str, str]] = {
    "traces, an hour of the past": "/api/traces?{hour}&limit=50",
    "traces, 15 minutes": "/api/traces?range=15m&limit=50",
    "a trace": "/api/traces/{trace}",
    "logs of a trace": "/api/traces/{trace}/logs",
    "a span": "/api/spans/{trace}/{span}",
    "spans with an error, an hour of the past": "/api/spans?{hour}&limit=50&filter=status%20%3D%20error",
    "llm-calls, 15 minutes": "/api/llm-calls?range=15m&limit=50",
    "llm-calls, an hour of the past": "/api/llm-calls?{hour}&limit=50",
    "a call": "/api/llm-calls/{span}?trace={trace}",
    "tool-calls, 15 minutes": "/api/tool-calls?range=15m&limit=50",
    "logs, an hour of the past": "/api/logs?{hour}&limit=100",
    "costs by model, the day": "/api/costs?{day}&by=model",
    "costs over time, the day": "/api/costs/series?{day}&by=provider&step=1h",
    "calls by provider, 15 minutes": "/api/calls?range=15m&by=provider",
    "latency over time, the day": "/api/metrics/p95_latency/series?{day}&by=model&step=1h",
    "latency, an hour of the past": "/api/latency?{hour}",
    "status, 1 h": "/api/status?range=1h",
    "stats": "/api/stats?range=1h",
    "alerts": "/api/alerts?limit=50",
    "health": "/api/health",
}
"""What a dashboard and its readers ask; each client begins at another."""
FIGURES: Final = frozenset(
    {
        "costs by model, the day",
        "costs over time, the day",
        "calls by provider, 15 minutes",
        "latency over time, the day",
        "latency, an hour of the past",
        "status, 1 h",
        "stats",
    }
)
"""Those that are neither a list nor one thing."""


@dataclass(frozen=True, slots=True)
class Plan:
    """`clients` ask once a second for `seconds`, of a day of `millions` of spans, log records and points each.

    Beside them spans come in at a third of the peak, which is measured for `peak_seconds` before. Then all that can be
    sent is, `rounds` times with and without `sockets` that listen, for `round_seconds` each. With `--keep DIR` the data
    are made there, or found there as `query --keep` has left them; what is sent meanwhile stays there.
    """

    millions: float = 10.0
    clients: int = 20
    seconds: float = 60.0
    sockets: int = 100
    rounds: int = 3
    round_seconds: float = 10.0
    peak_seconds: float = 10.0
    templates: int = 160
    keep: str = ""


@dataclass(frozen=True, slots=True)
class Figures:
    """Milliseconds from when a question was due; `endpoint_ms` has p50, p95 and p99 of each.

    `list_p95_ms` is of lists and single things alone. `cpu_ratio` is how much of a core each process of the server used
    meanwhile. `live_ratio` is the median of the rates of ingest with listeners over that of those without, which are in
    `rates_with` and `rates_without`.
    """

    p50_ms: float
    p95_ms: float
    p99_ms: float
    list_p95_ms: float
    asked: int
    endpoint_ms: dict[str, tuple[float, float, float]]
    cpu_ratio: dict[str, float]
    pace_spans_per_s: int
    live_ratio: float | None
    rates_with: list[int]
    rates_without: list[int]
    errors: list[str]


@dataclass(slots=True)
class Asked:
    """Milliseconds by question, and what went wrong."""

    took_ms: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    errors: list[str] = field(default_factory=list)


def measure(plan: Plan, say: Say) -> Figures:
    """Runs the plan; `say` is told what goes on."""
    with TemporaryDirectory(prefix="ax-bench-") as place:
        room = Path(place)
        load = Load("", str(room / "templates.bin"), plan.peak_seconds, _IN_FLIGHT)
        write_templates(Path(load.templates), plan.templates)
        pace = rounds.run(room / "peak", load, say).per_s * _PACE
        data = Path(plan.keep).absolute() if plan.keep else room / "data"
        with running(data, environ=_ENVIRON) as server:
            paths = _filled(server, plan, say)
            with _sending(server, replace(load, items_per_s=pace, seconds=_BEGIN_S + plan.seconds + 2 * _WARM_S)):
                before = watch.cpu_s(server)
                began = SystemClock().monotonic()
                found = asyncio.run(_ask(server.ui, paths, plan))
                took_s = (SystemClock().monotonic() - began) / NS_PER_S
                used = {name: (now - before[name]) / took_s for name, now in watch.cpu_s(server).items()}
            say(f"{sum(map(len, found.took_ms.values()))} answers; now with and without {plan.sockets} listeners")
            rates = [_rates(server, replace(load, seconds=plan.round_seconds), plan, say) for _ in range(plan.rounds)]
    return _figures(found, used, pace, [one for one, _ in rates], [one for _, one in rates])


def _filled(server: Server, plan: Plan, say: Say) -> dict[str, str]:
    """The questions, about a day that is there: it is sent where nothing is."""
    if stored.count(server.data, Signal.TRACES) == 0:
        query.fill(server, query.Plan(millions=plan.millions, templates=plan.templates), say)
    say(f"settled after {query.settled(server):.0f} s")  # hours that were open when the data were made are closed now
    ((end, trace, span),) = server.sql(
        """SELECT start_time_unix_nano, trace_id, span_id FROM spans WHERE gen_ai_request_model IS NOT NULL
        ORDER BY start_time_unix_nano DESC LIMIT 1"""
    )
    values = {"hour": _between(end - _HOUR_NS, end), "day": _between(end - 24 * _HOUR_NS, end)}
    return {name: path.format(**values, trace=trace, span=span) for name, path in QUESTIONS.items()}


def _between(start: int, end: int) -> str:
    first, last = (datetime.fromtimestamp(one // NS_PER_S, UTC).isoformat() for one in (start, end))
    return f"start={quote(first)}&end={quote(last)}"


@contextmanager
def _sending(server: Server, load: Load) -> Iterator[None]:
    """Spans that come in beside; a while before, until all are sent."""
    with ThreadPoolExecutor(1) as beside:
        sent = beside.submit(send, replace(load, endpoint=server.grpc))
        time.sleep(_WARM_S)
        yield
        sent.result()


async def _ask(url: str, paths: Mapping[str, str], plan: Plan) -> Asked:
    found = Asked()
    clock = SystemClock()

    async def keep_asking(number: int) -> None:
        turns = islice(cycle(paths.items()), number * len(paths) // plan.clients, None)
        due = began + NS_PER_S * number // plan.clients
        while due < began + int((_BEGIN_S + plan.seconds) * NS_PER_S):
            await asyncio.sleep(max(due - clock.monotonic(), 0) / NS_PER_S)
            name, path = next(turns)
            await _one(clients[number], name, path, found)
            if due >= began + _BEGIN_S * NS_PER_S:
                found.took_ms[name].append((clock.monotonic() - due) / NS_PER_MS)
            due += NS_PER_S

    async with AsyncExitStack() as opened:
        # 60 ms each, before the clock runs.
        trusted = ssl.create_default_context()
        clients = [
            await opened.enter_async_context(httpx.AsyncClient(base_url=url, timeout=_TIMEOUT_S, verify=trusted))
            for _ in range(plan.clients)
        ]
        began = clock.monotonic()
        await asyncio.gather(*(keep_asking(number) for number in range(plan.clients)))
    return found


async def _one(client: httpx.AsyncClient, name: str, path: str, found: Asked) -> None:
    try:
        answer = await client.get(path)
    except httpx.HTTPError as error:
        found.errors = [*found.errors, f"{name}: {error!r}"][:10]
    else:
        if answer.status_code != _OK:
            found.errors = [*found.errors, f"{name}: {answer.status_code} {answer.text[:200]}"][:10]


def _rates(server: Server, load: Load, plan: Plan, say: Say) -> tuple[float, float]:
    """Spans a second with listeners and without."""
    if not plan.sockets:
        return 0.0, 0.0
    command = [sys.executable, "-m", "tests.bench.live", str(plan.sockets), server.ui, str(2 * load.seconds)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as listeners:
        time.sleep(_WARM_S)
        heard = _rate(server, load)
        listeners.terminate()
    alone = _rate(server, replace(load, seed=1))
    say(f"{heard:,.0f} spans/s with listeners, {alone:,.0f} without")
    return heard, alone


def _rate(server: Server, load: Load) -> float:
    """Spans acknowledged, stored and queryable, a second."""
    before = stored.count(server.data, load.signal)
    sent = send(replace(load, endpoint=server.grpc, seed=before))
    queryable, _ = stored.drained(server.data, load.signal, before + sent.acked_items)
    return sent.acked_items / (queryable - sent.began) * NS_PER_S


def _figures(
    found: Asked, used: dict[str, float], pace: float, heard: Sequence[float], alone: Sequence[float]
) -> Figures:
    every = [one for times in found.took_ms.values() for one in times]
    listed = [one for name, times in found.took_ms.items() if name not in FIGURES for one in times]
    return Figures(
        p50_ms=percentile(every, 50),
        p95_ms=percentile(every, 95),
        p99_ms=percentile(every, 99),
        list_p95_ms=percentile(listed, 95),
        asked=len(every),
        endpoint_ms={
            name: (percentile(times, 50), percentile(times, 95), percentile(times, 99))
            for name, times in sorted(found.took_ms.items(), key=lambda one: -percentile(one[1], 95))
        },
        cpu_ratio={name: round(one, 2) for name, one in used.items()},
        pace_spans_per_s=round(pace),
        live_ratio=round(median(heard) / median(alone), 3) if any(alone) else None,
        rates_with=[round(one) for one in heard],
        rates_without=[round(one) for one in alone],
        errors=found.errors,
    )
