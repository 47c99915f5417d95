"""How many spans a second come in, against a server of the same stack that does nothing with them.

In: seconds and rounds. Out: `Figures`. Client, receiver and writer share the machine.
"""

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from shutil import rmtree
from statistics import median
from tempfile import TemporaryDirectory

import psutil

from exporter.clock import SystemClock
from exporter.units import NS_PER_S
from tests.bench.load import Load, Sent
from tests.bench.payloads import SPANS, write_templates
from tests.running import Server, running, sql

_DRAIN_S = 120.0
_POLL_S = 0.1
_SAMPLE_S = 0.2
_PACE = 1 / 3


@dataclass(frozen=True, slots=True)
class Plan:
    """How long and how often is measured."""

    seconds: float = 12.0
    noop_seconds: float = 5.0
    paced_seconds: float = 15.0
    in_flight: int = 16
    rounds: int = 3
    templates: int = 320


@dataclass(frozen=True, slots=True)
class Figures:
    """Medians over the rounds.

    `spans_per_s` counts spans that were acknowledged, stored and queryable, over the time from the first send until
    the last of them could be queried. `noop_spans_per_s` is the same client against a handler that does nothing,
    before and after. Acknowledgement times are those at a third of `spans_per_s`, from when a request was due.
    `rss_mb` is the peak of the sum over the server's processes, which counts shared pages more than once.
    """

    spans_per_s: int
    noop_spans_per_s: int
    ratio: float
    p50_ack_ms: float
    p99_ack_ms: float
    rss_mb: int
    bytes_per_span: float
    acked_spans: int
    stored_spans: int
    refusals: int
    rounds_spans_per_s: list[int]
    rounds_noop_spans_per_s: list[int]
    errors: list[str]


@dataclass(frozen=True, slots=True)
class Round:
    """One server's life: what was sent, when it was all queryable, what was found."""

    sent: Sent
    spans_per_s: float
    stored: int
    rss_mb: float
    bytes_per_span: float


def measure(plan: Plan, say: Callable[[str], None]) -> Figures:
    """Runs the plan; `say` is told what goes on."""
    with TemporaryDirectory(prefix="ax-bench-") as place:
        room = Path(place)
        load = Load("", str(room / "templates.bin"), plan.seconds, plan.in_flight)
        noop = replace(load, seconds=plan.noop_seconds)
        say(f"making {plan.templates} requests of {SPANS} spans")
        write_templates(Path(load.templates), plan.templates)
        noops = [_noop(noop, say)]
        rounds = [_round(room / f"round-{i}", replace(load, seed=i), say) for i in range(plan.rounds)]
        peak = median(each.spans_per_s for each in rounds)
        noops.append(_noop(noop, say))
        paced = _round(room / "paced", replace(load, seconds=plan.paced_seconds, spans_per_s=peak * _PACE), say)
    return _figures(rounds, paced, peak, noops)


def _figures(rounds: list[Round], paced: Round, peak: float, noops: list[float]) -> Figures:
    lives = [*rounds, paced]
    ack_ms = sorted(paced.sent.latencies_ms)
    return Figures(
        spans_per_s=round(peak),
        noop_spans_per_s=round(median(noops)),
        ratio=round(peak / median(noops), 3),
        p50_ack_ms=round(_percentile(ack_ms, 50), 2),
        p99_ack_ms=round(_percentile(ack_ms, 99), 2),
        rss_mb=round(median(each.rss_mb for each in rounds)),
        bytes_per_span=round(median(each.bytes_per_span for each in rounds), 1),
        acked_spans=sum(each.sent.acked_spans for each in lives),
        stored_spans=sum(each.stored for each in lives),
        refusals=sum(each.sent.refusals for each in lives),
        rounds_spans_per_s=[round(each.spans_per_s) for each in rounds],
        rounds_noop_spans_per_s=[round(each) for each in noops],
        errors=[error for each in lives for error in each.sent.errors],
    )


def _percentile(ordered: list[float], percent: int) -> float:
    """The nearest-rank percentile."""
    return ordered[-(-len(ordered) * percent // 100) - 1]


def _noop(load: Load, say: Callable[[str], None]) -> float:
    with subprocess.Popen(
        [sys.executable, "-m", "tests.bench.noop"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        sent = _send(replace(load, endpoint=f"127.0.0.1:{int(server.stdout.readline())}"))
        server.stdin.close()
    rate = sent.acked_spans / (sent.ended - sent.began) * NS_PER_S
    say(f"a server that does nothing: {rate:,.0f} spans/s")
    return rate


def _round(data: Path, load: Load, say: Callable[[str], None]) -> Round:
    with running(data) as server, _peak_memory(server) as memory:
        sent = _send(replace(load, endpoint=server.grpc))
        queryable = _drained(server, sent.acked_spans)
        stored = _stored(data)
        bytes_per_span = _bytes_per_span(data)
    rmtree(data)
    rate = sent.acked_spans / (queryable - sent.began) * NS_PER_S
    say(
        f"a server of ours: {rate:,.0f} spans/s; {sent.acked_spans:,} acknowledged, {stored:,} stored, "
        f"drained {(queryable - sent.ended) / NS_PER_S:.1f} s after the last answer"
    )
    return Round(sent, rate, stored, memory[0] / 2**20, bytes_per_span)


def _send(load: Load) -> Sent:
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench.load"],
        input=json.dumps(asdict(load)) + "\n",
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return Sent(**json.loads(done.stdout))


def _drained(server: Server, spans: int) -> int:
    """Unix nanoseconds when `spans` could be queried, or when that was given up."""
    clock = SystemClock()
    deadline = clock.monotonic() + int(_DRAIN_S * NS_PER_S)
    while _stored(server.data) < spans and clock.monotonic() < deadline:
        time.sleep(_POLL_S)
    return clock.wall()


def _stored(data: Path) -> int:
    ((count,),) = sql(data, "SELECT count(*) FROM spans WHERE service_name <> 'otel-ax'")
    return int(count)


def _bytes_per_span(data: Path) -> float:
    files = json.loads((data / "manifest.json").read_text())["spans"]
    return sum(int(file["bytes"]) for file in files) / max(sum(int(file["rows"]) for file in files), 1)


@contextmanager
def _peak_memory(server: Server) -> Iterator[list[int]]:
    """A list whose only item is the greatest sum of resident bytes seen so far."""
    peak = [0]
    done = threading.Event()

    def sample() -> None:
        parent = psutil.Process(server.process.pid)
        while not done.wait(_SAMPLE_S):
            total = 0
            with suppress(psutil.NoSuchProcess):
                for process in (parent, *parent.children(recursive=True)):
                    total += process.memory_info().rss
            peak[0] = max(peak[0], total)

    thread = threading.Thread(target=sample)
    thread.start()
    try:
        yield peak
    finally:
        done.set()
        thread.join()
