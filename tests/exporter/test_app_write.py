"""From the journal to the store: batches, poison, stops, and what is counted."""

import asyncio
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.app import self_metrics
from exporter.app.batch import Batch, Decode
from exporter.app.writer import Writer
from exporter.clock import SystemClock
from exporter.config import Config
from exporter.decode import Decoded, decode
from exporter.figures import Figures, Sample
from exporter.journal import Entry, Journal, Tail
from exporter.model import Request, Signal
from exporter.store import Store
from tests.factories import logs_request, spans_request
from tests.otlp import START, request_of
from tests.running import sql, until

CLOCK = SystemClock()
TENANTS = ("default", "other")


def request(seed: int, *, tenant: str = "default") -> Request:
    """A request of two spans."""
    return request_of(spans_request(2, seed=seed), tenant=tenant, received_at=START + seed)


def entries(requests: Sequence[Request], position: int = 0) -> list[Entry]:
    """Requests as they would lie in the journal, 100 bytes apart."""
    return [Entry(one, position + 100 * i, position + 100 * (i + 1)) for i, one in enumerate(requests)]


def decode_all_but(*poison: Request) -> Decode:
    """The decoder, as if it had a bug that these requests run into."""
    payloads = {one.payload for one in poison}

    def decoded(requests: Sequence[Request]) -> Decoded:
        if any(one.payload in payloads for one in requests):
            raise ValueError("poison")
        config = Config(data=Path())
        return decode(requests, config.limits, config.store.retention)

    return decoded


@settings(max_examples=25)
@given(st.lists(st.tuples(st.booleans(), st.sampled_from(TENANTS)), max_size=12))
def test_a_batch_keeps_all_but_the_guilty_requests(drawn: list[tuple[bool, str]]) -> None:
    requests = [request(seed, tenant=tenant) for seed, (_, tenant) in enumerate(drawn)]
    guilty = [one for one, (is_guilty, _) in zip(requests, drawn, strict=True) if is_guilty]
    batch = Batch(0)
    batch.add(entries(requests), decode_all_but(*guilty))
    good = [one for one in requests if one not in guilty]
    assert {key: table.num_rows for key, table in batch.merged().items()} == {
        (tenant, "spans"): 2 * sum(one.tenant == tenant for one in good)
        for tenant in TENANTS
        if any(one.tenant == tenant for one in good)
    }
    assert sorted(entry.request.received_at for entry in batch.guilty) == [one.received_at for one in guilty]
    counts = batch.counts()
    assert counts.accepted.get(Signal.TRACES, 0) == 2 * len(requests)
    assert counts.stored.get(Signal.TRACES, 0) == 2 * len(good)
    assert counts.dropped.get((Signal.TRACES, "undecodable"), 0) == 2 * len(guilty)
    assert batch.end == 100 * len(requests)


def test_rows_of_a_tenant_stay_in_the_order_in_which_they_came() -> None:
    batch = Batch(0)
    requests = [request(seed, tenant=TENANTS[seed % 2]) for seed in range(6)]
    batch.add(entries(requests[:3]), decode_all_but())
    batch.add(entries(requests[3:], 300), decode_all_but())
    times = batch.merged()["default", "spans"]["ingest_time"].to_pylist()
    assert times == sorted(times)
    assert batch.oldest == requests[0].received_at


@contextmanager
def moving(config: Config, decoder: Decode) -> Iterator[tuple[Writer, Store, Tail]]:
    """A writer at work, as in its process; stopped in order at the end."""
    store = Store.open(config.data, config.store, CLOCK)
    tail = Tail.open(config.data / "journal", store.position)
    writer = Writer(config, store, tail, decoder, CLOCK)
    stopping = threading.Event()
    thread = threading.Thread(target=writer.run, args=(stopping,))
    thread.start()
    try:
        yield writer, store, tail
    finally:
        stopping.set()
        thread.join()
        tail.close()
        store.close()


def journalled(config: Config, requests: Sequence[Request]) -> None:
    """Appends requests as the receiver does."""

    async def append() -> None:
        journal = Journal.open(config.data / "journal", config.journal, CLOCK)
        try:
            await asyncio.gather(*(journal.append(one) for one in requests))
        finally:
            journal.close()

    asyncio.run(append())


