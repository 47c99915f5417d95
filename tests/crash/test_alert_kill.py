"""`kill -9` of the process that watches, around its commits and while it sends.

No notice is missed, and what comes twice has the same key; nothing ends that goes on, and nobody is paged again.
"""

import json
import os
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from random import Random, SystemRandom
from threading import Event, Thread
from typing import Final

import pytest

from exporter import figures
from exporter.clock import SystemClock
from exporter.config import Alert, Config, Serve
from exporter.figures import Figures
from exporter.store import Store
from tests.exporter.store_tables import append, opened, spans
from tests.running import ENVIRON, until
from tests.sinks import Got, HttpSink, http_sink

SEED: Final = "ALERT_KILL_SEED"
ROUNDS: Final = "ALERT_KILL_ROUNDS"
RULES: Final = """
groups:
  - name: g
    interval: 1s
    delay: 0s
    rules:
      - alert: Seen
        metric: calls
        of: spans
        by: [service]
        operator: ">="
        threshold: 1
        window: 1h
        severity: critical
        cooldown: 0s
channels:
  - {name: hook, type: webhook, url: "URL"}
routes:
  - {channels: [hook], group_by: [service], group_wait: 0s, group_interval: 0s}
"""
_PATIENCE_S: Final = 200.0
"""On a machine that is busy with other things; the tests are about what comes, not about when."""
MOMENTS: Final = ("sent", "committed", "any", "sent", "any", "settled")
"""When it is killed: at any moment, or right after one of these."""


def test_two_kills_miss_nothing(tmp_path: Path) -> None:
    _survive(tmp_path, rounds=2, seed=int(os.environ.get(SEED, "7")))


@pytest.mark.slow
def test_two_hundred_kills_miss_nothing(tmp_path: Path) -> None:
    seed = int(os.environ.get(SEED, SystemRandom().randrange(10**6)))
    _survive(tmp_path, rounds=int(os.environ.get(ROUNDS, "200")), seed=seed)


def _survive(data: Path, *, rounds: int, seed: int) -> None:
    """Something new to tell of in each round, and a kill; then all of it must have been told, and be as it is."""
    print(f"{rounds} rounds; again with {SEED}={seed}")  # noqa: T201 (pytest shows it with -s, and where it fails)
    rng, clock = Random(seed), SystemClock()
    store = opened(data, clock)  # type: ignore[arg-type] # the machine's
    (data / "rules").mkdir()
    with http_sink() as sink, _others(data, clock):
        path = data / "rules" / "rules.yaml"
        path.write_text(RULES.replace("URL", sink.url))
        for place in range(rounds):
            _happen(store, f"s{place}", clock)
            _kill(data, sink, f"s{place}", MOMENTS[place % len(MOMENTS)], rng)
        with _watching(data) as process:
            everything = {f"s{place}" for place in range(rounds)}
            until(lambda: set(_told(sink, "firing")) == everything, "all are told", seconds=_PATIENCE_S)
            assert process.poll() is None
        assert _states(data) == {"firing": rounds}, "nothing has ended"
        assert _history(data) == {("inactive", "firing"): rounds}, "each began once"
        path.write_text(RULES.replace("URL", sink.url).replace("Seen", "Other").replace("1h", "1s"))
        with _watching(data):
            until(lambda: set(_told(sink, "resolved")) == everything, "all ends are told", seconds=_PATIENCE_S)
    store.close()
    _judge(sink.got, rounds)


def _judge(got: list[Got], rounds: int) -> None:
    """What is said of a service has one key, whenever it is said: once, and at most once more for each kill."""
    keys: dict[tuple[str, str], set[str]] = {}
    for one in got:
        for alert in _alerts(one):
            keys.setdefault(alert, set()).add(one.headers["idempotency-key"])
    assert {len(found) for found in keys.values()} == {1}, "told anew, with another key"
    came = Counter(one.headers["idempotency-key"] for one in got)
    twice = sum(count - 1 for count in came.values())
    print(f"{rounds} kills, {len(keys)} notices, {twice} came twice")  # noqa: T201
    assert twice <= rounds, "at most one more for each kill"


def _kill(data: Path, sink: HttpSink, service: str, moment: str, rng: Random) -> None:
    has_come: dict[str, Callable[[], bool]] = {
        "committed": lambda: service in _services(data, "alerts", "labels"),
        "sent": lambda: service in _told(sink, "firing"),
        "settled": lambda: service in _services(data, "notify_batches", "notices", "WHERE state = 'sent'"),
    }
    with _watching(data) as process:
        if moment == "any":
            time.sleep(rng.uniform(0.5, 4))
        else:
            until(has_come[moment], f"{service} is {moment}", seconds=_PATIENCE_S, every=0.005)
            time.sleep(rng.uniform(0, 0.01))
        assert process.poll() is None
        process.kill()


def _happen(store: Store, service: str, clock: SystemClock) -> None:
    append(store, spans([clock.wall() - 10**9], service_name=service))


@contextmanager
def _watching(data: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """The real process `serve`, as its parent starts it."""
    alert = Alert(defaults=False, delay=0, allow_private=("127.0.0.1",))
    config = Config(data=data, alert=alert, serve=Serve(ui="127.0.0.1:0"))
    with (data / "serve.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "exporter.app.serve"],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=log,
            env=ENVIRON,
        )
    assert process.stdin is not None
    process.stdin.write(config.model_dump_json().encode() + b"\n")
    process.stdin.flush()
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        process.stdin.close()


@contextmanager
def _others(data: Path, clock: SystemClock) -> Iterator[None]:
    """The other processes' signs of life."""
    ended = Event()

    def live() -> None:
        while not ended.is_set():
            for name in ("receive", "write"):
                path = figures.path_of(data, name)
                path.parent.mkdir(exist_ok=True)
                figures.publish(path, Figures(clock.wall(), 1, 1, (), ()))
            ended.wait(0.5)

    thread = Thread(target=live)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _alerts(one: Got) -> list[tuple[str, str]]:
    """The service and what is said of each alert in a request; a slow machine has alerts of its own."""
    notices = one.json()["notices"]
    return [(each["labels"]["service"], each["notice"]) for each in notices if each["rule_id"].startswith("g/")]


def _told(sink: HttpSink, said: str) -> list[str]:
    return [service for one in list(sink.got) for service, what in _alerts(one) if what == said]


def _rows(data: Path, query: str) -> list[tuple[object, ...]]:
    try:
        with closing(sqlite3.connect(f"file:{data}/control.sqlite?mode=ro", uri=True, timeout=5)) as connection:
            return connection.execute(query).fetchall()
    except sqlite3.OperationalError:  # not made yet
        return []


def _services(data: Path, table: str, column: str, where: str = "") -> set[str]:
    found = set()
    for (text,) in _rows(data, f"SELECT {column} FROM {table} {where}"):
        raw = json.loads(str(text))
        for labels in [dict(one["change"]["labels"]) for one in raw] if isinstance(raw, list) else [raw]:
            found.add(str(labels.get("service")))
    return found


def _states(data: Path) -> dict[object, object]:
    return dict(_rows(data, "SELECT state, count(*) FROM alerts WHERE rule_id = 'g/Seen' GROUP BY state"))  # type: ignore[arg-type] # pairs


def _history(data: Path) -> dict[tuple[object, object], object]:
    query = "SELECT from_state, to_state, count(*) FROM alert_history WHERE rule_id = 'g/Seen' GROUP BY 1, 2"
    return {(before, after): count for before, after, count in _rows(data, query)}
