"""Alerts in the control database: what evaluations leave, what people see and do, what is forgotten."""

import sqlite3
from collections.abc import Iterator
from dataclasses import fields, replace
from pathlib import Path

import pytest

from exporter.alert import hands, listed, saved
from exporter.alert.evaluate import Context, Failure, evaluate
from exporter.alert.listed import NoAlert
from exporter.alert.rule import Group, Watched
from exporter.alert.shapes import Instance, Sample
from exporter.control import Control

S = 10**9
HOUR = 3_600 * S
T = 1_800_000_000 * S
GROUP = Group.model_validate(
    {
        "name": "g",
        "interval": "60s",
        "rules": [
            {
                "alert": "Slow",
                "metric": "p95_latency",
                "by": ["model"],
                "threshold": "2s",
                "min_samples": 0,
                "window": "1m",
                "labels": {"team": "chat"},
                "annotations": {"summary": "slow"},
            }
        ],
    }
)
SLOW = Watched("g/Slow", GROUP.rules[0], GROUP, "test.yaml:1")
CONTEXT = Context(started_at=T - HOUR, interval_ns=60 * S)


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    control = Control.open(tmp_path)
    with control.writing() as connection:
        yield connection
    control.close()


def at(connection: sqlite3.Connection, slot: int, answer: dict[str, float] | str) -> None:
    """The rule at a slot, in minutes from `T`, answered with a value in seconds by model, or not answered."""
    now = T + slot * 60 * S
    before = saved.instances(connection, SLOW.id)
    found = (
        Failure(answer)
        if isinstance(answer, str)
        else [Sample((("model", model),), value * S, 50) for model, value in answer.items()]
    )
    after, changes = evaluate(SLOW, before, found, now, CONTEXT)
    saved.save(connection, before, after, changes)


def shown(connection: sqlite3.Connection) -> dict[str, str]:
    return {dict(one.labels)["model"]: one.state for one in listed.listed(connection)}


def test_what_an_evaluation_leaves_the_next_one_finds(connection: sqlite3.Connection) -> None:
    known = Instance(
        fingerprint="f",
        rule_id="g/Slow",
        tenant_id="t",
        labels=(("a", "1"), ("b", "ü\x00\n")),
        state="firing",
        episode="e",
        severity="error",
        active_at=1,
        fired_at=2,
        keep_since=3,
        milder_since=4,
        missed=5,
        value=0.5,
        threshold=1.5,
        acknowledged_by="ada",
        acknowledged_at=6,
        resolved_at=7,
        evaluated_at=8,
        expression="x",
    )
    assert all(getattr(known, field.name) != field.default for field in fields(Instance)), "a new field is saved too"
    plain = Instance("g", "g/Slow", "t", ())
    saved.save(connection, [], [known, plain], [])
    assert saved.instances(connection, "g/Slow") == (known, plain)
    assert saved.instances(connection, "g/Other") == ()
    changed = replace(plain, missed=2)
    saved.save(connection, (known, plain), [changed], [])
    assert saved.instances(connection, "g/Slow") == (changed,)


def test_an_alert_goes_from_firing_to_resolved_and_is_told_in_order(connection: sqlite3.Connection) -> None:
    saved.declare(connection, [(SLOW, 60 * S)])
    at(connection, 0, {"a": 1, "b": 3})
    assert shown(connection) == {"b": "firing"}
    at(connection, 1, {"a": 4, "b": 5})
    at(connection, 2, {"a": 4, "b": 1})
    assert shown(connection) == {"a": "firing", "b": "resolved"}
    (fired, over) = listed.listed(connection)
    assert (fired.value, fired.threshold, fired.started_at, fired.unit) == (4 * S, 2 * S, T + 60 * S, "ns")
    assert dict(over.labels) == {"model": "b", "team": "chat"}
    assert (over.resolved_at, over.resolved_by, over.reason) == (T + 120 * S, None, "false")
    lines = [(one.alert_id, one.from_state, one.to_state, one.at - T) for one in listed.history(connection)]
    assert lines == [
        (over.id, "firing", "resolved", 120 * S),
        (fired.id, "inactive", "firing", 60 * S),
        (over.id, "inactive", "firing", 0),
    ]


