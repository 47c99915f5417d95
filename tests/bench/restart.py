"""How soon a server is ready that finds a full journal and nothing stored, and how soon it has stored it.

In: a `Plan`. Out: `Figures`.
"""

import asyncio
from dataclasses import dataclass
from pathlib import Path
from random import Random
from shutil import rmtree
from statistics import median
from tempfile import TemporaryDirectory

from exporter.clock import SystemClock
from exporter.config import Config
from exporter.journal import Journal
from exporter.model import DEFAULT_TENANT, Request, Signal
from exporter.units import NS_PER_S
from tests.bench import stored
from tests.bench.payloads import ITEMS, template
from tests.bench.rounds import Say
from tests.running import running

_TOGETHER = 16


@dataclass(frozen=True, slots=True)
class Plan:
    """`rounds` journals of `megabytes` each, made of `templates` different requests."""

    megabytes: int = 1_000
    rounds: int = 3
    templates: int = 160


@dataclass(frozen=True, slots=True)
class Figures:
    """Medians over the rounds: from the start of `ax serve` to `ready`, and until a query found all of the journal.

    The journal was written just before, so that the disk need not be read.
    """

    ready_s: float
    stored_s: float
    spans_per_s: int
    journal_mb: int
    acked_spans: int
    stored_spans: int
    rounds_ready_s: list[float]
    rounds_stored_s: list[float]
    errors: list[str]


@dataclass(frozen=True, slots=True)
class _Life:
    ready_s: float
    stored_s: float
    spans: int
    found: int


def measure(plan: Plan, say: Say) -> Figures:
    """Runs the plan; `say` is told what goes on."""
    lives: list[_Life] = []
    with TemporaryDirectory(prefix="ax-bench-") as place:
        for seed in range(plan.rounds):
            say(f"writing a journal of {plan.megabytes} MB")
            spans = asyncio.run(_write(Path(place) / "data", plan, Random(seed)))
            lives.append(_life(Path(place) / "data", spans))
            rmtree(Path(place) / "data")
            say(f"ready in {lives[-1].ready_s:.2f} s, {spans:,} spans stored in {lives[-1].stored_s:.1f} s")
    return Figures(
        ready_s=median(life.ready_s for life in lives),
        stored_s=median(life.stored_s for life in lives),
        spans_per_s=round(median(life.spans / life.stored_s for life in lives)),
        journal_mb=plan.megabytes,
        acked_spans=sum(life.spans for life in lives),
        stored_spans=sum(life.found for life in lives),
        rounds_ready_s=[life.ready_s for life in lives],
        rounds_stored_s=[life.stored_s for life in lives],
        errors=[f"{life.spans} journalled, {life.found} stored" for life in lives if life.spans != life.found],
    )


async def _write(data: Path, plan: Plan, rng: Random) -> int:
    """Writes the journal as `receive` does; how many spans are in it."""
    clock = SystemClock()
    templates = [template(Signal.TRACES, seed) for seed in range(plan.templates)]
    journal = Journal.open(data / "journal", Config(data=data).journal, clock)
    written = spans = 0
    try:
        while written < plan.megabytes * 10**6:
            bodies = [rng.choice(templates).request(rng.getrandbits(63), clock.wall()) for _ in range(_TOGETHER)]
            requests = [Request(Signal.TRACES, DEFAULT_TENANT, clock.wall(), ITEMS, body) for body in bodies]
            await asyncio.gather(*(journal.append(request) for request in requests))
            written += sum(map(len, bodies))
            spans += ITEMS * len(bodies)
    finally:
        journal.close()
    return spans


def _life(data: Path, spans: int) -> _Life:
    clock = SystemClock()
    began = clock.monotonic()
    with running(data):
        ready = clock.monotonic()
        _, found = stored.drained(data, Signal.TRACES, spans)
        done = clock.monotonic()
    return _Life(round((ready - began) / NS_PER_S, 2), round((done - began) / NS_PER_S, 2), spans, found)
