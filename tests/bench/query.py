"""How long queries take over spans, log records and points of one day that came in through the server.

In: a `Plan`. Out: `Figures`. The queries run on `ax.duckdb`, in another process than the server, which is up and idle.
"""

import asyncio
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from itertools import count
from pathlib import Path
from random import Random
from statistics import median
from tempfile import TemporaryDirectory
from typing import Final

import duckdb
import grpc

from exporter.clock import SystemClock
from exporter.model import Signal
from exporter.units import NS_PER_MS, NS_PER_S
from tests.bench import questions, stored
from tests.bench.load import EXPORT, Export
from tests.bench.payloads import Template, template
from tests.bench.rounds import Say
from tests.bench.watch import processes
from tests.running import Server, running

_IN_FLIGHT: Final = 16
_WINDOW_NS: Final = 24 * 3_600 * NS_PER_S
_AGE_NS: Final = 2 * 3_600 * NS_PER_S
"""How old the newest records are: their hours are over, and so merged as they will stay."""
_SETTLED_S: Final = 8.0
_BUSY_PERCENT: Final = 30.0
_LONGEST_S: Final = 1_800.0
_BACK_OFF_S: Final = 0.5
_SPANS_PER_TRACE: Final = 8
_ENVIRON: Final = {
    "AX_RECEIVE_SELF_METRICS_INTERVAL": "0s",
    "AX_STORE_COMPACTION_INTERVAL": "2s",
    "AX_STORE_GRACE": "1s",
}

_PERCENTILES: Final = """
    SELECT gen_ai_request_model, time_bucket(INTERVAL 1 MINUTE, start_time) AS minute,
           quantile_cont(duration_ns, [0.5, 0.95, 0.99])
    FROM spans WHERE gen_ai_request_model IS NOT NULL
"""
# `middle` is an instant in the middle of the day, `trace` the id of a trace that was sent then.
_QUERIES: Final[Mapping[str, str]] = {
    "percentiles_1h": _PERCENTILES
    + "AND start_time >= $middle AND start_time < $middle::TIMESTAMPTZ + INTERVAL 1 HOUR GROUP BY ALL",
    "percentiles_24h": _PERCENTILES + "GROUP BY ALL",
    "trace_by_id": "SELECT * FROM spans WHERE trace_id = $trace",
    "count": "SELECT count(*) FROM spans",
    "attribute": "SELECT count(*) FROM spans WHERE attributes['http.route'] = '/v1/customers/{id}'",
    "logs_ilike": "SELECT count(*) FROM logs WHERE body ILIKE '%timeout%'",
    "logs_of_trace": "SELECT * FROM logs WHERE trace_id = $trace",
    "series_1h": """
        SELECT time_bucket(INTERVAL 1 MINUTE, time) AS minute, service_name, max(value) FROM metrics_sum
        WHERE metric_name = $metric AND time >= $middle AND time < $middle::TIMESTAMPTZ + INTERVAL 1 HOUR GROUP BY ALL
    """,
}


@dataclass(frozen=True, slots=True)
class Plan:
    """`millions` of spans, of log records and of points, of `templates` different requests; `runs` of each query.

    Figures that are quoted are of `--millions 10`, which takes half an hour on two cores. With `--keep DIR` the data
    are made there, or found there as an earlier run with `--keep` has left them: asking can then wait for a calm hour.
    """

    millions: float = 1.0
    templates: int = 160
    runs: int = 7
    threads: int = 2
    keep: str = ""


@dataclass(frozen=True, slots=True)
class _Sent:
    """What is in a data directory: when its day began, and how many records were acknowledged, by signal."""

    first: int
    items: dict[str, int]
    send_s: float


@dataclass(frozen=True, slots=True)
class Figures:
    """Medians of warm runs, in milliseconds; bytes and files are those of live segments once nothing is left to merge.

    `question_ms` are those of our own questions, `naive_ms` the same of the records, one by one.
    `mb_1m_logs_10k_traces` is what a million log records and ten thousand traces of eight spans take at that rate.
    """

    rows: dict[str, int]
    query_ms: dict[str, float]
    first_ms: dict[str, float]
    question_ms: dict[str, float]
    naive_ms: dict[str, float]
    bytes_per_row: dict[str, float]
    mb_1m_logs_10k_traces: float
    files: dict[str, int]
    send_s: float
    settle_s: float
    errors: list[str]


