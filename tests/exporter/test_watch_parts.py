"""The parts of the loop: when silence says nothing, what is declared, threads that end, rounds that harm no other."""

import logging
import sqlite3
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from exporter.alert import listed, saved
from exporter.alert.shapes import Sample
from exporter.config import Alert
from exporter.control import Control
from exporter.figures import Figures
from exporter.figures import Sample as Figure
from exporter.query.period import Period
from exporter.watch import gaps
from exporter.watch.declared import Declared, load, stamp
from exporter.watch.gaps import Seen, observe, touches
from exporter.watch.round import Round, commit
from exporter.watch.threads import Repeated

S = 10**9
T = 1_800_000_000 * S
RULES = """
groups:
  - name: g
    interval: 1s
    delay: 0s
    rules:
      - {alert: Many, metric: calls, threshold: 10, by: [model]}
      - {alert: Few, metric: calls, operator: "<", threshold: 1}
"""


def receiver(at: int, refused: dict[str, int] | None = None, pid: int = 1) -> Figures:
    counters = [Figure("ax_refused_items_total", {"reason": name}, value) for name, value in (refused or {}).items()]
    return Figures(at, T, pid, tuple(counters), ())


def writer(at: int, behind_s: float = 0) -> Figures:
    return Figures(at, T, 2, (), (Figure("ax_freshness_seconds", {}, behind_s),))


