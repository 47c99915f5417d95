"""How long the list of live files becomes under steady small traffic: over an hour, and over ninety days.

In: a `Plan`. Out: `Figures`. The real store, on a clock that is set forward; no server.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Final

import duckdb

from exporter.clock import SystemClock
from exporter.config import Config
from exporter.decode import decode
from exporter.model import DEFAULT_TENANT, Request, Signal
from exporter.store import Counts, Store
from exporter.units import NS_PER_MS, NS_PER_S
from tests.bench.payloads import Template, template
from tests.bench.rounds import Say
from tests.otlp import START

_ITEMS: Final = 10
_HOUR_NS: Final = 3_600 * NS_PER_S
_DAY_NS: Final = 24 * _HOUR_NS


@dataclass(frozen=True, slots=True)
class Plan:
    """An hour with a flush of all tables each `hour_every` seconds, and `days` with one each `days_every` seconds."""

    hour_every: float = 1.0
    days: int = 90
    days_every: float = 1_800.0


@dataclass(frozen=True, slots=True)
class List:
    """The greatest number of live files, all tables together and in the longest list; what it was at the end.

    `publish_ms` is the median time to store and publish a flush in the last tenth, `bind_ms` that to open `ax.duckdb`
    and count spans at the end, `database_kb` the size of `ax.duckdb` then.
    """

    flushes: int
    most_files: int
    most_of_a_table: int
    files: int
    publish_ms: float
    bind_ms: float
    database_kb: int


@dataclass(frozen=True, slots=True)
class Figures:
    """After an hour's and after `days` days' traffic."""

    hour: List
    days: List
    errors: list[str]


class _Clock:
    """A clock that stands still between flushes."""

    def __init__(self, now: int) -> None:
        self.now = now

    def wall(self) -> int:
        return self.now

    def monotonic(self) -> int:
        return self.now


def measure(plan: Plan, say: Say) -> Figures:
    """Runs the plan; `say` is told what goes on."""
    hour, hour_errors = _lived("hour", _HOUR_NS, int(plan.hour_every * NS_PER_S), say)
    days, days_errors = _lived("days", plan.days * _DAY_NS, int(plan.days_every * NS_PER_S), say)
    return Figures(hour, days, [*hour_errors, *days_errors])


def _lived(name: str, length: int, every: int, say: Callable[[str], None]) -> tuple[List, list[str]]:
    templates = [template(signal, seed, _ITEMS) for signal in Signal for seed in range(4)]
    clock, real = _Clock(START), SystemClock()
    most = longest = 0
    rows: list[int] = []
    took: list[float] = []
    with TemporaryDirectory(prefix="ax-bench-") as place:
        config = Config(data=Path(place))
        store = Store.open(config.data, config.store, clock)
        flushes = length // every
        for number in range(flushes):
            clock.now = START + number * every
            began = real.monotonic()
            rows.append(_flush(store, config, templates, number, clock.now))
            took.append((real.monotonic() - began) / NS_PER_MS)
            store.maintain(clock.now)
            counts = [stats.segments for stats in store.stats().values()]
            most, longest = max(most, sum(counts)), max(longest, *counts)
            if number % (flushes // 10 or 1) == 0:
                say(f"{name}: {number} of {flushes} flushes, {sum(counts)} files")
        found, bind_ms = _counted(config.data, real)
        size = (config.data / "ax.duckdb").stat().st_size
        store.close()
    last = took[-max(len(took) // 10, 1) :]
    kept = config.store.retention.spans
    least, greatest = (_newer_than(age, rows, every) for age in (kept, kept + _DAY_NS))  # files go as a whole
    errors = [] if least <= found <= greatest else [f"{name}: {least} spans are to be kept, {found} found"]
    return List(
        len(took), most, longest, sum(counts), round(median(last), 1), round(bind_ms, 1), round(size / 1000)
    ), errors


def _newer_than(age: int, rows: Sequence[int], every: int) -> int:
    """How many of the rows of flushes, one each `every` nanoseconds, came less than `age` before the last."""
    return sum(rows[-min(-(-age // every), len(rows)) :])


def _flush(store: Store, config: Config, templates: Iterable[Template], number: int, now: int) -> int:
    """Stores a few requests of each signal; how many spans were in them."""
    of_signal = zip((signal for signal in Signal for _ in range(4)), templates, strict=True)
    requests = [
        Request(signal, DEFAULT_TENANT, now, one.items, one.request(number, now - NS_PER_S))
        for signal, one in of_signal
    ]
    tables = decode(requests, config.limits, config.store.retention).tables
    store.append({(DEFAULT_TENANT, name): table for name, table in tables.items()}, number + 1, Counts())
    return int(tables["spans"].num_rows)


def _counted(data: Path, clock: SystemClock) -> tuple[int, float]:
    began = clock.monotonic()
    with duckdb.connect(data / "ax.duckdb", read_only=True) as connection:
        ((count,),) = connection.execute("SELECT count(*) FROM spans").fetchall()
    return int(count), (clock.monotonic() - began) / NS_PER_MS
