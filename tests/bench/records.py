"""How many log records, or points of metrics, a second come in, beside spans in the same run.

In: a `Plan`. Out: `Figures`. Client, receiver and writer share the machine.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Final

from exporter.model import Signal
from tests.bench import noop, rounds
from tests.bench.load import Load
from tests.bench.payloads import ITEMS, write_templates
from tests.bench.rounds import Peak, Round, Say

_PACE: Final = 1 / 3


@dataclass(frozen=True, slots=True)
class Plan:
    """How long and how often is measured: `--seconds 60` for figures that are quoted.

    `rounds` rounds of `seconds` at full load, each after as many of spans and `noop_seconds` of the same load on a
    server that does nothing; then `paced_seconds` at a third of the rate for acknowledgements. The client has
    `in_flight` requests on their way, made of `templates` different ones.
    """

    signal: str = "logs"
    seconds: float = 10.0
    rounds: int = 3
    noop_seconds: float = 4.0
    paced_seconds: float = 10.0
    in_flight: int = 16
    templates: int = 320


@dataclass(frozen=True, slots=True)
class Figures:
    """Medians over the rounds; what they mean is said in `ingest.Figures`.

    `times_spans` is `records_per_s` as a multiple of `spans_per_s`, whose requests have as many spans.
    """

    records_per_s: int
    noop_records_per_s: int
    ratio: float
    spans_per_s: int
    times_spans: float
    p50_ack_ms: float
    p99_ack_ms: float
    rss_mb: int
    bytes_per_record: float
    at_peak: Peak
    acked_records: int
    stored_records: int
    refusals: int
    rounds_records_per_s: list[int]
    rounds_noop_records_per_s: list[int]
    rounds_spans_per_s: list[int]
    errors: list[str]


def measure(plan: Plan, say: Say) -> Figures:
    """Runs the plan; `say` is told what goes on."""
    with TemporaryDirectory(prefix="ax-bench-") as place:
        room = Path(place)
        signal = Signal[plan.signal.upper()]
        load = _load(room, signal, plan, say)
        of_spans = _load(room, Signal.TRACES, plan, say)
        nothing = replace(load, seconds=min(plan.seconds, plan.noop_seconds))
        noops: list[float] = []
        spans: list[Round] = []
        records: list[Round] = []
        for seed in range(plan.rounds):
            noops.append(noop.rate(nothing, say))
            spans.append(rounds.run(room / "spans", replace(of_spans, seed=seed), say))
            records.append(rounds.run(room / "records", replace(load, seed=seed), say))
        noops.append(noop.rate(nothing, say))
        a_third = rounds.per_s(records) * _PACE
        paced = replace(load, seconds=min(plan.seconds, plan.paced_seconds), items_per_s=a_third)
        acks = rounds.run(room / "acks", paced, say)
    return _figures(records, noops, spans, acks)


def _load(room: Path, signal: Signal, plan: Plan, say: Say) -> Load:
    templates = room / f"{signal.label}.bin"
    say(f"making {plan.templates} requests of {ITEMS} {signal.label}")
    write_templates(templates, plan.templates, signal)
    return Load("", str(templates), plan.seconds, plan.in_flight, signal=signal)


def _figures(records: list[Round], noops: list[float], spans: list[Round], acks: Round) -> Figures:
    lives = [*records, acks]
    at_peak = rounds.peak(records)
    return Figures(
        records_per_s=round(rounds.per_s(records)),
        noop_records_per_s=round(median(noops)),
        ratio=round(rounds.per_s(records) / median(noops), 3),
        spans_per_s=round(rounds.per_s(spans)),
        times_spans=round(rounds.per_s(records) / rounds.per_s(spans), 2),
        p50_ack_ms=rounds.percentile(acks.sent.latencies_ms, 50),
        p99_ack_ms=rounds.percentile(acks.sent.latencies_ms, 99),
        rss_mb=at_peak.total_rss_mb,
        bytes_per_record=at_peak.bytes_per_item,
        at_peak=at_peak,
        acked_records=sum(each.sent.acked_items for each in lives),
        stored_records=sum(each.found for each in lives),
        refusals=sum(each.sent.refusals for each in lives),
        rounds_records_per_s=[round(each.per_s) for each in records],
        rounds_noop_records_per_s=[round(each) for each in noops],
        rounds_spans_per_s=[round(each.per_s) for each in spans],
        errors=[error for each in (*lives, *spans) for error in each.errors],
    )
