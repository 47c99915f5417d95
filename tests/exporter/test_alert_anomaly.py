"""`anomaly: true`: a rule that fires where a figure is not what it is at this hour of other days."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from exporter.alert import ask, kept, template
from exporter.alert.evaluate import Context, Failure, evaluate
from exporter.alert.rule import Group, Rule, Watched
from exporter.alert.shapes import Change, Instance, Sample
from exporter.cli.rules_show import condition
from exporter.errors import BadConfig
from exporter.query.views import Views, reading
from exporter.rules import BadRules, read
from tests.exporter.store_tables import DAY, HOUR, NOON, StillClock, append, opened, spans, table

MINUTE = 60 * 10**9


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Fifteen days of a call every ten minutes; the last two hours forty times that by `large`, and none by `small`."""
    path = tmp_path_factory.mktemp("anomaly") / "data"
    store = opened(path, StillClock(NOON))
    usual = [NOON - 15 * DAY + place * 600 * 10**9 for place in range(15 * 144 - 12)]
    storm = [NOON - 2 * HOUR + place * 30 * 10**9 for place in range(239)]
    models = ["small", "large"] * (len(usual) // 2) + ["large"] * len(storm)
    calls = {"is_counted": True, "gen_ai_operation_name": "chat", "cost_nanos": 1_000_000}
    append(store, spans([*usual, *storm], gen_ai_request_model=models, **calls))
    append(store, table("metrics_gauge", [at + 1 for at in usual], metric_name="depth", value=5.0), "metrics_gauge")
    store.close()
    return path


@pytest.fixture
def views(data: Path) -> Iterator[Views]:
    with reading(data) as found:
        yield found


def rule(**given: Any) -> Watched:
    made = Rule.model_validate({"alert": "Odd", "metric": "cost", "anomaly": True, **given})
    return Watched("g/Odd", made, Group(name="g", rules=(made,)), "test")


def answered(views: Views, watched: Watched, at: int = NOON) -> tuple[Sample, ...]:
    found = ask.samples(views, [watched], at, 0)[watched.id]
    assert not isinstance(found, Failure), found
    return found


def states(views: Views, watched: Watched, at: int = NOON) -> tuple[dict[str, str], list[Change]]:
    """What each group is in after four slots."""
    instances: tuple[Instance, ...] = ()
    changes: list[Change] = []
    context = Context(started_at=at - DAY, interval_ns=MINUTE, render=template.render)
    for slot in range(4):
        when = at + slot * MINUTE
        instances, made = evaluate(watched, instances, answered(views, watched, when), when, context)
        changes += made
    return {dict(one.labels).get("model", ""): one.state for one in instances}, changes


def test_it_fires_above_what_is_usual_with_the_bound_as_its_threshold(views: Views) -> None:
    watched = rule(severity="error", annotations={"summary": "{{ value }}, usually {{ expected }}"})
    found, changes = states(views, watched)
    assert found == {"": "firing"}
    (change,) = changes
    assert (change.transition, change.severity, change.unit) == ("firing", "error", "usd_nanos")
    assert change.value in {119_000_000, 120_000_000}
    assert change.threshold is not None
    assert change.expected == 6_000_000
    assert change.expected < change.threshold < change.value
    assert dict(change.annotations)["summary"].endswith(", usually $0.006")


def test_each_side_can_be_asked_for_by_itself(views: Views) -> None:
    assert states(views, rule(by=["model"]))[0] == {"small": "firing", "large": "firing"}
    assert states(views, rule(by=["model"], anomaly={"direction": "above"}))[0] == {
        "small": "inactive",
        "large": "firing",
    }
    below, changes = states(views, rule(by=["model"], anomaly={"direction": "below"}))
    assert below == {"small": "firing", "large": "inactive"}
    assert changes[0].value == 0
    assert changes[0].threshold is not None
    assert changes[0].threshold > 0


def test_what_is_still_learned_is_silent(views: Views) -> None:
    for at in (NOON - 10 * DAY, NOON - 20 * DAY):
        found, changes = states(views, rule(no_data="no_data"), at)
        assert found == {"": "inactive"}
        assert changes == []
    assert answered(views, rule(), NOON - 10 * DAY) == (Sample((), None),)


def test_a_stored_metric_needs_no_aggregation(views: Views) -> None:
    (sample,) = answered(views, rule(metric="depth"), NOON - DAY)
    assert (sample.value, sample.expected, sample.bound) == (5, 5, None)
    assert states(views, rule(metric="depth"), NOON - DAY)[0] == {"": "inactive"}


def test_an_unusual_hour_that_ends_resolves(views: Views) -> None:
    watched = rule()
    context = Context(started_at=0, interval_ns=MINUTE)
    instances, _ = evaluate(watched, (), answered(views, watched), NOON, context)
    usual = replace(answered(views, watched)[0], bound=None)
    instances, changes = evaluate(watched, instances, (usual,), NOON + HOUR, context)
    assert [one.transition for one in changes] == ["resolved"]


@pytest.mark.parametrize(
    ("entry", "at", "said", "mend"),
    [
        ("metric: cost, anomaly: true, threshold: 5", "5}", "threshold says nothing", "leave out anomaly"),
        ("metric: cost, anomaly: true, window: 2h", "2h}", "window says nothing", "leave it out"),
        ("view: voice_turns, anomaly: true", "true}", "only a metric is compared", "ask for a metric"),
        ("metric: cost, anomaly: up", "up}", "'up' is no anomaly", "write true, or {direction: above}"),
        ("metric: cost, anomaly: {direction: up}", "up}", "'above', 'below' or 'both'", ""),
        ("metric: cost, anomaly: true, aggregation: rate", "rate}", "has no aggregation", "leave it out"),
        ("metric: latancy, anomaly: true", "latancy", "no measure of ours", "did you mean latency?"),
    ],
)
def test_a_mistake_is_shown_at_its_place(entry: str, at: str, said: str, mend: str) -> None:
    line = f"      - {{alert: A, {entry}}}"
    with pytest.raises(BadRules) as caught:
        read(f"groups:\n  - name: g\n    rules:\n{line}\n", "a.yaml", {"groups": Group})
    problem = caught.value.problems[0]
    assert said in problem.message
    assert mend in problem.mend
    assert problem.line == 4
    assert line[problem.column - 1 :].startswith(at), problem.picture


def test_a_rule_of_the_api_is_the_same_after_it_was_kept() -> None:
    for anomaly in (True, {"direction": "below"}):
        made = rule(anomaly=anomaly).rule
        again = kept.rule_of(made.model_dump(mode="json", by_alias=True, exclude_defaults=True))
        assert again == made
        assert again.expression == made.expression
    with pytest.raises(BadConfig, match="says nothing"):
        kept.rule_of({"alert": "A", "metric": "cost", "anomaly": True, "threshold": 3})


def test_people_read_what_it_is_about() -> None:
    assert condition(rule().rule) == "cost is unusual for the hour"
    above = rule(anomaly={"direction": "above"}, by=["model"], filter='provider = "openai"').rule
    assert condition(above) == (
        'cost is unusual for the hour, above what is expected by model where provider = "openai"'
    )
