"""Rules when things go wrong: edits while they fire, many instances, days of 23 and 25 hours, clocks that jump."""

from datetime import UTC, datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from exporter.alert.evaluate import Context, Failure, evaluate
from exporter.alert.schedule import begun, done, due, slot
from exporter.alert.shapes import Change, Instance, Sample
from exporter.units import NS_PER_S
from tests.exporter.alerting import MINUTE, START, rule

HOUR = 60 * MINUTE
BERLIN = ZoneInfo("Europe/Berlin")


def played(walls: list[int], *, hold: str = "0s", started: int | None = None) -> tuple[list[int], list[Change]]:
    """The slots, and what was said of a rule that is always true, while the wall clock shows `walls`."""
    watched = rule(by=None, **{"for": hold})
    turn = begun("g", MINUTE, walls[0])
    instances: tuple[Instance, ...] = ()
    slots, said = [], []
    for wall in walls:
        turn, at = due(turn, wall)
        if at is not None:
            context = Context(walls[0] if started is None else started, MINUTE)
            instances, changes = evaluate(watched, instances, [Sample((), 9.0, 100)], at, context)
            slots.append(at)
            said += changes
            turn = done(turn)
    return slots, said


@pytest.mark.parametrize("day", [datetime(2026, 3, 29, tzinfo=BERLIN), datetime(2026, 10, 25, tzinfo=BERLIN)], ids=str)
def test_on_days_when_clocks_change_slots_are_a_minute_apart_and_an_alert_stays_one(day: datetime) -> None:
    begin = int(day.astimezone(UTC).timestamp()) * NS_PER_S
    end = int(day.replace(hour=23, minute=59).astimezone(UTC).timestamp()) * NS_PER_S
    assert (end - begin) // HOUR in {22, 24}
    slots, said = played(list(range(begin, end, 10 * NS_PER_S)), hold="2h")
    assert {after - before for before, after in pairwise(slots)} == {MINUTE}
    assert [change.transition for change in said] == ["pending", "firing"]
    assert said[1].at - said[0].at == 2 * HOUR


@pytest.mark.parametrize("seconds", [-1, -59, -61, -600, -86_400])
def test_a_clock_that_is_set_back_fires_nothing_twice_and_resolves_nothing(seconds: int) -> None:
    before = [START + number * MINUTE for number in range(10)]
    back = [before[-1] + seconds * NS_PER_S + number * MINUTE for number in range(20)]
    slots, said = played([*before, *back])
    assert slots == sorted(set(slots))
    assert [change.transition for change in said] == ["firing"]


def test_a_clock_that_is_set_forward_misses_slots_and_waits_no_less_than_one_would_see() -> None:
    walls = [START, START + MINUTE, START + 2 * MINUTE, START + 6 * HOUR, START + 6 * HOUR + MINUTE]
    slots, said = played(walls, hold="5m")
    assert len(slots) == 4
    assert [change.transition for change in said] == ["pending", "firing"]


def test_a_rule_that_is_edited_while_it_fires_ends_one_alert_and_begins_another() -> None:
    watched, other = rule(**{"for": "1m"}), rule(threshold=7, **{"for": "1m"})
    context = Context(0, MINUTE)
    instances: tuple[Instance, ...] = ()
    said: list[Change] = []
    for minute in range(8):
        one = watched if minute < 4 else other
        found = [Sample((("service", "a"),), 9.0, 100)]
        instances, changes = evaluate(one, instances, found, START + minute * MINUTE, context)
        said += changes
    assert [(each.transition, each.reason) for each in said] == [
        ("pending", ""),
        ("firing", ""),
        ("resolved", "rule_changed"),
        ("pending", ""),
        ("firing", ""),
    ]
    assert said[0].episode == said[1].episode == said[2].episode != said[3].episode


def test_a_rule_that_is_edited_while_its_question_fails_is_closed_all_the_same() -> None:
    context = Context(0, MINUTE)
    instances, _ = evaluate(rule(), (), [Sample((("service", "a"),), 9.0, 100)], START, context)
    instances, changes = evaluate(rule(threshold=7), instances, Failure("timeout"), START + MINUTE, context)
    assert [(each.transition, each.reason) for each in changes] == [("resolved", "rule_changed")]


def test_a_question_that_fails_for_a_day_changes_nothing_but_is_told_once() -> None:
    watched, context = rule(), Context(0, MINUTE)
    instances, _ = evaluate(watched, (), [Sample((("service", "a"),), 9.0, 100)], START, context)
    told: list[Change] = []
    for minute in range(1, 1_440):
        instances, changes = evaluate(watched, instances, Failure("timeout"), START + minute * MINUTE, context)
        told += changes
    assert [(each.rule_id, each.transition) for each in told] == [("ax/AxRuleError", "firing")]
    assert [each.state for each in instances] == ["firing", "firing"]


def test_ten_thousand_instances_fire_and_resolve_each_once() -> None:
    watched, context = rule(limit=10_000, **{"for": "1m"}), Context(0, MINUTE)
    instances: tuple[Instance, ...] = ()
    said: list[Change] = []
    for minute, value in enumerate([9.0, 9.0, 9.0, 1.0]):
        found = [Sample((("service", f"s{number}"),), value, 100) for number in range(10_000)]
        instances, changes = evaluate(watched, instances, found, START + minute * MINUTE, context)
        said += changes
    assert [each.transition for each in said] == ["pending"] * 10_000 + ["firing"] * 10_000 + ["resolved"] * 10_000
    assert len({each.episode for each in said}) == 10_000
    found.append(Sample((("service", "one more"),), 1.0, 100))
    after, changes = evaluate(watched, instances, found, START + 9 * MINUTE, context)
    assert changes == ()
    assert {each.state for each in after} == {"inactive"}


def test_labels_that_change_every_minute_do_not_pile_up() -> None:
    watched, context = rule(cooldown="0s", limit=50), Context(0, MINUTE)
    instances: tuple[Instance, ...] = ()
    most = 0
    for minute in range(60):
        found = [Sample((("service", f"{minute}-{number}"),), 9.0, 100) for number in range(50)]
        instances, _ = evaluate(watched, instances, found, START + minute * MINUTE, context)
        most = max(most, len(instances))
    assert most <= 50 * (1 + 2 + 1 + 15)


def test_a_slot_of_a_day_is_at_the_same_time_of_day_in_utc() -> None:
    slots = [slot("nightly", 24 * HOUR, START + days * 24 * HOUR) for days in range(400)]
    assert {after - before for before, after in pairwise(slots)} == {24 * HOUR}
