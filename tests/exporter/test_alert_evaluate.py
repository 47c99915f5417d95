"""One rule at one slot: all its instances, its own alert when it cannot be evaluated, starts, gaps and edits."""

from collections.abc import Mapping, Sequence

import pytest

from exporter.alert.evaluate import (
    FAULT_RULE_ID,
    GONE,
    Answer,
    Context,
    Failure,
    ended,
    evaluate,
    fault_fingerprint,
    grace_ns,
)
from exporter.alert.rule import Watched
from exporter.alert.shapes import Change, Instance, Labels
from exporter.alert.template import render
from exporter.units import NS_PER_S
from tests.exporter.alerting import MINUTE, START, rule, samples

FAILED = Failure("no such table")


class Evaluated:
    """A rule at one slot after the other, a minute apart; the server has been there for a day."""

    def __init__(self, watched: Watched) -> None:
        self.watched = watched
        self.started_at = START - 1_440 * MINUTE
        self.now = START
        self.instances: tuple[Instance, ...] = ()

    def __call__(self, answer: Mapping[str, float | None] | Failure, *, gap: bool = False) -> list[str]:
        """What is said after the next slot, as `service transition`."""
        found: Answer | Failure = answer if isinstance(answer, Failure) else samples(answer)
        context = Context(self.started_at, MINUTE, gap=gap, render=render)
        self.instances, changes = evaluate(self.watched, self.instances, found, self.now, context)
        self.now += MINUTE
        self.changes = changes
        return [said(change) for change in changes]

    def states(self) -> dict[str, str]:
        return {name(each.labels): each.state for each in self.instances if each.rule_id != FAULT_RULE_ID}


def name(labels: Labels) -> str:
    return dict(labels).get("service", "")


def said(change: Change) -> str:
    whose = "rule" if change.rule_id == FAULT_RULE_ID else name(change.labels)
    return " ".join(each for each in (whose, change.transition, change.reason) if each)


def test_every_group_has_a_state_of_its_own() -> None:
    at = Evaluated(rule())
    assert at({"a": 9, "b": 1}) == ["a firing"]
    assert at({"a": 9, "b": 9}) == ["b firing"]
    assert at({"a": 1, "b": 9}) == ["a resolved false"]
    assert at.states() == {"a": "inactive", "b": "firing"}


def test_what_changed_carries_the_labels_of_both_and_rendered_annotations() -> None:
    watched = rule(labels={"team": "chat"}, annotations={"summary": "{{ labels.service }}: {{ value }}"})
    at = Evaluated(watched)
    at({"a": 9})
    (change,) = at.changes
    assert change.labels == (("service", "a"), ("team", "chat"))
    assert change.annotations == (("summary", "a: 9"),)
    assert (change.rule_id, change.rule, change.at, change.value, change.threshold) == ("g/Slow", "Slow", START, 9, 5)


def test_a_group_that_is_missing_is_kept_for_two_evaluations_and_then_forgotten() -> None:
    at = Evaluated(rule(cooldown="0s"))
    at({"a": 9, "b": 9, "c": 1})
    assert [at({"a": 9}), at({"a": 9})] == [[], []]
    assert at.states() == {"a": "firing", "b": "firing", "c": "inactive"}
    assert at({"a": 9}) == ["b resolved missing_series"]
    assert at.states() == {"a": "firing", "b": "inactive"}
    assert [each.missed for each in at.instances] == [0, GONE]
    for _ in range(15):
        at({"a": 9})
    assert at.states() == {"a": "firing"}


def test_a_group_that_comes_back_is_not_a_new_one() -> None:
    at = Evaluated(rule())
    at({"a": 9, "b": 9})
    for _ in range(3):
        at({"a": 9})
    resolved_at = at.now - MINUTE
    assert at({"a": 9, "b": 9}) == ["b firing"]
    assert [each.resolved_at for each in at.instances] == [None, resolved_at]


def test_where_all_groups_are_gone_there_is_no_data_of_each() -> None:
    at = Evaluated(rule())
    at({"a": 9, "b": 1})
    assert [at({}), at({})] == [[], []]
    assert at({}) == ["a resolved no_data", "a no_data no_data", "b no_data no_data"]
    assert at({"a": 1}) == ["a resolved data", "b resolved missing_series"]
    assert at({"a": 1}) == []


def test_without_groups_nothing_found_is_the_rules_own_instance() -> None:
    at = Evaluated(rule(by=None))
    assert [at({}), at({}), at({})] == [[], [], ["no_data no_data"]]
    counting = Evaluated(rule(by=None, aggregation="count", operator="<"))
    assert counting({}) == ["firing"]