def config_of(data: Path, **store: str) -> Config:
    """Settings of a small server."""
    small = {"file_bytes": "1MiB", "min_free_bytes": "1B"}
    return Config.model_validate({"data": data, "journal": small, "store": store})


def test_what_is_in_the_journal_is_stored_and_poison_is_set_aside_alone(tmp_path: Path) -> None:
    config = config_of(tmp_path, flush_interval="50ms")
    requests = [request(seed) for seed in range(5)]
    with moving(config, decode_all_but(requests[2])) as (writer, store, tail):
        journalled(config, [*requests, request_of(logs_request(3))])
        until(lambda: tail.lag_bytes == 0 and store.published > 0, "all is stored")
        assert sql(tmp_path, "SELECT count(*) FROM spans") == [(8,)]
        assert sql(tmp_path, "SELECT count(*) FROM logs") == [(3,)]
        until(lambda: writer.freshness_s(CLOCK.wall()) == 0, "nothing waits")
        counts = store.counters()
        assert counts.dropped == {(Signal.TRACES, "undecodable"): 2}
        assert counts.accepted == {Signal.TRACES: 10, Signal.LOGS: 3}
    (kept,) = (tmp_path / "quarantine").iterdir()
    assert kept.read_bytes() == requests[2].payload
    assert kept.name.endswith(".traces.otlp")


def test_a_stop_drains_the_journal_and_the_next_start_finds_nothing_to_do(tmp_path: Path) -> None:
    config = config_of(tmp_path, flush_interval="1h")
    with moving(config, decode_all_but()):
        journalled(config, [request(seed) for seed in range(3)])
    assert sql(tmp_path, "SELECT count(*) FROM spans") == [(6,)]
    with moving(config, decode_all_but()) as (_, store, tail):
        assert (tail.lag_bytes, tail.read(10**6)) == (0, [])
        assert store.position == tail.position


def test_rows_are_stored_when_there_are_enough_of_them_however_young(tmp_path: Path) -> None:
    config = config_of(tmp_path, flush_interval="1h")
    config = config.model_copy(update={"store": config.store.model_copy(update={"flush_rows": 10_000})})
    with moving(config, decode_all_but()):
        journalled(config, [request_of(spans_request(5_000, seed=seed)) for seed in range(3)])
        until(lambda: sql(tmp_path, "SELECT count(*) FROM spans")[0][0] >= 10_000, "a batch is full")


# ── Our own figures ───────────────────────────────────────────────────────────────────────────────────────────────


def test_our_own_figures_are_cumulative_sums_and_gauges_of_the_service_otel_ax(tmp_path: Path) -> None:
    counters = (Sample("ax_received_items_total", {"signal": "logs"}, 7),)
    gauges = (Sample("ax_freshness_seconds", {}, 0.5), Sample("unknown", {}, 1))
    made = self_metrics.request([Figures(START + 5, START, 1, counters, gauges)], "instance", START + 9)
    assert (made.signal, made.tenant, made.items, made.received_at) == (Signal.METRICS, "default", 2, START + 9)
    config = Config(data=tmp_path)
    tables = decode([made], config.limits, config.store.retention).tables
    (received,) = tables["metrics_sum"].to_pylist()
    assert (received["metric_name"], received["value_int"], received["service_name"]) == (
        "ax.received.items",
        7,
        "otel-ax",
    )
    assert (received["start_time_unix_nano"], received["time_unix_nano"]) == (START, START + 5)
    assert (received["aggregation_temporality"], received["is_monotonic"]) == ("CUMULATIVE", True)
    assert dict(received["attributes"]) == {"signal": "logs"}
    (freshness,) = tables["metrics_gauge"].to_pylist()
    assert (freshness["metric_name"], freshness["value"], freshness["metric_unit"]) == ("ax.freshness", 0.5, "s")


def test_a_server_has_one_identity_and_another_data_directory_another() -> None:
    assert self_metrics.instance_of(Path("/a")) == self_metrics.instance_of(Path("/a"))
    assert self_metrics.instance_of(Path("/a")) != self_metrics.instance_of(Path("/b"))


def test_a_clock_that_went_back_makes_no_negative_freshness(tmp_path: Path) -> None:
    config = config_of(tmp_path, flush_interval="1h")
    with moving(config, decode_all_but()) as (writer, _, _):
        journalled(config, [request(0)])
        assert writer.freshness_s(0) == 0
