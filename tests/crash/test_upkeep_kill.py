"""`kill -9` while somebody erases, prices anew or takes a backup: it is done afterwards, wholly, and no more is."""

import subprocess
from pathlib import Path
from random import Random
from typing import Final

import httpx
import pytest

from exporter.clock import SystemClock
from exporter.store import orders
from tests.factories import spans_request
from tests.otlp import key_values
from tests.running import AX, ENVIRON, Server, kill_group, running, sql, until

S: Final = 10**9
SPANS: Final = 6
"""Of each user."""
NANOS: Final = 1000 * 1000
"""What 1,000 tokens cost at one dollar for a million."""
PRICES: Final = """
version = "round {number}"
[[price]]
provider = "openai"
model = "house-model"
input_mtok = {number}
output_mtok = 0
"""
COUNTS: Final = "SELECT user_id, count(*) FROM spans WHERE user_id IS NOT NULL GROUP BY ALL ORDER BY ALL"
COSTS: Final = "SELECT sum(cost_nanos)::BIGINT FROM llm_calls"
EACH_COST: Final = "SELECT DISTINCT cost_nanos FROM llm_calls"
ROLLED: Final = "SELECT sum(cost_nanos)::BIGINT, sum(count)::BIGINT FROM {} WHERE source = 'call'"


def fill(server: Server, users: int) -> None:
    """Calls of some users, a trace each."""
    now = SystemClock().wall()
    for user in range(users):
        export = spans_request(SPANS, user + 1, now - 60 * S, service="desk")
        asked = {"gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "user.id": f"u-{user}"}
        for span in export.resource_spans[0].scope_spans[0].spans:
            del span.attributes[:]
            span.attributes.extend(key_values(asked | {"gen_ai.request.model": "house-model"}))
            span.attributes.extend(key_values({"gen_ai.usage.input_tokens": 1000}))
            span.parent_span_id = b""
        headers = {"Content-Type": "application/x-protobuf"}
        httpx.post(f"{server.http}/v1/traces", content=export.SerializeToString(), headers=headers).raise_for_status()
    until(lambda: server.sql("SELECT count(*) FROM spans") == [(users * SPANS,)], "all are stored")


def _environ(prices: Path) -> dict[str, str]:
    return {"AX_PRICES": str(prices), "AX_RECEIVE_SELF_METRICS_INTERVAL": "0s", "AX_STORE_COMPACTION_INTERVAL": "1s"}


def _orders_survive(tmp_path: Path, rounds: int, seed: int) -> None:
    data, prices, rng = tmp_path / "data", tmp_path / "prices.toml", Random(seed)
    prices.write_text(PRICES.format(number=1))
    there = {f"u-{user}": SPANS for user in range(rounds + 1)}
    calls = len(there) * SPANS
    with running(data, environ=_environ(prices)) as server:
        fill(server, len(there))
    for number in range(rounds):
        gone, price = f"u-{number}", number + 2
        with running(data, environ=_environ(prices)) as server:
            prices.write_text(PRICES.format(number=price))
            orders.give(data, "reprice", {"since_ns": SystemClock().wall() - 3600 * S})
            orders.give(data, "erase", {"whose": "user", "name": gone})
            delay_s = rng.uniform(0.3, 1.2)  # orders are looked for every half second
            with pytest.raises(subprocess.TimeoutExpired):
                server.process.wait(delay_s)
            kill_group(server.process)
        left = there | {gone: 0}
        assert dict(sql(data, COUNTS)) in (there, {user: count for user, count in left.items() if count})
        # Segment by segment: a call has its price of before or the new one.
        assert set(sql(data, EACH_COST)) <= {((price - 1) * NANOS,), (price * NANOS,)}
        there.pop(gone)
        with running(data, environ=_environ(prices)) as server:
            until(lambda there=there: dict(server.sql(COUNTS)) == there, "the order is carried out")
            cost = (price * NANOS * sum(there.values()),)
            until(lambda cost=cost: server.sql(COSTS) == [cost], "calls are priced anew")
            # Rollups name nobody, so they keep what was erased, at its last price.
            minutes, hours = (server.sql(ROLLED.format(name)) for name in ("rollup_1min", "rollup_1hour"))
            assert minutes == hours
            assert minutes[0][1] == calls


@pytest.mark.slow
def test_orders_that_a_kill_interrupts_are_carried_out_by_the_next_start(tmp_path: Path) -> None:
    _orders_survive(tmp_path, 1, 7)


@pytest.mark.slow
def test_forty_orders_that_a_kill_interrupts_are_carried_out(tmp_path: Path) -> None:
    _orders_survive(tmp_path, 40, 8)


@pytest.mark.slow
@pytest.mark.parametrize("delay_s", [0.3, 0.6, 0.7, 0.8, 1.0])
def test_a_backup_that_is_killed_is_not_there_or_whole(tmp_path: Path, delay_s: float) -> None:
    data, target, prices = tmp_path / "data", tmp_path / "copy", tmp_path / "prices.toml"
    prices.write_text(PRICES.format(number=1))
    with running(data, environ=_environ(prices)) as server:
        fill(server, 4)
        command = [*AX, "backup", "--copy", "--data", str(data), str(target)]
        process = subprocess.Popen(command, env=ENVIRON, stdout=subprocess.DEVNULL)
        try:
            process.wait(delay_s)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if not target.exists():
            subprocess.run(command, env=ENVIRON, check=True, stdout=subprocess.DEVNULL)
        assert server.sql("SELECT count(*) FROM spans") == [(4 * SPANS,)]
    restored = [*AX, "restore", str(target), "--data", str(tmp_path / "restored")]
    subprocess.run(restored, env=ENVIRON, check=True, stdout=subprocess.DEVNULL)
    assert sql(tmp_path / "restored", "SELECT count(*) FROM spans") == [(4 * SPANS,)]
