"""What rollups cost beside storing, how far their percentiles are off, and how much sooner they answer than raw rows.

In: a `Plan`. Out: `Figures`. A day of spans is decoded and stored in this process; queries run on `ax.duckdb`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import count, islice
from pathlib import Path
from random import Random
from statistics import median
from tempfile import TemporaryDirectory
from time import process_time
from typing import Any, Final

import duckdb
import pyarrow as pa

from exporter import config
from exporter.clock import SystemClock
from exporter.decode import decode
from exporter.model import Request, Signal
from exporter.store import Counts, Store
from exporter.store.adding import Adding
from exporter.units import NS_PER_MS, NS_PER_S
from tests.bench.payloads import Template, template
from tests.bench.rounds import Say

_HOUR_NS: Final = 3_600 * NS_PER_S
_WINDOW_NS: Final = 24 * _HOUR_NS
_AGE_NS: Final = 2 * _HOUR_NS
"""How old the newest spans are: their hours are over."""
_REQUESTS: Final = 98
"""As many are stored together: 50,000 spans."""
_DECODED_TOGETHER: Final = 14
_ERROR_RATIO: Final = 0.011
_MOST_ROUNDS: Final = 20

_NAIVE: Final = """
    SELECT gen_ai_request_model AS model, time_bucket(INTERVAL '{width}', end_time) AS time, count(*) AS n,
           quantile_disc(duration_ns, 0.95) AS p95
    FROM spans WHERE {where} GROUP BY ALL ORDER BY ALL
"""
_ROLLED: Final = """
    WITH counted AS (
        SELECT model, time, one.bucket AS bucket, sum(one.count) AS n
        FROM (SELECT model, time, unnest(latency_buckets) AS one FROM {cells} WHERE {where})
        GROUP BY ALL
    ), ranked AS (
        SELECT model, time, bucket, sum(n) OVER (PARTITION BY model, time ORDER BY bucket) AS upto,
               sum(n) OVER (PARTITION BY model, time) AS total
        FROM counted
    )
    SELECT model, time, any_value(total)::BIGINT AS n,
           sketch_value(min(bucket) FILTER (upto >= ceil(0.95 * total))) AS p95
    FROM ranked GROUP BY ALL ORDER BY ALL
