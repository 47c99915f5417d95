"""Rollups are always what the stored rows add up to: in any order of arrival, late, doubled, merged and restarted.

The machine sends spans and points to a real store, repeats some, lets time pass, closes and kills the store and takes
its catalog away. `expected` computes every cell anew from the rows as they are stored, in plain Python. At the end all
days are over, and the rows are those that were sent, each once.
"""

import math
import shutil
import tempfile
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from exporter import config, rollup
from exporter.dimensions import DIMENSIONS
from exporter.units import NS_PER_S
from tests.exporter.store_tables import DAY, HOUR, NOON, StillClock, append, ask, opened, table

MINUTE: Final = 60 * NS_PER_S
FOREVER: Final = config.Retention(
    **dict.fromkeys(config.Retention.model_fields, 3_650 * DAY)  # what is gone cannot be counted again
)
WIDTHS: Final = {"rollup_1min": MINUTE, "rollup_1hour": HOUR, "rollup_1day": DAY}
KEYS: Final = ("source", "tenant_id", *DIMENSIONS)
FIGURES: Final = (
    "count",
    "failed",
    "latency_sum_ns",
    "tokens_input",
    "tokens_output",
    "cost_nanos",
    "unpriced",
    "sum",
    "latency_min_ns",
    "latency_max_ns",
    "last",
)

Cells = dict[tuple[Any, ...], dict[str, Any]]

