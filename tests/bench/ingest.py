"""How many spans a second come in, against a server of the same stack that does nothing with them.

In: a `Plan`. Out: `Figures`. Client, receiver and writer share the machine.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Final

from tests.bench import freshness, looped, noop, rest, rounds
from tests.bench.freshness import Found
from tests.bench.load import Load
from tests.bench.payloads import ITEMS, write_templates
from tests.bench.rest import Rest
from tests.bench.rounds import Peak, Round, Say

_PACE: Final = 1 / 3


@dataclass(frozen=True, slots=True)
class Plan:
    """How long and how often is measured: `--seconds 60` for figures that are quoted.

    `rounds` rounds of `seconds` at full load, before and after each `noop_seconds` of it on a server that does nothing,
    and with `loops` as often `loops_seconds` of it on one that decodes with loops in Python; then `paced_seconds` at a
    third of the rate for acknowledgements, and as long again for freshness; then `starts` starts (two at least), with
    `idle_seconds` without load in the first two. The client has `in_flight` requests on their way, made of `templates`
    different ones.
    """

    seconds: float = 10.0
    rounds: int = 3
    noop_seconds: float = 4.0
    paced_seconds: float = 10.0
    idle_seconds: float = 30.0
    starts: int = 3
    in_flight: int = 16
    templates: int = 320
    loops: bool = False
    loops_seconds: float = 5.0


@dataclass(frozen=True, slots=True)
class Figures:
    """Medians over the rounds.

    `spans_per_s` counts spans that were acknowledged, stored and queryable, over the time from the first send until
    the last of them could be queried. `noop_spans_per_s` is the same client against a handler that does nothing,
    before and after each round. Acknowledgement times are those at a third of `spans_per_s`, from when a request was
    due; `p50_fresh_ms` and `p99_fresh_ms` say how old a span is when another process first finds it, at the same pace.
    `rss_mb` is the peak of the sum over the server's processes, which counts shared pages more than once.
    """

    spans_per_s: int
    noop_spans_per_s: int
    ratio: float
    loops_spans_per_s: int | None
    times_loops: float | None
    p50_ack_ms: float
    p99_ack_ms: float
    p50_fresh_ms: float
    p99_fresh_ms: float
    rss_mb: int
    bytes_per_span: float
    at_peak: Peak
    ready_s: float
    stop_s: float
    idle_percent: float
    idle_percent_without_own_metrics: float
    acked_spans: int
    stored_spans: int
    refusals: int
    rounds_spans_per_s: list[int]
    rounds_noop_spans_per_s: list[int]
    errors: list[str]


def measure(plan: Plan, say: Say) -> Figures:
    """Runs the plan; `say` is told what goes on."""
    with TemporaryDirectory(prefix="ax-bench-") as place:
        room = Path(place)
        load = Load("", str(room / "templates.bin"), plan.seconds, plan.in_flight)
        say(f"making {plan.templates} requests of {ITEMS} spans")
        write_templates(Path(load.templates), plan.templates)
        nothing = replace(load, seconds=min(plan.seconds, plan.noop_seconds))
        slow = replace(load, seconds=min(plan.seconds, plan.loops_seconds))
        noops = [noop.rate(nothing, say)]
        ours: list[Round] = []
        loops: list[Round] = []
        for seed in range(plan.rounds):
            ours.append(rounds.run(room / "ours", replace(load, seed=seed), say))
            noops.append(noop.rate(nothing, say))
            if plan.loops:
                loops.append(rounds.run(room / "loops", replace(slow, seed=seed), say, looped.running))
        a_third = rounds.per_s(ours) * _PACE
        paced = replace(load, seconds=min(plan.seconds, plan.paced_seconds), items_per_s=a_third)
        acks = rounds.run(room / "acks", paced, say)
        fresh = freshness.run(room / "fresh", paced, say)
        at_rest = rest.measure(room / "fresh", plan.idle_seconds, plan.starts, say)
    return _figures(ours, noops, loops, acks, fresh, at_rest)


def _figures(
    ours: list[Round], noops: list[float], loops: list[Round], acks: Round, fresh: Found, at_rest: Rest
) -> Figures:
    lives = [*ours, *loops, acks]
    at_peak = rounds.peak(ours)
    return Figures(
        spans_per_s=round(rounds.per_s(ours)),
        noop_spans_per_s=round(median(noops)),
        ratio=round(rounds.per_s(ours) / median(noops), 3),
        loops_spans_per_s=round(rounds.per_s(loops)) if loops else None,
        times_loops=round(rounds.per_s(ours) / rounds.per_s(loops), 2) if loops else None,
        p50_ack_ms=rounds.percentile(acks.sent.latencies_ms, 50),
        p99_ack_ms=rounds.percentile(acks.sent.latencies_ms, 99),
        p50_fresh_ms=rounds.percentile(fresh.ages_ms, 50),
        p99_fresh_ms=rounds.percentile(fresh.ages_ms, 99),
        rss_mb=at_peak.total_rss_mb,
        bytes_per_span=at_peak.bytes_per_item,
        at_peak=at_peak,
        ready_s=round(median(at_rest.ready_s), 2),
        stop_s=round(median(at_rest.stop_s), 2),
        idle_percent=round(at_rest.idle_percent, 2),
        idle_percent_without_own_metrics=round(at_rest.idle_percent_without_own_metrics, 2),
        acked_spans=sum(each.sent.acked_items for each in lives),
        stored_spans=sum(each.found for each in lives),
        refusals=sum(each.sent.refusals for each in lives),
        rounds_spans_per_s=[round(each.per_s) for each in ours],
        rounds_noop_spans_per_s=[round(each) for each in noops],
        errors=[error for each in lives for error in each.errors] + fresh.errors,
    )
