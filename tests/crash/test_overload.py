"""More than fits: bounded memory and backlog, refusals that clients obey, every item accounted for, quick recovery."""

import json
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Final

import pytest

from exporter import figures
from exporter.model import Signal
from tests.bench.payloads import write_templates
from tests.bench.watch import Memory, memory_watched, processes
from tests.crash.flood import Flood, Flooded
from tests.crash.recovery import PUBLISHED_S, RECOVERY_S
from tests.crash.stock import NAMED, SPANS, Exports, exporting
from tests.ledger import ALONE, adds_up, items_of
from tests.running import Server, running, until

MIB: Final = 2**20
BATCHES: Final = "SELECT attributes['batch']::BIGINT, count(*) FROM spans WHERE name = 'work' GROUP BY ALL"
ROWS: Final = "SELECT count(*) FROM spans"
DRAIN_S: Final = 120.0
"""Two GiB that wait are stored within that; requests are accepted again long before."""
TOLD: Final = re.compile(r"RESOURCE_EXHAUSTED.*retrying in (\d+\.\d+)s")
"""What the exporter over gRPC says when it is told to wait."""


def test_a_writer_that_stands_still_makes_the_receiver_refuse_until_it_goes_on(tmp_path: Path) -> None:
    environ = ALONE | {"AX_JOURNAL_BACKLOG_BYTES": "4MiB"}
    with running(tmp_path / "data", environ=environ) as server, memory_watched(server) as memory:
        with flooded(server, tmp_path, clients=16, seconds=6, obeys=True) as answer, standing_still(server):
            until(lambda: _backlog(server) > 4 * MIB, "the backlog is full")
            with exporting(server, grpc=2, http=1) as exports:
                until(lambda: exports.refusals >= 3, "the stock exporters are refused")
                assert exports.delivered == set()
                processes(server)["write"].send_signal(signal.SIGCONT)
        done = answer()
        _assert_all_is_accounted_for(server, done, exports)
        assert _backlog(server) == 0
    assert exports.given_up == set()
    assert len(exports.delivered) >= 3
    _say(done, exports, memory)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("backlog", "obeys", "drain_s"),
    [("64MiB", True, RECOVERY_S), ("64MiB", False, RECOVERY_S), ("2GiB", False, DRAIN_S)],
)
def test_an_overload_is_bounded_and_passes(tmp_path: Path, backlog: str, drain_s: float, *, obeys: bool) -> None:
    clients, seconds = 64, 60.0
    environ = ALONE | {"AX_JOURNAL_BACKLOG_BYTES": backlog}
    with running(tmp_path / "data", environ=environ) as server, memory_watched(server) as memory:
        with flooded(server, tmp_path, clients=clients, seconds=seconds, obeys=obeys) as answer:
            time.sleep(seconds / 4)
            with exporting(server, grpc=2, http=2) as exports:
                time.sleep(seconds / 2)
        done = answer()
        _say(done, exports, memory)
        _assert_all_is_accounted_for(server, done, exports, seconds=drain_s)
    assert memory.total < 1_024 * MIB
    assert _percentile(done.ack_ms, 99) < 1_000


@pytest.mark.slow
def test_the_backlog_is_bounded_with_the_settings_that_everybody_has(tmp_path: Path) -> None:
    with running(tmp_path / "data", environ=ALONE) as server, memory_watched(server) as memory:
        with flooded(server, tmp_path, clients=64, seconds=60, obeys=True) as answer, standing_still(server):
            until(lambda: _backlog(server) > 2_048 * MIB, "the backlog is full", seconds=60)
            time.sleep(5)
            assert _backlog(server) < 2_048 * MIB + 64 * MIB
            assert (
                sum(path.stat().st_size for path in (server.data / "journal").glob("*.log")) < 2_048 * MIB + 192 * MIB
            )
            refused = items_of(server)["traces"]["refused"]
            assert refused > 0
            processes(server)["write"].send_signal(signal.SIGCONT)
            accepted = items_of(server)["traces"]["accepted"]
            until(lambda: items_of(server)["traces"]["accepted"] > accepted, "it accepts again", seconds=RECOVERY_S)
        done = answer()
        _say(done, Exports(), memory)
        _assert_all_is_accounted_for(server, done, Exports(), seconds=DRAIN_S)
    assert memory.total < 1_024 * MIB