def test_what_was_pending_and_never_fired_is_no_alert(connection: sqlite3.Connection) -> None:
    patient = replace(SLOW, rule=SLOW.rule.model_copy(update={"hold": 300 * S}))
    for slot, value in ((0, 3 * S), (1, 1 * S)):
        before = saved.instances(connection, SLOW.id)
        answer = [Sample((("model", "a"),), value, 50)]
        after, changes = evaluate(patient, before, answer, T + slot * 60 * S, CONTEXT)
        saved.save(connection, before, after, changes)
        if not slot:
            assert [one.state for one in listed.listed(connection)] == ["pending"]
            pending = listed.listed(connection)[0]
            with pytest.raises(NoAlert, match="has not fired yet"):
                hands.acknowledge(connection, pending.id, "ada", T)
    assert listed.listed(connection) == ()
    assert [one.to_state for one in listed.history(connection)] == ["inactive", "pending"]


def test_somebody_looks_after_it(connection: sqlite3.Connection) -> None:
    at(connection, 0, {"a": 3})
    alert = listed.listed(connection)[0]
    (change,) = hands.acknowledge(connection, alert.id[:4], "ada", T + S, "on it")
    assert (change.transition, change.by, change.rule) == ("acknowledged", "ada", "Slow")
    assert dict(change.labels) == {"model": "a", "team": "chat"}
    seen = listed.find(connection, alert.episode)
    assert (seen.state, seen.acknowledged_by, seen.acknowledged_at, seen.note) == (
        "acknowledged",
        "ada",
        T + S,
        "on it",
    )
    assert hands.acknowledge(connection, alert.id, "ada", T + 2 * S) == ()
    at(connection, 1, {"a": 3})
    assert shown(connection) == {"a": "acknowledged"}, "it stays so while it goes on"
    at(connection, 2, {"a": 1})
    assert shown(connection) == {"a": "resolved"}
    assert listed.find(connection, alert.id, active=False).acknowledged_by == "ada"


def test_somebody_ends_it_and_it_begins_anew_where_it_goes_on(connection: sqlite3.Connection) -> None:
    at(connection, 0, {"a": 3})
    first = listed.listed(connection)[0]
    (change,) = hands.resolve(connection, first.id, "bob", T + S)
    assert (change.transition, change.by, change.reason) == ("resolved", "bob", "by_hand")
    with pytest.raises(NoAlert, match="resolved already"):
        hands.resolve(connection, first.id, "bob", T + 2 * S)
    at(connection, 1, {"a": 3})
    assert [one.state for one in listed.listed(connection)] == ["firing", "resolved"]
    assert listed.find(connection, first.id, active=False).resolved_by == "bob"


@pytest.mark.parametrize("prefix", ["", " ", "zz", "'; DROP TABLE alerts", "%", "ffffffffffff"])
def test_an_id_that_is_none_is_said(connection: sqlite3.Connection, prefix: str) -> None:
    at(connection, 0, {"a": 3})
    with pytest.raises(NoAlert, match="ax monitor alerts list"):
        listed.find(connection, prefix)


def test_an_id_that_is_of_several_is_said(connection: sqlite3.Connection) -> None:
    at(connection, 0, {f"m{number}": 3 for number in range(40)})  # 16 first digits
    common = next(
        digit for digit in "0123456789abcdef" if sum(one.id[0] == digit for one in listed.listed(connection)) > 1
    )
    with pytest.raises(NoAlert, match="several"):
        listed.find(connection, common)


def test_an_alert_of_ours_without_an_instance_is_looked_after_as_others_are(connection: sqlite3.Connection) -> None:
    at(connection, 0, {"a": 3})
    saved.save(connection, saved.instances(connection, SLOW.id), [], [])  # as a budget's, which has none
    alert = listed.listed(connection)[0]
    assert len(hands.acknowledge(connection, alert.id, "ada", T + S)) == 1
    assert shown(connection) == {"a": "acknowledged"}
    assert len(hands.resolve(connection, alert.id, "ada", T + S)) == 1
    assert shown(connection) == {"a": "resolved"}