"""
_MIDDLE: Final = "{column} >= $middle AND {column} < $middle::TIMESTAMPTZ + INTERVAL 1 HOUR"
# Pairs of one question: of raw rows, and of cells. `middle` is a full hour in the middle of the day.
_QUERIES: Final[Mapping[str, tuple[str, str]]] = {
    "p95_by_model_and_hour_24h": (
        _NAIVE.format(width="1 hour", where="true"),
        _ROLLED.format(cells="cells_1hour", where="source <> 'point'"),
    ),
    "p95_by_model_and_minute_1h": (
        _NAIVE.format(width="1 minute", where=_MIDDLE.format(column="end_time")),
        _ROLLED.format(cells="cells_1min", where=f"source <> 'point' AND {_MIDDLE.format(column='time')}"),
    ),
    "tokens_by_model_24h": (
        "SELECT model, count(*), sum(tokens_input)::BIGINT FROM llm_calls GROUP BY ALL ORDER BY ALL",
        """
        SELECT model, sum(count)::BIGINT, sum(tokens_input)::BIGINT FROM rollup_1hour WHERE source = 'call'
        GROUP BY ALL ORDER BY ALL
        """,
    ),
}


@dataclass(frozen=True, slots=True)
class Plan:
    """`millions` of spans of a day, of `templates` different requests; `runs` of each query on `threads`."""

    millions: float = 2.0
    templates: int = 160
    runs: int = 5
    threads: int = 2


@dataclass(frozen=True, slots=True)
class Figures:
    """CPU in µs a span; `cells_share` is that of making cells, of decoding and storing with them; medians in ms.

    `worst_error_ratio` is that of any 95th percentile in the answers against the nearest rank of the raw rows.
    """

    spans: int
    cells: dict[str, int]
    decode_us: float
    store_us: float
    cells_us: float
    cells_share: float
    merge_us: float
    raw_ms: dict[str, float]
    rolled_ms: dict[str, float]
    worst_error_ratio: float
    errors: list[str]


def measure(plan: Plan, say: Say) -> Figures:
    """Runs the plan; `say` is told what goes on."""
    pa.set_cpu_count(1)
    clock = SystemClock()
    first = (clock.wall() - _AGE_NS - _WINDOW_NS) // _HOUR_NS * _HOUR_NS
    with TemporaryDirectory(prefix="ax-bench-") as place:
        data = Path(place) / "data"
        store = Store.open(data, config.Store(), clock)
        spent = _stored(store, plan, first, say)
        began = process_time()
        _settle(store, clock)
        merged_s = process_time() - began
        stats = store.stats()
        raw_ms, rolled_ms, errors, worst = _asked(data, plan, first + _WINDOW_NS // 2, say)
        store.close()
    spans = spent.spans
    return Figures(
        spans=spans,
        cells={name: stats[name].rows for name in ("cells_1min", "cells_1hour")},
        decode_us=round(spent.decode_s * 1e6 / spans, 2),
        store_us=round(spent.store_s * 1e6 / spans, 2),
        cells_us=round(spent.cells_s * 1e6 / spans, 2),
        cells_share=round(spent.cells_s / (spent.decode_s + spent.store_s), 3),
        merge_us=round(merged_s * 1e6 / spans, 2),
        raw_ms=raw_ms,
        rolled_ms=rolled_ms,
        worst_error_ratio=round(worst, 5),
        errors=errors,
    )


@dataclass(slots=True)
class _Spent:
    """Seconds of CPU; those of cells were spent once more, beside the store."""

    spans: int = 0
    decode_s: float = 0.0
    store_s: float = 0.0
    cells_s: float = 0.0


def _stored(store: Store, plan: Plan, first: int, say: Say) -> _Spent:
    spent = _Spent()
    adding = Adding(config.Rollup(), lambda *_: ())
    requests = _requests([template(Signal.TRACES, seed) for seed in range(plan.templates)], plan, first)
    while batch := list(islice(requests, _REQUESTS)):
        began = process_time()
        tables = list(_decoded(batch))
        decoded = process_time()
        rows = {("default", name): pa.concat_tables([one[name] for one in tables]) for name in tables[0]}
        number = rows["default", "spans"].num_rows
        adding.with_cells(rows)
        added = process_time()
        counts = Counts(accepted={Signal.TRACES: number}, stored={Signal.TRACES: number})
        store.append(rows, store.position + 1, counts)
        spent.decode_s += decoded - began
        spent.cells_s += added - decoded
        spent.store_s += process_time() - added
        spent.spans += number
        if spent.spans // 10**6 != (spent.spans - number) // 10**6:
            say(f"{spent.spans / 1e6:.0f} M spans stored")
    return spent


def _decoded(batch: list[Request]) -> Iterator[dict[str, pa.Table]]:
    for place in range(0, len(batch), _DECODED_TOGETHER):
        yield decode(batch[place : place + _DECODED_TOGETHER], config.Limits(), config.Retention()).tables


def _requests(templates: list[Template], plan: Plan, first: int) -> Iterator[Request]:
    total, rng = int(plan.millions * 10**6), Random(0)
    made = 0
    for number in count():
        if made >= total:
            return
        one = templates[number % len(templates)]
        at = first + _WINDOW_NS * made // total
        yield Request(Signal.TRACES, "default", at + NS_PER_S, one.items, one.request(rng.getrandbits(63), at))
        made += one.items


def _settle(store: Store, clock: SystemClock) -> None:
    """Merges until nothing is left to merge."""
    for _ in range(_MOST_ROUNDS):
        before = store.stats()
        store.maintain(clock.wall())
        if store.stats() == before:
            return


def _asked(
    data: Path, plan: Plan, middle: int, say: Say
) -> tuple[dict[str, float], dict[str, float], list[str], float]:
    """Medians of both ways by question, what differs that must not, and the worst error of a percentile."""
    raw_ms, rolled_ms, errors, worst = {}, {}, [], 0.0
    with duckdb.connect(data / "ax.duckdb", read_only=True, config={"threads": plan.threads}) as connection:
        at = connection.execute("SELECT to_timestamp($1)", [middle // NS_PER_S]).fetchall()[0][0]
        for name, (raw, rolled) in _QUERIES.items():
            exact, raw_ms[name] = _timed(connection, raw, at, plan.runs)
            found, rolled_ms[name] = _timed(connection, rolled, at, plan.runs)
            say(f"{name}: {raw_ms[name]} ms raw, {rolled_ms[name]} ms rolled up")
            if [row[:3] for row in exact] != [row[:3] for row in found]:
                errors.append(f"{name}: counts differ")
            worst = max([worst, *(_error(one[3:], other[3:]) for one, other in zip(exact, found, strict=False))])
    if worst > _ERROR_RATIO:
        errors.append(f"a percentile is {worst:.4f} off")
    return raw_ms, rolled_ms, errors, worst


def _error(exact: tuple[float, ...], found: tuple[float, ...]) -> float:
    """How far off the percentiles of a row are, in proportion."""
    return max((abs(one - other) / one for one, other in zip(exact, found, strict=True)), default=0.0)


def _timed(
    connection: duckdb.DuckDBPyConnection, query: str, middle: object, runs: int
) -> tuple[list[tuple[Any, ...]], float]:
    clock = SystemClock()
    values = {"middle": middle} if "$middle" in query else {}
    times, rows = [], []
    for _ in range(runs + 1):
        began = clock.monotonic()
        rows = connection.execute(query, values).fetchall()
        times.append((clock.monotonic() - began) / NS_PER_MS)
    return rows, round(median(times[1:]), 1)