# ── Load ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@contextmanager
def flooded(
    server: Server, room: Path, *, clients: int, seconds: float, obeys: bool
) -> Iterator[Callable[[], Flooded]]:
    """A process of so many clients; when the `with` has ended, what it calls gives their answers."""
    templates = room / "templates"
    write_templates(templates, 16)
    flood = Flood(server.grpc, str(templates), clients, seconds, obeys)
    with subprocess.Popen(
        [sys.executable, "-m", "tests.crash.flood"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        process.stdin.write(json.dumps(asdict(flood)) + "\n")
        process.stdin.flush()
        try:
            answered: list[str] = []
            yield lambda: Flooded(**json.loads(answered[0]))
            answered.append(process.communicate(timeout=seconds + 90)[0])
        finally:
            process.kill()


@contextmanager
def standing_still(server: Server) -> Iterator[None]:
    """The writer does nothing until it is sent SIGCONT."""
    writer = processes(server)["write"]
    writer.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        writer.send_signal(signal.SIGCONT)


# ── What holds ────────────────────────────────────────────────────────────────────────────────────────────────────


def _assert_all_is_accounted_for(
    server: Server, done: Flooded, exports: Exports, *, seconds: float = RECOVERY_S
) -> None:
    """Sent = acknowledged + refused, to the item; what was acknowledged is stored, once, and nothing else is."""
    assert done.errors == []
    acked = done.acked_items + SPANS * len(exports.delivered)
    until(lambda: server.sql(ROWS)[0][0] >= acked, "what was acknowledged is stored", seconds=seconds)
    time.sleep(PUBLISHED_S)
    assert server.sql(ROWS) == [(acked,)]
    assert Counter(dict(server.sql(BATCHES))) == Counter(done.acked)
    assert dict(server.sql(NAMED)) == dict.fromkeys(exports.delivered, SPANS)
    items = items_of(server)
    assert adds_up(items)
    assert items[Signal.TRACES.label]["accepted"] == acked
    assert items[Signal.TRACES.label]["refused"] == done.refused_items + SPANS * exports.refusals
    assert all(0.5 <= delay <= 2 for delay in done.retry_s)
    assert all(0.5 <= float(told) <= 2 for said in exports.said for told in TOLD.findall(said))


def _backlog(server: Server) -> float:
    """Bytes that wait to be stored, as the receiver last said."""
    told = figures.read(figures.path_of(server.data, "receive"))
    return max((one.value for one in told.gauges if one.name == "ax_journal_backlog_bytes"), default=0) if told else 0


def _percentile(values: list[float], percent: int) -> float:
    ordered = sorted(values)
    return ordered[-(-len(ordered) * percent // 100) - 1] if ordered else 0


def _say(done: Flooded, exports: Exports, memory: Memory) -> None:
    acks, refusals = (
        [round(_percentile(ms, percent), 1) for percent in (50, 90, 99)] for ms in (done.ack_ms, done.refusal_ms)
    )
    sent_items = done.acked_items + done.refused_items
    print(  # noqa: T201 (pytest shows it with -s)
        f"{done.acked_items / done.seconds:,.0f} of {sent_items / done.seconds:,.0f} spans/s acknowledged; "
        f"ms to an acknowledgement {acks}, to a refusal {refusals} (p50, p90, p99); stock exporters: "
        f"{len(exports.delivered)} batches delivered, {len(exports.given_up)} given up, {exports.refusals} refusals; "
        f"memory {memory.total // MIB} MiB, { ({name: rss // MIB for name, rss in memory.of.items()}) }"
    )
