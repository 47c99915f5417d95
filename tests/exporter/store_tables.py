"""Tables as decode makes them, a clock that stands still, and stores in a temporary directory.

In: times and what matters of each row. Out: Arrow tables in `model.arrow_schema`, the other columns empty.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any, Final

import duckdb
import pyarrow as pa

from exporter import config, model
from exporter.decode import mapping
from exporter.model import Signal
from exporter.store import Counts, Store
from exporter.units import NS_PER_S

HOUR: Final = 3_600 * NS_PER_S
DAY: Final = 24 * HOUR
NOON: Final = 1_794_312_000 * NS_PER_S
"""2026-11-10 12:00 UTC."""

_IDS: Final = count(1)


@dataclass
class StillClock:
    """A clock that goes when the test says so."""

    now: int = NOON

    def wall(self) -> int:
        return self.now

    def monotonic(self) -> int:
        return self.now


def table(name: str, times: Sequence[int], /, **columns: Any) -> pa.Table:
    """A row for each time (Unix nanoseconds), with ids of its own and arrived a second later.

    `columns` are lists of values, or one value for all rows.
    """
    rows = len(times)
    ids = [next(_IDS) for _ in times]
    given: dict[str, Any] = {
        "trace_id": [f"{one:032x}" for one in ids],
        "span_id": [f"{one:016x}" for one in ids],
        "start_time_unix_nano": list(times),
        "time_unix_nano": list(times),
        "start_time": [time // 1000 for time in times],
        "time": [time // 1000 for time in times],
        "ingest_time": [(time + NS_PER_S) // 1000 for time in times],
        "service_name": "shop",
        "clock_skew": False,
        "duration_ns": 1_000_000,
        "tenant_id": "default",
        "resource_attributes": '{"service.name"="shop"}',
        "scope_attributes": "{}",
        "attributes": [],
        "attribute_types": "",
        "events": [],
        "links": [],
        "exemplars": [],
        "metric_name": "requests",
        "metric_metadata": "{}",
        "mapping_version": mapping.VERSION,
    } | columns
    arrays = [_array(given.get(column), rows, kind) for column, kind in model.TABLES[name].columns.items()]
    return pa.Table.from_arrays(arrays, schema=model.arrow_schema(model.TABLES[name]))


def _array(given: Any, rows: int, kind: pa.DataType) -> pa.Array:
    values = given if isinstance(given, list) and given else [given] * rows
    if pa.types.is_dictionary(kind):
        return pa.array(values, pa.string()).dictionary_encode()
    return pa.array(values, kind)


def spans(times: Sequence[int], /, **columns: Any) -> pa.Table:
    """`table` of spans."""
    return table("spans", times, **columns)


def seconds(first: int, rows: int) -> list[int]:
    """Times a second apart."""
    return [first + place * NS_PER_S for place in range(rows)]


def opened(data: Path, clock: StillClock | None = None, **settings: Any) -> Store:
    """A store with default settings, but for `settings`."""
    return Store.open(data, config.Store(**settings), clock or StillClock())


def append(store: Store, rows: pa.Table, name: str = "spans", *, tenant: str = "default", by: int = 100) -> None:
    """Append rows as the next `by` bytes of the journal."""
    signal = model.TABLES[name].signal
    counts = Counts(accepted={signal: rows.num_rows}, stored={signal: rows.num_rows})
    store.append({(tenant, name): rows}, store.position + by, counts)


def ask(data: Path, query: str) -> list[tuple[Any, ...]]:
    """The rows of a query on what is published, as any process would ask."""
    with duckdb.connect() as connection:
        connection.execute(f"ATTACH '{data / 'ax.duckdb'}' AS ax (READ_ONLY)")
        connection.execute("USE ax")
        return connection.execute(query).fetchall()


def how_many(data: Path, view: str = "spans") -> int:
    """The rows of a view."""
    number: int = ask(data, f"SELECT count(*) FROM {view}")[0][0]
    return number


def segment_files(data: Path, *, cells: bool = False) -> Iterator[Path]:
    """The Parquet files of records under `segments/`; with those of `cells` that they add up to, where asked for."""
    found = (path for path in (data / "segments").rglob("*.parquet") if path.is_file())
    return (path for path in found if cells or path.relative_to(data / "segments").parts[0] not in model.FIGURES)


def kept(store: Store) -> int:
    """Spans stored, but for doubles."""
    return store.counters().kept(Signal.TRACES)