SPAN: Final = st.fixed_dictionaries(
    {
        "ago": st.integers(0, 3 * HOUR // MINUTE).map(lambda minutes: minutes * MINUTE + 7)
        | st.integers(0, 3).map(lambda days: days * DAY + 11),
        "duration_ns": st.sampled_from([-5, 0, 1, 1_000_000, 90 * NS_PER_S, 2 * HOUR]),
        "service_name": st.sampled_from(["shop", "chat"]),
        "gen_ai_operation_name": st.sampled_from(["chat", None]),
        "gen_ai_request_model": st.sampled_from(["gpt-5", None]),
        "gen_ai_response_model": st.sampled_from(["gpt-5-2026", None]),
        "gen_ai_usage_input_tokens": st.sampled_from([None, 0, 70]),
        "gen_ai_usage_output_tokens": st.sampled_from([None, 9]),
        "cost_nanos": st.sampled_from([None, 1_234_567]),
        "unpriced": st.sampled_from([None, "unknown model"]),
        "status_code": st.sampled_from(["ERROR", "UNSET"]),
        "error_type": st.sampled_from(["timeout", None]),
        "is_counted": st.sampled_from([True, False, None]),
        "clock_skew": st.sampled_from([False, False, False, True]),
    }
)
POINT: Final = st.fixed_dictionaries(
    {
        "ago": st.integers(0, 200).map(lambda minutes: minutes * MINUTE + 13),
        "value": st.integers(-8, 8).map(float),
        "metric_name": st.sampled_from(["queue", "load"]),
        "flags": st.sampled_from([0, 1]),
    }
)


def expected(rows: dict[str, list[dict[str, Any]]], width: int) -> Cells:
    """Every cell of `width` nanoseconds, from rows by table."""
    cells: Cells = defaultdict(lambda: {"latency_buckets": Counter(), **dict.fromkeys(FIGURES)})
    for row in rows["spans"]:
        latency = max(row["duration_ns"], 0)
        called = bool(row["is_counted"])
        cell = cells[_key(row, row["start_time_unix_nano"] + latency, width, "call" if called else "span")]
        _add(cell, count=1, failed=row["status_code"] == "ERROR" or row["error_type"] is not None)
        _add(cell, latency_sum_ns=latency, sum=0.0, tokens_input=0, tokens_output=0, cost_nanos=0, unpriced=0)
        if called:
            _add(cell, tokens_input=row["gen_ai_usage_input_tokens"] or 0)
            _add(cell, tokens_output=row["gen_ai_usage_output_tokens"] or 0)
            _add(cell, cost_nanos=row["cost_nanos"] or 0, unpriced=row["unpriced"] is not None)
        cell["latency_min_ns"] = min(latency, latency if cell["latency_min_ns"] is None else cell["latency_min_ns"])
        cell["latency_max_ns"] = max(latency, cell["latency_max_ns"] or 0)
        cell["latency_buckets"][math.ceil(math.log2(latency) * 32) if latency else -1] += 1
    latest: dict[tuple[Any, ...], tuple[int, float]] = {}
    for row in rows["metrics_gauge"]:
        if row["flags"] == 0:
            key = _key(row, row["time_unix_nano"], width, "point")
            _add(cells[key], **dict.fromkeys(FIGURES[1:7], 0))
            _add(cells[key], count=1, sum=row["value"])
            latest[key] = max(latest.get(key, (-1, 0.0)), (row["time_unix_nano"], row["value"]))
            cells[key]["last"] = latest[key][1]
    return dict(cells)


def _key(row: dict[str, Any], own: int, width: int, source: str) -> tuple[Any, ...]:
    arrived = row["ingest_time"].value * 1000
    time = (arrived if row["clock_skew"] else own) // MINUTE * MINUTE // width * width
    called = row.get("gen_ai_request_model") or row.get("gen_ai_response_model")
    return (
        time,
        source,
        row["tenant_id"],
        row["service_name"],
        row["gen_ai_operation_name"],
        row.get("gen_ai_provider_name"),
        called,
        row.get("gen_ai_workflow_name"),
        row.get("gen_ai_agent_name"),
        row.get("metric_name"),
        row.get("metric_unit"),
    )


def _add(cell: dict[str, Any], **more: Any) -> None:
    for name, number in more.items():
        cell[name] = (cell[name] or 0) + number


def found(data: Path, view: str) -> Cells:
    """Every cell of a view; the counts of its sketch by bucket."""
    columns = ", ".join((*KEYS, *FIGURES))
    rows = ask(data, f"SELECT epoch_us(time) * 1000, {columns}, latency_buckets FROM {view}")
    cells: Cells = {}
    for row in rows:
        sketch: Counter[int] = Counter()
        for bucket in row[-1]:
            sketch[bucket["bucket"]] += bucket["count"]
        key = row[: 1 + len(KEYS)]
        assert key not in cells, "a view adds up what belongs together"
        figures = dict(zip(FIGURES, row[1 + len(KEYS) : -1], strict=True))
        cells[key] = {"latency_buckets": Counter({at: n for at, n in sketch.items() if n}), **figures}
    return cells


class Rollups(RuleBasedStateMachine):
    """A store, and all that was sent to it."""

    @initialize()
    def begin(self) -> None:
        self.data = Path(tempfile.mkdtemp(prefix="ax-rollup-"))
        self.clock = StillClock(NOON + 5 * MINUTE)
        self.sent: dict[str, list[pa.Table]] = {"spans": [], "metrics_gauge": []}
        self.store = self._opened()

    def _opened(self) -> Any:
        return opened(self.data, self.clock, retention=FOREVER, grace=HOUR, memory_bytes=64 * 2**20)

    @rule(rows=st.lists(SPAN, min_size=1, max_size=6))
    def send_spans(self, rows: list[dict[str, Any]]) -> None:
        self._send("spans", rows)

    @rule(rows=st.lists(POINT, min_size=1, max_size=4))
    def send_points(self, rows: list[dict[str, Any]]) -> None:
        self._send("metrics_gauge", rows)

    def _send(self, name: str, rows: list[dict[str, Any]]) -> None:
        numbers = sum(part.num_rows for part in self.sent[name])
        columns = {column: [row[column] for row in rows] for column in rows[0] if column != "ago"}
        times = [self.clock.now - row["ago"] + numbers + place for place, row in enumerate(rows)]  # no two are equal
        made = table(name, times, ingest_time=[self.clock.now // 1000] * len(rows), **columns)
        self.sent[name].append(made)
        append(self.store, made, name)

    @rule(data=st.data())
    def send_again(self, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(sorted(self.sent)))
        if self.sent[name]:
            rows = data.draw(st.sampled_from(self.sent[name]))
            some = data.draw(st.lists(st.integers(0, rows.num_rows - 1), min_size=1, max_size=3))
            append(self.store, rows.take(some), name)

    @rule(passed=st.sampled_from([MINUTE, 20 * MINUTE, 70 * MINUTE, 6 * HOUR, DAY]), rounds=st.integers(1, 3))
    def maintain(self, passed: int, rounds: int) -> None:
        self.clock.now += passed
        for _ in range(rounds):
            self.store.maintain(self.clock.now)

    @rule(lost=st.booleans())
    def restart(self, lost: bool) -> None:  # noqa: FBT001
        self.store.close()
        if lost:
            for path in self.data.glob("catalog.sqlite*"):
                path.unlink()
        self.store = self._opened()

    @rule()
    def look(self) -> None:
        rows = {name: self._stored(name) for name in self.sent}
        for view, width in WIDTHS.items():
            assert found(self.data, view) == expected(rows, width), view

    def _stored(self, name: str) -> list[dict[str, Any]]:
        return [row for part in self.store.read(name) for row in _listed(part.select(rollup.NEEDED[name]))]

    def teardown(self) -> None:
        if not hasattr(self, "store"):
            return
        self.look()
        self.clock.now += 8 * DAY
        for _ in range(4):
            self.store.maintain(self.clock.now)
        self.look()
        kept = {name: len(self._stored(name)) for name in self.sent}
        assert kept == {name: sum(part.num_rows for part in parts) for name, parts in self.sent.items()}
        self.store.close()
        shutil.rmtree(self.data)


def _listed(part: pa.Table) -> list[dict[str, Any]]:
    """Rows as Python has them, times as whole microseconds."""
    columns = {name: part[name].to_pylist() for name in part.column_names if name != "ingest_time"}
    columns["ingest_time"] = list(part["ingest_time"].combine_chunks())
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _settings(examples: int, steps: int) -> settings:
    health = list(HealthCheck)
    return settings(max_examples=examples, stateful_step_count=steps, deadline=None, suppress_health_check=health)


class ManyRollups(Rollups):
    """The same, for longer."""


Rollups.TestCase.settings = _settings(4, 10)
ManyRollups.TestCase.settings = _settings(300, 30)
TestRollups = Rollups.TestCase
TestManyRollups = pytest.mark.slow(ManyRollups.TestCase)