def measure(plan: Plan, say: Say) -> Figures:
    """Runs the plan; `say` is told what goes on."""
    with TemporaryDirectory(prefix="ax-bench-") as place, running(_data(plan, place), environ=_ENVIRON) as server:
        sent = fill(server, plan, say)
        errors = []
        for signal in Signal:
            acked, found = sent.items[signal.label], stored.drained(server.data, signal, sent.items[signal.label])[1]
            errors += [f"{signal.label}: {acked} acknowledged, {found} found"] if found != acked else []
        say(f"all found, sent in {sent.send_s:.0f} s; waiting until nothing is left to merge")
        settle_s = settled(server)
        first_ms, query_ms = _asked(server.data, plan, sent.first + _WINDOW_NS // 2, say)
        answered = questions.answered(server.data, sent.first + _WINDOW_NS, plan.runs, say)
        live = {signal: stored.live(server.data, signal) for signal in Signal}
    bytes_per_row = {signal: one.size_bytes / max(one.rows, 1) for signal, one in live.items()}
    together = 10**6 * bytes_per_row[Signal.LOGS] + 10_000 * _SPANS_PER_TRACE * bytes_per_row[Signal.TRACES]
    return Figures(
        rows={signal.label: one.rows for signal, one in live.items()},
        query_ms=query_ms,
        first_ms=first_ms,
        question_ms=answered.question_ms,
        naive_ms=answered.naive_ms,
        bytes_per_row={signal.label: round(size, 1) for signal, size in bytes_per_row.items()},
        mb_1m_logs_10k_traces=round(together / 10**6, 1),
        files={signal.label: one.files for signal, one in live.items()},
        send_s=round(sent.send_s, 1),
        settle_s=round(settle_s, 1),
        errors=errors,
    )


def _data(plan: Plan, place: str) -> Path:
    return Path(plan.keep).absolute() if plan.keep else Path(place) / "data"


def fill(server: Server, plan: Plan, say: Say) -> _Sent:
    """What was sent to the server: now, unless an earlier run has left word."""
    word = server.data.with_name(f"{server.data.name}.sent.json")
    if word.exists():
        return _Sent(**json.loads(word.read_text()))
    clock = SystemClock()
    began = clock.monotonic()
    first = clock.wall() - _AGE_NS - _WINDOW_NS
    items: dict[str, int] = {}
    for signal in Signal:
        say(f"sending {plan.millions:g} M {signal.label}")
        items[signal.label] = asyncio.run(_send(server.grpc, signal, plan, first))
        stored.drained(server.data, signal, items[signal.label])
    sent = _Sent(first, items, (clock.monotonic() - began) / NS_PER_S)
    word.write_text(json.dumps(asdict(sent)))
    return sent


async def _send(endpoint: str, signal: Signal, plan: Plan, first: int) -> int:
    """Sends a day of records in order of time; how many were acknowledged."""
    requests = _requests([template(signal, seed) for seed in range(plan.templates)], plan, first)
    acked = 0
    async with grpc.aio.insecure_channel(endpoint) as channel:
        export: Export = channel.unary_unary(EXPORT[signal])

        async def keep_sending() -> None:
            nonlocal acked
            for items, body in requests:
                while True:
                    try:
                        await export(body, timeout=60)
                    except grpc.aio.AioRpcError as error:
                        if error.code() is not grpc.StatusCode.RESOURCE_EXHAUSTED:
                            raise
                        await asyncio.sleep(_BACK_OFF_S)
                    else:
                        break
                acked += items

        await asyncio.gather(*(keep_sending() for _ in range(_IN_FLIGHT)))
    return acked


def _requests(templates: list[Template], plan: Plan, first: int) -> Iterator[tuple[int, bytes]]:
    total, rng = int(plan.millions * 10**6), Random(0)
    made = 0
    for number in count():
        if made >= total:
            return
        one = templates[number % len(templates)]
        yield one.items, one.request(rng.getrandbits(63), first + _WINDOW_NS * made // total)
        made += one.items


def settled(server: Server) -> float:
    """Seconds until the writer has had nothing to do for a while: a merge of millions of rows changes no list."""
    clock = SystemClock()
    began = last = clock.monotonic()
    writer = processes(server)["write"]
    while clock.monotonic() - last < _SETTLED_S * NS_PER_S and clock.monotonic() - began < _LONGEST_S * NS_PER_S:
        if writer.cpu_percent(_SETTLED_S / 16) > _BUSY_PERCENT:
            last = clock.monotonic()
    return (last - began) / NS_PER_S


def _asked(data: Path, plan: Plan, middle: int, say: Say) -> tuple[dict[str, float], dict[str, float]]:
    """The first run of each query and the median of the others, in milliseconds."""
    clock = SystemClock()
    first_ms, query_ms = {}, {}
    with duckdb.connect(data / "ax.duckdb", read_only=True, config={"threads": plan.threads}) as connection:
        connection.execute("SET parquet_metadata_cache = true")  # as our own readers do; `first_ms` are without
        known: dict[str, object] = {}
        known["middle"] = connection.execute("SELECT to_timestamp($1)", [middle // NS_PER_S]).fetchall()[0][0]
        of_middle = "FROM spans WHERE start_time >= $1 ORDER BY start_time LIMIT 1"
        known["trace"] = connection.execute(f"SELECT trace_id {of_middle}", [known["middle"]]).fetchall()[0][0]
        known["metric"] = connection.execute("SELECT min(metric_name) FROM metrics_sum").fetchall()[0][0]
        for name, query in _QUERIES.items():
            values = {key: value for key, value in known.items() if f"${key}" in query}
            times = []
            for _ in range(plan.runs + 1):
                began = clock.monotonic()
                connection.execute(query, values).fetchall()
                times.append((clock.monotonic() - began) / NS_PER_MS)
            first_ms[name], query_ms[name] = round(times[0], 1), round(median(times[1:]), 1)
            say(f"{name}: {query_ms[name]} ms")
    return first_ms, query_ms
