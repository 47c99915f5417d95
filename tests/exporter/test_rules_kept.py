"""Rules made over the API, rules turned on or off, and all rules there are together."""

from pathlib import Path
from typing import Any

import pytest

from exporter.alert import kept
from exporter.alert.declared import declared, defaults
from exporter.alert.rule import Group, Rule, Watched
from exporter.control import Control
from exporter.errors import BadConfig
from exporter.rules import Document, read

NOW = 10**18


def rule(name: str = "A", **given: Any) -> Rule:
    return kept.rule_of({"alert": name, "metric": "calls", "threshold": 5} | given)


def document(text: str, source: str = "r.yaml") -> Document:
    return read(text, source, {"groups": Group})


def by_id(rules: tuple[Watched, ...]) -> dict[str, Watched]:
    return {one.id: one for one in rules}


# ── The database ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_kept_rule_comes_back_until_it_is_removed(tmp_path: Path) -> None:
    mine = rule(by=["model"], labels={"team": "chat"}, window="10m")
    first = Control.open(tmp_path)
    with first.writing() as connection:
        assert kept.keep(connection, "api", mine, NOW) == "api/A"
        kept.toggle(connection, "api/A", NOW, on=False, by="mira")
    first.close()
    control = Control.open(tmp_path)
    with control.reading() as connection:
        assert kept.kept(connection) == [("api", mine)]
        assert kept.toggled(connection) == {"api/A": False}
    with control.writing() as connection:
        kept.keep(connection, "api", rule(threshold=7), NOW + 1)  # takes its place
        assert [one.threshold for _, one in kept.kept(connection)] == [7]
        assert kept.remove(connection, "api/A")
        assert not kept.remove(connection, "api/A")
        assert (kept.kept(connection), kept.toggled(connection)) == ([], {})
    control.close()


def test_a_rule_that_today_cannot_be_read_is_left_out(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    control = Control.open(tmp_path)
    with control.writing() as connection:
        kept.keep(connection, "api", rule(), NOW)
        connection.execute("""UPDATE kept_rules SET definition = '{"alert": "A", "metric": "gone"}'""")
        assert kept.kept(connection) == []
    assert "api/A cannot be used" in caplog.text
    control.close()


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"threshold": "5%"}, "threshold: '5%' is not a number; write a number such as 100"),
        ({"metric": None}, "nothing is asked; give one of metric, view (with field) and sql"),
        ({"metrics": "calls"}, "metrics: unknown key metrics; did you mean metric?"),
        ({"operator": "larger"}, "operator: 'larger' is none of"),
        ({"window": 300}, "window: 300 is no duration"),
        ({"annotations": {"summary": "{{ model }}"}}, "annotations.summary: model is no name of a template's"),
        ({"by": ["colour"]}, "by: LLM calls cannot be told apart by colour"),
        ({"labels": {"model": "x"}, "by": ["model"]}, "labels.model: model is a label by which the rule groups"),
        ({"resolve_threshold": 9}, "resolve_threshold: it is above the threshold"),
        ({"operator": "==", "thresholds": {"info": 1, "error": 2}, "threshold": None}, "thresholds: == has no order"),
        ({"operator": "absent"}, "threshold: absent compares with nothing"),
        ({"metric": None, "view": "spanz"}, "view: there is no view spanz with times; did you mean spans?"),
        ({"metric": None, "view": "spans; drop"}, "view: there is no view"),
        ({"metric": None, "view": "spans", "field": 'x" or 1', "aggregation": "avg"}, "field: spans has no column"),
        ({"aggregation": "p95"}, "aggregation: calls adds up and has no p95"),
        ({"metric": "cost", "of": "spans", "threshold": "$1"}, "metric: spans have no cost"),
        ({"alert": "a b"}, "alert: 'a b' cannot be a name"),
        ({"sql": "select 1"}, "sql: metric and sql: only one can be asked"),
    ],
    ids=str,
)
def test_what_is_wrong_with_a_rule_names_the_field_and_the_mend(given: dict[str, Any], told: str) -> None:
    with pytest.raises(BadConfig) as caught:
        rule(**given)
    assert str(caught.value).startswith(told)


# ── All together ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_files_rule_takes_the_place_of_a_default_and_a_hand_may_turn_either_off() -> None:
    mine = "groups:\n  - name: defaults\n    rules:\n      - {alert: SlowCalls, metric: p95_latency, threshold: 9s}\n"
    rules, problems = declared(
        [document(mine)],
        kept=[("api", rule()), ("defaults", rule("SlowCalls"))],
        toggled={"defaults/CostlyHour": False, "nobody's/Rule": True},
    )
    assert problems == ()
    found = by_id(rules)
    assert found["defaults/SlowCalls"].origin == "r.yaml:4"
    assert found["defaults/SlowCalls"].rule.ladder[0].threshold == 9e9
    assert (found["defaults/CostlyHour"].enabled, found["defaults/ColdCache"].enabled) == (False, True)
    assert (found["api/A"].is_own, found["defaults/SlowCalls"].is_own) == (True, False)
    assert len(found) == len(defaults()) + 1


def test_without_defaults_there_is_what_people_wrote() -> None:
    assert declared([], with_defaults=False) == ((), ())


def test_what_is_wrong_between_files_and_in_templates_is_told_with_its_place() -> None:
    one = "groups:\n  - name: g\n    rules:\n      - {alert: A, metric: calls, threshold: 1}\n"
    two = one.replace("threshold: 1", "threshold: 1, annotations: {summary: '{{ model }}'}")
    rules, problems = declared([document(one, "a.yaml"), document(two, "b.yaml")], with_defaults=False)
    assert [one.origin for one in rules] == ["a.yaml:4"]
    assert [str(problem).partition(";")[0] for problem in problems] == ["b.yaml:2:11: there are two groups g"]
    _, problems = declared([document(two.replace("name: g", "name: h"), "b.yaml")])
    assert [(problem.line, problem.message) for problem in problems] == [
        (4, "annotation summary: model is no name of a template's")
    ]


def test_a_group_that_can_be_critical_is_looked_at_more_often() -> None:
    minute = 60 * 10**9
    calm = Group(name="g", rules=(rule(),))
    assert (calm.interval_ns(minute), calm.delay_ns(5)) == (minute, 5)
    assert Group(name="g", rules=(rule(severity="critical"),)).interval_ns(minute) == 15 * 10**9
    told = Group.model_validate({"name": "g", "interval": "1s", "delay": "0s", "rules": [rule(severity="critical")]})
    assert (told.interval_ns(minute), told.delay_ns(5)) == (10**9, 0)
