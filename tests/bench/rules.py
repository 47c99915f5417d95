"""What a minute of a thousand rules costs: asking, judging, saving, in this process, over calls that are stored.

In: a `Plan`. Out: `Figures`. Rules are of ten kinds of condition over a few windows and filters, as people have them:
many ask the same question and differ in what they make of it. Slots are evaluated and committed as the server does it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter, process_time
from typing import Any, Final

import pyarrow as pa

from exporter import config, model
from exporter.alert import ask
from exporter.alert.declared import declared
from exporter.alert.rule import Group, Watched
from exporter.clock import SystemClock
from exporter.control import Control
from exporter.decode import mapping
from exporter.model import Signal
from exporter.rules import read
from exporter.store import Counts, Store
from exporter.units import NS_PER_S
from exporter.watch.declared import Declared
from exporter.watch.round import Asking, Round, commit
from tests.bench.rounds import Say

_DELAY_NS: Final = 15 * NS_PER_S
_INTERVAL_NS: Final = 60 * NS_PER_S
_TIMEOUT_NS: Final = 60 * NS_PER_S
_LONGEST_NS: Final = 70 * 60 * NS_PER_S
_OF_A_SEGMENT: Final = 10_000
_CONDITIONS: Final = (
    "metric: p95_latency, threshold: 2s",
    "metric: p99_latency, threshold: 4s",
    "metric: error_rate, threshold: 5%",
    "metric: avg_latency, threshold: 1s",
    "metric: cost, threshold: $5",
    "metric: calls, threshold: 100000",
    "metric: tokens, threshold: 10000000",
    "metric: success_rate, operator: lt, threshold: 95%",
    "metric: max_latency, threshold: 60s",
    "metric: calls, aggregation: rate, threshold: 900",
)
_WINDOWS: Final = ("1m", "5m", "10m", "30m", "60m")


@dataclass(frozen=True, slots=True)
class Plan:
    """`rules` in `groups`, with `instances` each; `questions` different ones; `spans` of the last 70 minutes."""

    rules: int = 1_000
    groups: int = 10
    instances: int = 10
    questions: int = 40
    spans: int = 200_000
    slots: int = 5


@dataclass(frozen=True, slots=True)
class Figures:
    """CPU seconds of a minute in which each rule is evaluated once: all, asking, judging and saving; and of a rule."""

    rules: int
    instances: int
    questions: int
    cpu_s_a_minute: float
    ask_cpu_s: float
    judge_and_save_cpu_s: float
    ms_a_rule_median: float
    ms_a_question: float
    errors: list[str]


def measure(plan: Plan, say: Say) -> Figures:
    """Stores calls, declares rules, and evaluates all of them at one slot after the other."""
    with TemporaryDirectory(prefix="ax-bench-") as folder:
        data = Path(folder)
        now = SystemClock().wall()
        say(f"storing {plan.spans} calls")
        _store(data, plan, now)
        document = read(_written(plan), "bench.yaml", {"groups": Group})
        rules, problems = declared([document], with_defaults=False)
        groups: dict[str, list[Watched]] = {}
        for one in rules:
            groups.setdefault(one.group.name, []).append(one)
        control = Control.open(data)
        asking = Asking(_TIMEOUT_NS)
        asked, committed, a_rule = [], [], []
        try:
            for slot in range(plan.slots):
                say(f"slot {slot + 1} of {plan.slots}")
                asked_s = committed_s = 0.0
                for members in groups.values():
                    at = now + slot * NS_PER_S
                    round_ = Round(tuple(members), at, _DELAY_NS, _INTERVAL_NS, now - _LONGEST_NS)
                    begun, cpu = perf_counter(), process_time()
                    answers = asking.answers(data, round_)
                    middle = process_time()
                    commit(control, round_, answers, Declared(rules=rules), at, 0)
                    asked_s += middle - cpu
                    committed_s += process_time() - middle
                    a_rule.append((perf_counter() - begun) / len(members) * 1e3)
                asked.append(asked_s)
                committed.append(committed_s)
            with control.reading() as connection:
                (found,) = connection.execute("SELECT count(*) FROM alert_instances").fetchone()
                (failed,) = connection.execute("SELECT count(*) FROM alert_rules WHERE error <> ''").fetchone()
        finally:
            control.close()
    questions = sum(len({ask.question(one.rule) for one in members}) for members in groups.values())
    errors = [str(problem) for problem in problems]
    errors += [f"{found} instances, not {plan.rules * plan.instances}"] * (found != plan.rules * plan.instances)
    errors += [f"{failed} rules failed"] * bool(failed)
    return Figures(
        rules=len(rules),
        instances=found,
        questions=questions,
        cpu_s_a_minute=round(median(a + b for a, b in zip(asked, committed, strict=True)), 3),
        ask_cpu_s=round(median(asked), 3),
        judge_and_save_cpu_s=round(median(committed), 3),
        ms_a_rule_median=round(median(a_rule), 3),
        ms_a_question=round(median(asked) / questions * 1e3, 3),
        errors=errors,
    )


def _written(plan: Plan) -> str:
    """A file of rules; those of a group share its questions."""
    lines = ["groups:"]
    for group in range(plan.groups):
        lines += [f"  - name: g{group}", "    interval: 60s", "    rules:"]
        for number in range(group, plan.rules, plan.groups):
            place = number // plan.groups
            kind = group + plan.groups * (place % max(plan.questions // plan.groups, 1))
            window = _WINDOWS[kind % len(_WINDOWS)]
            filters = f"'tokens_input > {kind}'"
            condition = _CONDITIONS[place % len(_CONDITIONS)]
            about = f"window: {window}, by: [model], filter: {filters}, labels: {{team: t{group}}}"
            lines.append(f"      - {{alert: R{number}, {condition}, {about}}}")
    return "\n".join(lines) + "\n"


def _store(data: Path, plan: Plan, now: int) -> None:
    store = Store.open(data, config.Store(), SystemClock())
    try:
        for number, rows in enumerate(_calls(plan, now), 1):
            counts = Counts(accepted={Signal.TRACES: rows.num_rows}, stored={Signal.TRACES: rows.num_rows})
            store.append({("default", "spans"): rows}, number * 100, counts)
    finally:
        store.close()


def _calls(plan: Plan, now: int) -> Iterator[pa.Table]:
    random = Random(1)
    table = model.TABLES["spans"]
    segments = max(plan.spans // _OF_A_SEGMENT, 1)
    count, span_ns = plan.spans // segments, _LONGEST_NS // segments
    for segment in range(segments):
        begin = now - _LONGEST_NS + segment * span_ns
        starts = [begin + n * span_ns // count for n in range(count)]
        took = [int(random.lognormvariate(0, 0.5) * NS_PER_S) for _ in starts]
        first = segment * count + 1
        given: dict[str, Any] = {
            "trace_id": [f"{first + n:032x}" for n in range(count)],
            "span_id": [f"{first + n:016x}" for n in range(count)],
            "start_time_unix_nano": starts,
            "start_time": [start // 1_000 for start in starts],
            "ingest_time": [start // 1_000 for start in starts],
            "duration_ns": took,
            "name": "chat",
            "service_name": "bench",
            "tenant_id": "default",
            "clock_skew": False,
            "resource_attributes": "{}",
            "scope_attributes": "{}",
            "attributes": [[] for _ in starts],
            "attribute_types": "",
            "events": [[] for _ in starts],
            "links": [[] for _ in starts],
            "mapping_version": mapping.VERSION,
            "is_counted": True,
            "gen_ai_operation_name": "chat",
            "gen_ai_provider_name": "openai",
            "gen_ai_request_model": [f"m{n % plan.instances}" for n in range(count)],
            "gen_ai_usage_input_tokens": [random.randrange(500, 2_000) for _ in starts],
            "gen_ai_usage_output_tokens": [random.randrange(10, 500) for _ in starts],
            "cost_nanos": [random.randrange(10**5, 10**7) for _ in starts],
            "error_type": ["RateLimitError" if random.random() < 0.02 else None for _ in starts],
        }
        yield pa.Table.from_arrays(
            [_array(given.get(name), count, kind) for name, kind in table.columns.items()],
            schema=model.arrow_schema(table),
        )


def _array(given: Any, rows: int, kind: pa.DataType) -> pa.Array:
    values = given if isinstance(given, list) else [given] * rows
    if pa.types.is_dictionary(kind):
        return pa.array(values, pa.string()).dictionary_encode()
    return pa.array(values, kind)