def test_a_rule_that_is_gone_ends_its_alerts(connection: sqlite3.Connection) -> None:
    at(connection, 0, {"a": 3, "b": 1})
    assert saved.left_behind(connection, [SLOW.id]) == ()
    gone = saved.left_behind(connection, [])
    (change,) = hands.remove(connection, gone, "rule_removed", T + S)
    assert (change.transition, change.reason, dict(change.labels)["team"]) == ("resolved", "rule_removed", "chat")
    assert saved.instances(connection, SLOW.id) == ()
    assert shown(connection) == {"a": "resolved"}


def test_a_rule_that_cannot_be_asked_has_an_alert_of_its_own_and_ends_nothing(connection: sqlite3.Connection) -> None:
    at(connection, 0, {"a": 3})
    for slot in (1, 2, 3):
        at(connection, slot, "no such column")
    assert {one.rule: one.state for one in listed.listed(connection)} == {"Slow": "firing", "AxRuleError": "firing"}
    at(connection, 4, {"a": 3})
    assert {one.rule: one.state for one in listed.listed(connection)} == {"Slow": "firing", "AxRuleError": "resolved"}


def test_what_is_over_is_forgotten_after_a_while_and_what_goes_on_is_not(connection: sqlite3.Connection) -> None:
    at(connection, 0, {"a": 3, "b": 3})
    at(connection, 1, {"a": 1, "b": 3})
    retention = 30 * 24 * HOUR
    saved.forget(connection, T + 10 * 60 * S, retention)
    assert {dict(one.labels)["model"] for one in saved.instances(connection, SLOW.id)} == {"a", "b"}
    saved.forget(connection, T + 20 * 60 * S, retention)
    assert {dict(one.labels)["model"] for one in saved.instances(connection, SLOW.id)} == {"b"}
    assert shown(connection) == {"a": "resolved", "b": "firing"}
    saved.forget(connection, T + retention + 2 * HOUR, retention)
    assert shown(connection) == {"b": "firing"}
    assert listed.history(connection) == ()


def test_alerts_are_counted_by_state_and_severity(connection: sqlite3.Connection) -> None:
    at(connection, 0, {"a": 3, "b": 3, "c": 3})
    at(connection, 10, {"a": 1, "b": 3, "c": 3})
    hands.acknowledge(connection, next(one.id for one in listed.listed(connection, states=["firing"])), "ada", T)
    counted = listed.statistics(connection, T + HOUR)
    assert {(one.state, one.severity): one.alerts for one in counted.counts} == {
        ("acknowledged", "warning"): 1,
        ("firing", "warning"): 1,
        ("resolved", "warning"): 1,
    }
    assert (counted.fired, counted.resolved, counted.mean_resolve_ns) == (3, 1, 600 * S)
    later = listed.statistics(connection, T + 25 * HOUR)
    assert (later.fired, later.resolved, later.mean_resolve_ns) == (0, 0, None)
    assert "resolved" not in {one.state for one in later.counts}


def test_long_lists_are_read_in_pages(connection: sqlite3.Connection) -> None:
    at(connection, 0, {f"m{number}": 3 for number in range(30)})
    at(connection, 1, {f"n{number}": 3 for number in range(30)} | {f"m{number}": 3 for number in range(30)})
    seen: list[str] = []
    before = None
    while page := listed.listed(connection, before=before, limit=7):
        seen += [one.episode for one in page]
        before = (page[-1].started_at, page[-1].episode)
    assert len(seen) == len(set(seen)) == 60
    lines, last = 0, None
    while some := listed.history(connection, before=last, limit=7):
        lines, last = lines + len(some), some[-1].number
    assert lines == 60


def test_rules_are_kept_with_how_they_did(connection: sqlite3.Connection) -> None:
    saved.declare(connection, [(SLOW, 60 * S)])
    saved.evaluated(connection, SLOW.id, "no such table", T, 5, 0)
    saved.evaluated(connection, SLOW.id, "no such table", T + S, 5, 1)
    row = "SELECT health, error, failures, missed, evaluated_at FROM alert_rules"
    assert connection.execute(row).fetchall() == [("error", "no such table", 2, 1, T + S)]
    saved.declare(connection, [(SLOW, 60 * S)])  # read again
    saved.evaluated(connection, SLOW.id, "", T + 2 * S, 5, 1)
    assert connection.execute(row).fetchall() == [("ok", "", 0, 1, T + 2 * S)]
    saved.declare(connection, [])
    assert connection.execute(row).fetchall() == []