def seconds(seen: Seen) -> list[tuple[int, int]]:
    return [((gap.start_ns - T) // S, (gap.end_ns - T) // S) for gap in seen.gaps]


def after(*looks: tuple[Figures | None, Figures | None]) -> Seen:
    """Looked at once a second from `T` on."""
    seen = Seen()
    for place, (receive, write) in enumerate(looks):
        seen = observe(seen, receive, write, T + place * S)
    return seen


def test_a_receiver_that_is_well_leaves_no_gap() -> None:
    assert after(*((receiver(T + n * S, {"malformed": n}), writer(T + n * S, 0.5)) for n in range(9))).gaps == ()


def test_what_it_refused_for_our_own_reasons_is_a_gap() -> None:
    refused = [0, 0, 0, 5, 9, 9, 9, 9]
    looks = ((receiver(T + n * S, {"overloaded": count}), writer(T + n * S)) for n, count in enumerate(refused))
    assert seconds(after(*looks)) == [(1, 4)]


def test_a_receiver_that_is_gone_or_another_leaves_a_gap() -> None:
    gone = [(receiver(T + min(n, 2) * S), writer(T + n * S)) for n in range(12)]
    assert seconds(after(*gone)) == [(2, 11)]
    another = [(receiver(T + n * S, pid=1 if n < 5 else 3), writer(T + n * S)) for n in range(9)]
    assert seconds(after(*another)) == [(3, 5)]
    assert seconds(after((None, None))) == [(0, 0)]


def test_what_the_writer_has_not_stored_is_a_gap() -> None:
    behind = [(receiver(T + n * S), writer(T + n * S, 12 if n == 20 else 1)) for n in range(30)]
    assert seconds(after(*behind)) == [(8, 20)]


def test_a_window_is_touched_by_what_is_within_it() -> None:
    seen = Seen(gaps=(Period(10, 20), Period(50, 60)))
    assert [touches(seen, Period(start, start + 10)) for start in (0, 1, 15, 20, 45, 60)] == [
        False,
        True,
        True,
        False,
        True,
        False,
    ]


def test_gaps_are_bounded_and_a_clock_may_go_back() -> None:
    seen = Seen()
    for place in [*range(0, 40_000, 10), 5]:
        seen = observe(
            seen, receiver(T + place * S, {"disk_full": 1 + abs(place)}), writer(T + place * S), T + place * S
        )
    assert 0 < len(seen.gaps) <= 1_000


@pytest.fixture
def data(tmp_path: Path) -> Path:
    (tmp_path / "rules").mkdir()
    return tmp_path


def ids(declared: Declared) -> list[str]:
    return [one.id for one in declared.rules]


def test_files_ours_and_theirs_are_one_page(data: Path) -> None:
    assert ids(load(data, Alert(defaults=False))) == []
    assert "defaults/SlowCalls" in ids(load(data, Alert()))
    (data / "rules" / "a.yaml").write_text(RULES)
    (data / "rules" / "b.yml").write_text(
        "budgets: [{name: all, usd: 5, per: day}]\nchannels: [{name: c, type: console}]\n"
    )
    (data / "rules" / ".hidden.yaml").write_text("nonsense: [")
    declared = load(data, Alert(defaults=False))
    assert ids(declared) == ["g/Many", "g/Few"]
    assert declared.rules[0].origin == f"{data / 'rules' / 'a.yaml'}:7"
    assert [one.name for one in declared.budgets] == ["all"]
    assert [one.name for one in declared.channels] == ["c"]
    assert declared.problems == ()


def test_of_a_file_that_cannot_be_used_the_last_good_text_holds(data: Path) -> None:
    path = data / "rules" / "a.yaml"
    path.write_text(RULES)
    good = load(data, Alert(defaults=False))
    path.write_text(RULES.replace("threshold: 10", "thresholdd: 10"))
    (data / "rules" / "b.yaml").write_text("groups: [{name: h, rules: [{alert: New, metric: calls, threshold: 3}]}]")
    bad = load(data, Alert(defaults=False), good)
    assert set(ids(bad)) == {"g/Many", "g/Few", "h/New"}
    assert [(one.source, one.line) for one in bad.problems] == [(str(path), 7)] * len(bad.problems) != []
    path.write_text(RULES.replace("threshold: 10", "threshold: 11"))
    mended = load(data, Alert(defaults=False), bad)
    assert mended.problems == ()
    assert {one.rule.threshold for one in mended.rules} == {11, 1, 3}
    path.unlink()
    assert ids(load(data, Alert(defaults=False), mended)) == ["h/New"]


def test_what_does_not_fit_between_files_is_a_problem_and_the_rest_holds(data: Path) -> None:
    (data / "rules" / "a.yaml").write_text("budgets: [{name: all, usd: 5}]\n")
    (data / "rules" / "b.yaml").write_text(
        "budgets: [{name: all, usd: 7}]\nchannels: [{name: log, type: console}]\nroutes: [{channels: [lag]}]\n"
    )
    found = load(data, Alert())
    assert [one.usd for one in found.budgets] == [5 * 10**9]
    path = data / "rules" / "b.yaml"
    assert [str(one).split(";")[0] for one in found.problems] == [
        f"{path}:1:18: there are two budgets all",
        f"{path}:3:22: a route names the channel lag, which is not declared",
    ]


def test_the_stamp_is_another_when_a_file_has_changed(data: Path) -> None:
    path = data / "rules" / "a.yaml"
    seen = [stamp(data)]
    path.write_text(RULES)
    seen.append(stamp(data))
    path.write_text(RULES + "\n")
    seen.append(stamp(data))
    path.with_name("b.yaml").write_text(RULES)
    path.with_name("b.yaml").replace(path)  # as an editor does
    seen.append(stamp(data))
    path.unlink()
    assert len({*seen}) == 4
    assert stamp(data) == seen[0]


def test_a_thread_goes_on_after_a_failure_and_says_it_once(caplog: pytest.LogCaptureFixture) -> None:
    calls: list[int] = []

    def work() -> float:
        calls.append(1)
        if len(calls) < 3:
            raise OSError("the disk is full")
        return 60

    one = Repeated("tested", work)
    one.start()
    until = time.monotonic() + 10
    while len(calls) < 3 and time.monotonic() < until:
        one.wake()
        time.sleep(0.05)
    one.end()
    assert one.join(time.monotonic() + 1)
    assert one.failures == 2
    assert one.failing == ""
    assert [record.levelno for record in caplog.records] == [logging.ERROR]


def test_a_thread_ends_at_once_and_is_not_waited_for_where_it_hangs() -> None:
    idle = Repeated("idle", lambda: 3_600.0)
    never_started = Repeated("never", lambda: 0.0)
    hung = threading.Event()
    stuck = Repeated("stuck", lambda: float(hung.wait(30)))
    idle.start()
    stuck.start()
    time.sleep(0.1)
    began = time.monotonic()
    for one in (idle, stuck, never_started):
        one.end()
    deadline = began + 0.5
    assert [one.join(deadline) for one in (idle, stuck, never_started)] == [True, False, True]
    hung.set()


@pytest.fixture
def control(tmp_path: Path) -> Iterator[Control]:
    control = Control.open(tmp_path)
    yield control
    control.close()


def rounds(data: Path) -> tuple[Declared, Round]:
    (data / "rules" / "a.yaml").write_text(RULES)
    declared = load(data, Alert(defaults=False))
    return declared, Round(declared.rules, T, delay_ns=0, interval_ns=S, started_at=T - 10**13)


def states(control: Control) -> dict[str, str]:
    with control.reading() as connection:
        return {one.rule: one.state for one in listed.listed(connection)}


def health(control: Control) -> dict[str, str]:
    with control.reading() as connection:
        return dict(connection.execute("SELECT id, health FROM alert_rules"))


def test_a_rule_that_breaks_us_harms_no_other(data: Path, control: Control, caplog: pytest.LogCaptureFixture) -> None:
    declared, one = rounds(data)
    with control.writing() as connection:
        saved.declare(connection, [(each, S) for each in declared.rules])
    broken = (Sample(None, 12.0, 12),)  # type: ignore[arg-type] # what no question gives
    for slot in range(3):
        answers = {"g/Many": broken, "g/Few": (Sample((), 0.0, 0),)}
        commit(control, replace(one, at=T + slot * S), answers, declared, T + slot * S, 5)
    assert states(control) == {"Few": "firing", "AxRuleError": "firing"}
    assert health(control) == {"g/Few": "ok", "g/Many": "error"}
    assert "evaluating g/Many" in caplog.text
    fine = {"g/Many": (Sample((("model", "a"),), 12.0, 12),), "g/Few": (Sample((), 0.0, 0),)}
    commit(control, replace(one, at=T + 3 * S), fine, declared, T + 3 * S, 5)
    assert states(control) == {"Few": "firing", "AxRuleError": "resolved", "Many": "firing"}


def test_alert_and_notice_are_committed_together_or_not_at_all(data: Path, control: Control) -> None:
    declared, one = rounds(data)
    answers = {"g/Many": (), "g/Few": (Sample((), 0.0, 0),)}
    with control.writing() as connection:
        connection.execute("ALTER TABLE notify_lines RENAME TO gone")
    with pytest.raises(sqlite3.OperationalError):
        commit(control, one, answers, declared, T, 5)
    assert states(control) == {}
    with control.writing() as connection:
        connection.execute("ALTER TABLE gone RENAME TO notify_lines")
    commit(control, one, answers, declared, T, 5)
    assert states(control) == {"Few": "firing"}
    with control.reading() as connection:
        assert connection.execute("SELECT channel, due_at FROM notify_lines").fetchall() != []


def test_a_gap_holds_what_would_end(data: Path, control: Control) -> None:
    declared, one = rounds(data)
    begin = {"g/Many": (Sample((("model", "a"),), 12.0, 12),), "g/Few": (Sample((), 5.0, 5),)}
    end = {"g/Many": (Sample((("model", "a"),), 1.0, 1),), "g/Few": (Sample((), 5.0, 5),)}
    commit(control, one, begin, declared, T, 5)
    held = replace(one, at=T + S, gaps=frozenset({"g/Many"}))
    commit(control, held, end, declared, T + S, 5)
    assert states(control) == {"Many": "firing"}
    commit(control, replace(one, at=T + 2 * S), end, declared, T + 2 * S, 5)
    assert states(control) == {"Many": "resolved"}


def test_the_least_gap_is_remembered_as_long_as_a_window_is() -> None:
    seen = after((receiver(T), writer(T)), (receiver(T, {"overloaded": 1}), writer(T + S)))
    assert touches(seen, Period(T - 86_400 * S, T + S))
    assert not touches(seen, Period(T + 5 * S, T + 9 * S))
    assert gaps.observe(seen, receiver(T + 2 * S), writer(T + 2 * S), T + 2 * S).refused == 0
