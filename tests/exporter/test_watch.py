"""The loop over real data, with a clock that the test moves: evaluated, told once, ended, started again, stopped."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from exporter import figures
from exporter.alert import listed
from exporter.config import Alert, Config
from exporter.control import Control
from exporter.figures import Figures
from exporter.notify.guard import allowed
from exporter.notify.reach import Reach
from exporter.watch import Watch, hands
from tests.exporter.store_tables import NOON, StillClock, append, ask, opened, spans
from tests.running import until
from tests.sinks import Reply, http_sink

S = 10**9
BUSY = """
groups:
  - name: g
    interval: 1s
    delay: 0s
    rules:
      - alert: Busy
        metric: calls
        of: spans
        operator: ">="
        threshold: 1
        window: 60s
        severity: critical
        cooldown: 0s
        labels: {team: chat}
        annotations: {summary: "{{ value }} spans"}
"""


@dataclass
class Watched:
    watch: Watch
    clock: StillClock
    said: list[str]

    def tick(self, seconds: int = 1) -> None:
        """Moves the clock, second by second, and lets each slot be evaluated."""
        for _ in range(seconds):
            self.clock.now += S
            alive(self.watch, self.clock.now)
            slot = self.clock.now
            self.watch.wake()
            self.until_evaluated(slot - S)

    def until_evaluated(self, after: int) -> None:
        def is_evaluated() -> bool:
            with self.watch.control.reading() as connection:
                at = connection.execute("SELECT min(evaluated_at) FROM alert_rules").fetchone()[0]
            return int(at or 0) > after

        until(is_evaluated, "evaluated", every=0.01)

    def told_of(self, view: str) -> int:
        rows = ask(self.watch.control.path.parent, f"SELECT count(*) FROM {view}")
        return int(rows[0][0])

    def states(self) -> list[str]:
        with self.watch.control.reading() as connection:
            return [one.state for one in listed.listed(connection)]


def alive(watch: Watch, now: int) -> None:
    """Both other processes publish that they are well."""
    for name in ("receive", "write"):
        path = figures.path_of(watch.control.path.parent, name)
        path.parent.mkdir(exist_ok=True)
        figures.publish(path, Figures(now, NOON, 1, (), ()))


@contextmanager
def watching(data: Path, clock: StillClock) -> Iterator[Watched]:
    said: list[str] = []
    settings = Alert(defaults=False, delay=0, allow_private=("127.0.0.1",))
    reach = Reach({}, clock, said.append, allowed(settings.allow_private))
    watch = Watch(Config(data=data, alert=settings), clock, Control.open(data, sets_aside=True), reach)
    alive(watch, clock.now)
    watch.start()
    try:
        until(lambda: bool(watch.declared.channels), "declared")  # the first slot is after this moment
        yield Watched(watch, clock, said)
    finally:
        watch.stop()


@pytest.fixture
def data(tmp_path: Path) -> Iterator[Path]:
    """Two spans that end at noon."""
    store = opened(tmp_path)
    append(store, spans([NOON - S, NOON - S]))
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "busy.yaml").write_text(BUSY)
    yield tmp_path
    store.close()


def texts(said: list[str]) -> list[str]:
    return [line.split(":")[0] for line in said]


def test_a_breach_is_told_once_and_its_end_is_told(data: Path) -> None:
    with watching(data, StillClock(NOON)) as one:
        one.tick(3)
        until(lambda: len(one.said) == 1, "told")
        assert one.states() == ["firing"]
        one.tick(55)
        assert one.states() == ["firing"], "within a minute of the start nothing ends"
        one.tick(10)
        until(lambda: len(one.said) == 2, "told that it is over")
        assert one.states() == ["resolved"]
        assert texts(one.said) == ["FIRING critical", "RESOLVED critical"]


def test_what_is_in_the_control_database_is_in_the_views(data: Path) -> None:
    with watching(data, StillClock(NOON)) as one:
        one.tick(2)
        query = "SELECT rule, state, labels['team'], annotations['summary'] FROM alerts"
        until(lambda: ask(data, query) == [("Busy", "firing", "chat", "2 spans")], "seen", seconds=2)
        assert ask(data, "SELECT unit FROM alerts UNION SELECT unit FROM alert_history") == [("count",)]
        (alert,) = ask(data, "SELECT id FROM alerts")[0]
        other = Control.open(data)  # as a command's
        hands.acknowledge(other, one.watch.declared, alert, "ada", one.clock.now)
        query = "SELECT state, acknowledged_by FROM alerts"
        until(lambda: ask(data, query) == [("acknowledged", "ada")], "seen of another process", seconds=2)
        until(lambda: texts(one.said)[-1].startswith("ACKNOWLEDGED"), "told", seconds=2)
        other.close()
    assert ask(data, "SELECT state FROM alerts") == [("acknowledged",)], "also while no server runs"
    assert ask(data, 'SELECT to_state FROM alert_history ORDER BY "at"') == [("firing",), ("acknowledged",)]


@pytest.mark.slow
def test_after_a_restart_nothing_is_told_again_and_nothing_ends(data: Path) -> None:
    clock = StillClock(NOON)
    with watching(data, clock) as one:
        one.tick(2)
        until(lambda: len(one.said) == 1, "told")
    clock.now += 600 * S
    with watching(data, clock) as one:
        one.tick(30)
        assert one.states() == ["firing"]
        assert one.said == []
        one.tick(35)
        until(lambda: one.states() == ["resolved"], "over, after the grace of a start")


def test_rules_hold_from_the_moment_in_which_their_file_is_saved(data: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = data / "rules" / "busy.yaml"
    with watching(data, StillClock(NOON)) as one:
        one.tick(2)
        path.write_text(BUSY.replace("threshold: 1", "thresholdd: 1"))
        one.tick(3)
        assert one.states() == ["firing"], "the last good rules hold"
        assert f"{path}:11:21" in caplog.text
        assert "did you mean threshold?" in caplog.text
        assert [problem.line for problem in one.watch.declared.problems] == [11]
        path.write_text(BUSY.replace("threshold: 1", "threshold: 3"))
        one.tick(3)
        assert one.states() == ["resolved"]
        with one.watch.control.reading() as connection:
            assert listed.listed(connection)[0].reason == "rule_changed"
        path.write_text(BUSY)
        one.tick(3)
        assert one.states() == ["firing", "resolved"]
        path.unlink()
        one.clock.now += 2 * S
        one.watch.wake()
        until(lambda: one.states() == ["resolved", "resolved"], "a rule that is gone ends")


def test_a_channel_that_is_added_while_an_alert_fires_is_told_of_it_once(data: Path) -> None:
    path, clock = data / "rules" / "channels.yaml", StillClock(NOON)
    path.write_text("channels: [{name: old, type: console}]\n")
    with watching(data, clock) as one:
        one.tick(2)
        until(lambda: texts(one.said) == ["FIRING critical"], "told")
        path.write_text("channels: [{name: old, type: console}, {name: new, type: console}]\n")
        one.tick(2)
        until(lambda: texts(one.said) == ["FIRING critical"] * 2, "the new one is told")
        path.write_text("# again\n" + path.read_text())
        one.watch.reload()
        one.tick(2)
    with watching(data, clock) as again:
        again.tick(2)
        assert again.said == [], "neither is told twice"
        alert = ask(data, "SELECT id FROM alerts")[0][0]
        hands.acknowledge(again.watch.control, again.watch.declared, alert, "ada", clock.now)
        until(lambda: len(again.said) == 2, "both are told")
        path.write_text(path.read_text() + "  # and one more\nroutes: [{channels: [new]}]\n")
        again.watch.reload()
        again.tick(1)
        assert len(again.said) == 2, "nobody is told of what somebody looks after"
    assert texts(one.said) == ["FIRING critical"] * 2


def test_a_channel_that_hangs_delays_nobody(data: Path) -> None:
    with http_sink(Reply(hangs=True)) as sink:
        channels = f"channels: [{{name: a, type: webhook, url: '{sink.url}'}}, {{name: b, type: console}}]\n"
        (data / "rules" / "channels.yaml").write_text(channels)
        with watching(data, StillClock(NOON)) as one:
            one.tick(2)
            until(lambda: len(one.said) == 1, "told", seconds=5)
            until(lambda: one.states() == ["firing"], "evaluated")
            one.tick(3)
            began = time.monotonic()
        assert time.monotonic() - began < 2, "it does not wait for the one that hangs"


def test_budgets_are_checked_after_a_publication(tmp_path: Path) -> None:
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "budget.yaml").write_text("budgets: [{name: all, usd: 1, per: day, alert_at: [50]}]\n")
    store = opened(tmp_path)
    with watching(tmp_path, StillClock(NOON)) as one:
        until(lambda: one.told_of("budgets") == 1, "measured")
        calls = {"is_counted": True, "gen_ai_operation_name": "chat", "cost_nanos": 600_000_000}
        append(store, spans([NOON - S], **calls))
        one.clock.now += 5 * S
        one.watch.wake()
        until(lambda: one.states() == ["firing"], "told")
        until(lambda: ask(tmp_path, "SELECT budget, threshold FROM budget_events") == [("all", 50)], "seen")
        until(lambda: any("50 %" in line for line in one.said), "told")
        (tmp_path / "rules" / "budget.yaml").write_text("budgets: [{name: other, usd: 100, per: day}]\n")
        one.clock.now += 61 * S
        one.watch.reload()
        until(lambda: one.states() == ["resolved"], "a budget that is removed ends what it told")
        until(lambda: texts(one.said)[-1].startswith("RESOLVED"), "told")
        with one.watch.control.reading() as connection:
            assert listed.listed(connection)[0].reason == "budget_removed"
    store.close()


def test_without_published_data_it_waits(tmp_path: Path) -> None:
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "busy.yaml").write_text(BUSY)
    with watching(tmp_path, StillClock(NOON)) as one:
        for _ in range(3):
            one.clock.now += S
            one.watch.wake()
            time.sleep(0.05)
        assert one.states() == []
        assert one.watch.failing() == {}


def test_it_stops_within_a_second_and_lets_go_of_the_database(data: Path) -> None:
    before = threading.active_count()
    with watching(data, StillClock(NOON)) as one:
        one.tick(2)
        began = time.monotonic()
        one.watch.stop()
        assert time.monotonic() - began < 1
    until(lambda: threading.active_count() <= before, "threads are gone", seconds=5)
    assert not (data / "control.sqlite-wal").exists()


def test_no_descriptor_is_left_behind(data: Path) -> None:
    counted: list[int] = []
    for _ in range(3):
        with watching(data, StillClock(NOON)) as one:
            one.tick(1)
        counted.append(len([*Path("/proc/self/fd").iterdir()]))
    assert counted[2] <= counted[1] + 1