def test_a_failed_question_ends_nothing_and_the_third_in_a_row_is_told() -> None:
    at = Evaluated(rule())
    at({"a": 9})
    assert [at(FAILED), at(FAILED)] == [[], []]
    assert at(FAILED) == ["rule firing"]
    (change,) = at.changes
    assert (change.rule, change.severity, change.labels) == ("AxRuleError", "warning", (("rule", "g/Slow"),))
    assert change.annotations == (("summary", "g/Slow: no such table"),)
    assert change.fingerprint == fault_fingerprint("g/Slow")
    assert at(FAILED) == []
    assert at.states() == {"a": "firing"}
    assert at({"a": 9}) == ["rule resolved false"]
    assert at({"a": 1}) == ["a resolved false"]
    assert [each.rule_id for each in at.instances] == ["g/Slow"]


def test_two_failures_and_an_answer_are_nothing() -> None:
    at = Evaluated(rule())
    for _ in range(4):
        assert [at(FAILED), at(FAILED), at({"a": 1})] == [[], [], []]


def test_more_groups_than_the_limit_are_a_failure_that_ends_nothing() -> None:
    at = Evaluated(rule(limit=2))
    at({"a": 9, "b": 1})
    for expected in ([], [], ["rule firing"]):
        assert at({"a": 1, "b": 1, "c": 1}) == expected
    assert "3 groups, more than its limit of 2" in dict(at.changes[0].annotations)["summary"]
    assert at.states() == {"a": "firing", "b": "inactive"}


def test_rows_that_cannot_be_told_apart_are_a_failure() -> None:
    at = Evaluated(rule())
    twice = [*samples({"a": 9}), *samples({"a": 1})]
    at.instances, _ = evaluate(at.watched, (), twice, at.now, Context(at.started_at, MINUTE))
    assert [(each.rule_id, each.missed) for each in at.instances] == [(FAULT_RULE_ID, 1)]


@pytest.mark.parametrize("found", [{}, {"a": 1, "b": 1}, {"b": 9}, {"a": None, "b": None}], ids=str)
def test_a_gap_of_our_own_ends_nothing_and_is_no_lack_of_data(found: Mapping[str, float | None]) -> None:
    at = Evaluated(rule())
    at({"a": 9, "b": 9})
    for _ in range(5):
        assert at(found, gap=True) == []
    assert at.states() == {"a": "firing", "b": "firing"}
    assert at({"a": 9, "b": 9, "c": 9}, gap=True) == ["c firing"]


@pytest.mark.parametrize(("window", "grace"), [("10s", 60), ("5m", 300)])
def test_after_a_start_a_rule_may_fire_and_not_resolve_for_its_window_or_a_minute(window: str, grace: int) -> None:
    at = Evaluated(rule(window=window))
    assert grace_ns(at.watched.rule) == grace * NS_PER_S
    at({"a": 9, "b": 1})
    at.started_at = at.now
    said = [at({"a": 1, "b": 9}) for _ in range(grace // 60)]
    assert said == [["b firing"], *([[]] * (grace // 60 - 1))]
    assert at({"a": 1, "b": 9}) == ["a resolved false"]


def test_an_edit_of_the_condition_closes_and_one_of_words_or_times_does_not() -> None:
    at = Evaluated(rule())
    at({"a": 9})
    for same in ({"annotations": {"summary": "new"}}, {"for": "5m"}, {"description": "new"}, {"no_data": "ok"}):
        at.watched = rule(**same)
        assert at({"a": 9}) == []
    for other in (
        {"threshold": 6},
        {"operator": ">="},
        {"window": "1m"},
        {"labels": {"team": "x"}},
        {"filter": "model = gpt-5"},
    ):
        at.watched = rule(**other)
        assert at({"a": 9}) == ["a resolved rule_changed", "a firing"]


def test_the_rule_that_is_no_more_leaves_nothing_behind() -> None:
    at = Evaluated(rule(labels={"team": "chat"}))
    at({"a": 9, "b": 1})
    after, changes = ended(at.watched, at.instances, "rule_removed", at.now)
    assert [said(change) for change in changes] == ["a resolved rule_removed"]
    assert changes[0].labels == (("service", "a"), ("team", "chat"))
    assert {each.state for each in after} == {"inactive"}


def test_a_rule_that_is_turned_off_goes_on() -> None:
    watched = rule(enabled=False)
    assert Evaluated(watched)({"a": 9}) == ["a firing"]


def test_labels_that_look_like_others_are_their_own() -> None:
    hostile: Sequence[str] = ("a", "a\x00", "a,b", "1:a", "", "{{ 7*7 }}", "a\n", "\u202ea")
    at = Evaluated(rule())
    assert len(at(dict.fromkeys(hostile, 9.0))) == len(hostile)
    assert len({each.fingerprint for each in at.instances}) == len(hostile)
