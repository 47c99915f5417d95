"""When a channel is told what: groups, routes, repeats, cooldowns, silences. Times are arguments; nothing is sent."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from exporter.control.database import Control
from exporter.notify import silences
from exporter.notify.declared import Channel, Route
from exporter.notify.match import parse
from exporter.notify.silences import Silence
from tests.notices import LOG, OPS, PAGER, SECOND, T0, TAKEN, Desk, change, seconds


@pytest.fixture
def control(tmp_path: Path) -> Iterator[Control]:
    with closing(Control.open(tmp_path)) as opened:
        yield opened


# Grouping


def test_a_warning_waits_half_a_minute_for_others_of_its_group_and_they_go_together(control: Control) -> None:
    desk = Desk(control, OPS)
    desk.happens(change(labels={"model": "a"}))
    desk.happens(change(labels={"model": "b"}), at=seconds(20))
    assert desk.due() == 30
    assert desk.told(seconds(29)) == []
    batch = desk.fixed(seconds(30))
    assert batch is not None
    assert [dict(one.change.labels)["model"] for one in batch.notices] == ["a", "b"]
    assert batch.group == (("alert", "SlowCalls"),)


def test_a_critical_alert_waits_for_nothing_and_takes_along_what_waits(control: Control) -> None:
    desk = Desk(control, OPS)
    desk.happens(change(labels={"model": "a"}))
    desk.happens(change(labels={"model": "b"}, severity="critical"), at=seconds(1))
    assert desk.told(seconds(1)) == ["firing SlowCalls", "firing SlowCalls"]


def test_what_comes_later_waits_until_the_group_interval_is_over(control: Control) -> None:
    desk = Desk(control, OPS)
    desk.happens(change(labels={"model": "a"}))
    assert len(desk.told(seconds(30))) == 1
    desk.happens(change(labels={"model": "b"}), at=seconds(60))
    assert desk.due() == 330
    desk.happens(change("resolved", labels={"model": "a"}), at=seconds(90))
    assert desk.told(seconds(329)) == []
    assert sorted(desk.told(seconds(330))) == ["firing SlowCalls", "resolved SlowCalls"]


def test_alerts_of_other_rules_are_other_groups_unless_the_route_says_so(control: Control) -> None:
    apart = Desk(control, OPS)
    apart.happens(change(alert="A"), change(alert="B"))
    first = apart.fixed(seconds(30))
    assert first is not None
    assert len(first.notices) == 1
    together = Route(channels=("ops",), group_by=("team",), match={})
    desk = Desk(control, OPS, routes=(together,))
    desk.happens(change(alert="C"), change(alert="D"), at=seconds(100))
    batch = desk.fixed(seconds(131))
    assert batch is not None
    assert batch.notices[0].change.rule == "B"  # which was due first
    desk.answered(batch, TAKEN, seconds(131))
    batch = desk.fixed(seconds(131))
    assert batch is not None
    assert [one.change.rule for one in batch.notices] == ["C", "D"]


def test_a_pager_takes_one_at_a_time_and_waits_for_nothing(control: Control) -> None:
    desk = Desk(control, PAGER)
    desk.happens(change(alert="A"), change(alert="B"))
    first, second = desk.fixed(T0), desk.fixed(T0)
    assert first is not None
    assert second is not None
    assert (len(first.notices), len(second.notices)) == (1, 1)


# Routes and severities


def test_the_first_route_that_matches_holds_and_unmatched_alerts_go_everywhere(control: Control) -> None:
    routes = (
        Route(match={"team": "chat", "model": "gpt-*"}, channels=("ops",)),
        Route(match={"team": ["chat", "voice"]}, channels=("log",)),
    )
    desk = Desk(control, OPS, LOG, routes=routes)
    desk.happens(change(severity="critical"))
    desk.happens(change(severity="critical", labels={"team": "voice"}))
    desk.happens(change(severity="critical", alert="Other", labels={"team": "search"}))
    assert desk.told(T0, OPS) == ["firing SlowCalls", "firing Other"]
    assert desk.told(T0, LOG) == ["firing SlowCalls", "firing Other"]


def test_a_route_that_continues_lets_others_have_it_too(control: Control) -> None:
    routes = (
        Route.model_validate({"channels": ["ops"], "continue": True}),
        Route.model_validate({"channels": "log", "severity": "critical"}),
    )
    desk = Desk(control, OPS, LOG, routes=routes)
    desk.happens(change(severity="critical"))
    assert desk.told(T0, LOG) == ["firing SlowCalls"]
    assert desk.told(T0, OPS) == ["firing SlowCalls"]


def test_a_channel_is_told_from_its_severity_up_and_of_the_end_only_if_it_was_told(control: Control) -> None:
    serious = Channel(name="ops", type="slack", url="${SLACK}", severity="critical")
    desk = Desk(control, serious)
    desk.happens(change())
    assert desk.told(seconds(600)) == []
    desk.happens(change("resolved"), at=seconds(700))
    assert desk.told(seconds(9_000)) == []
    desk.happens(change(episode=2), at=seconds(9_000))
    desk.happens(change("escalated", episode=2, severity="critical"), at=seconds(9_001))
    assert desk.told(seconds(9_001)) == ["firing SlowCalls"]
    desk.happens(change("deescalated", episode=2, severity="warning"), at=seconds(9_100))
    desk.happens(change("resolved", episode=2), at=seconds(9_500))
    assert desk.told(seconds(20_000)) == ["resolved SlowCalls"]


# One alert over time


def test_an_escalation_is_told_at_once(control: Control) -> None:
    desk = Desk(control, OPS)
    desk.happens(change())
    assert desk.told(seconds(30)) == ["firing SlowCalls"]
    desk.happens(change("escalated", severity="error"), at=seconds(31))
    assert desk.told(seconds(31)) == ["escalated SlowCalls"]


def test_what_still_fires_is_repeated_every_four_hours_until_somebody_has_seen_it(control: Control) -> None:
    desk = Desk(control, OPS)
    desk.happens(change())
    assert desk.told(seconds(30)) == ["firing SlowCalls"]
    assert desk.due() == 4 * 3_600 + 30
    assert desk.told(seconds(14_429)) == []
    assert desk.told(seconds(14_430)) == ["repeated SlowCalls"]
    assert desk.told(seconds(28_830)) == ["repeated SlowCalls"]
    desk.happens(change("acknowledged", by="ada"), at=seconds(28_900))
    assert desk.due() is None
    desk.happens(change("escalated", severity="critical"), at=seconds(28_950))
    assert desk.told(seconds(28_950)) == ["escalated SlowCalls"]
    assert desk.due() == 28_950 + 14_400  # nobody has seen that it is worse
    desk.happens(change("acknowledged", by="ada"), at=seconds(29_000))
    desk.happens(change("resolved"), at=seconds(90_000))
    assert desk.told(seconds(90_000)) == ["resolved SlowCalls"]


def test_repeats_have_keys_of_their_own_and_a_firing_has_one_for_ever(control: Control) -> None:
    desk = Desk(control, PAGER)
    desk.happens(change())
    keys = []
    for at in (T0, seconds(14_400), seconds(28_800)):
        batch = desk.fixed(at)
        assert batch is not None
        desk.answered(batch, TAKEN, at)
        keys.append(batch.key)
    assert len(set(keys)) == 3
    assert {len(key) for key in keys} == {64}


def test_a_pager_hears_of_an_acknowledgement_and_a_chat_does_not(control: Control) -> None:
    desk = Desk(control, OPS, PAGER)
    desk.happens(change(severity="critical"))
    assert desk.told(T0, OPS) == desk.told(T0, PAGER) == ["firing SlowCalls"]
    desk.happens(change("acknowledged", severity="critical", by="ada"), at=seconds(5))
    assert desk.told(seconds(5), OPS) == []
    assert desk.told(seconds(5), PAGER) == ["acknowledged SlowCalls"]


def test_an_alert_that_ends_before_it_was_told_is_never_told(control: Control) -> None:
    desk = Desk(control, OPS)
    desk.happens(change())
    desk.happens(change("resolved"), at=seconds(10))
    assert desk.due() is None
    assert desk.told(seconds(90_000)) == []


def test_no_data_has_a_key_of_its_own_and_ends_with_the_alert(control: Control) -> None:
    desk = Desk(control, LOG)
    desk.happens(change())
    assert desk.told(T0) == ["firing SlowCalls"]
    desk.happens(change("no_data"), at=seconds(60))
    batch = desk.fixed(seconds(60))
    assert batch is not None
    assert batch.notices[0].kind == "no_data"
    desk.answered(batch, TAKEN, seconds(60))
    desk.happens(change("firing", from_state="no_data"), at=seconds(120))
    assert desk.told(seconds(120)) == ["resolved SlowCalls"]  # of no data; the alert itself was told
    desk.happens(change("resolved"), at=seconds(180))
    assert desk.told(seconds(180)) == ["resolved SlowCalls"]


def test_a_rule_that_fires_again_within_its_cooldown_is_told_at_its_end_if_it_still_fires(control: Control) -> None:
    desk = Desk(control, PAGER)
    desk.cooldowns = {"latency/SlowCalls": 600 * SECOND}
    desk.happens(change(severity="critical"))
    assert desk.told(T0) == ["firing SlowCalls"]
    desk.happens(change("resolved", severity="critical"), at=seconds(60))
    assert desk.told(seconds(60)) == ["resolved SlowCalls"]
    desk.happens(change(episode=2, severity="critical"), at=seconds(120))
    desk.happens(change("resolved", episode=2, severity="critical"), at=seconds(180))
    assert desk.told(seconds(599)) == []  # short, and nobody heard of it
    desk.happens(change(episode=3, severity="critical"), at=seconds(300))
    assert desk.due() == 600
    assert desk.told(seconds(600)) == ["firing SlowCalls"]


# Silences


def silence(*matchers: str, start: int = 0, end: int = 3_600) -> Silence:
    return Silence("s1", tuple(parse(one) for one in matchers), seconds(start), seconds(end), "ada")


def test_what_is_silenced_is_told_when_the_silence_is_over_if_it_still_fires(control: Control) -> None:
    desk = Desk(control, OPS)
    desk.silenced = [silence("team=chat", "model=gpt-*")]
    desk.happens(change(alert="A", severity="critical"), change(alert="B", severity="critical"))
    assert desk.told(T0) == []
    desk.happens(change("resolved", alert="B"), at=seconds(60))
    assert desk.told(seconds(3_599)) == []
    assert desk.told(seconds(3_600)) == ["firing A"]


def test_a_silence_holds_only_what_fulfils_all_its_matchers(control: Control) -> None:
    desk = Desk(control, LOG)
    desk.silenced = [silence("team=chat", "severity!=critical")]
    desk.happens(change(severity="critical"), change(alert="Mild"))
    assert desk.told(T0) == ["firing SlowCalls"]


def test_a_silence_that_is_lifted_is_seen_within_a_minute(control: Control) -> None:
    desk = Desk(control, LOG)
    with control.writing() as connection:
        made = silences.add(connection, [parse("alert=Slow*")], starts_at=T0, ends_at=seconds(86_400), by="ada", now=T0)
        desk.silenced = silences.active(connection, T0)
    desk.happens(change())
    assert desk.told(T0) == []
    with control.writing() as connection:
        assert silences.lift(connection, made.id[:6], seconds(10)).id == made.id
        desk.silenced = silences.active(connection, seconds(10))
    assert desk.told(seconds(60)) == ["firing SlowCalls"]


def test_the_alerts_of_a_rule_that_is_switched_off_are_not_told(control: Control) -> None:
    desk = Desk(control, LOG)
    desk.silenced = silences.switched_off(["latency/SlowCalls"])
    desk.happens(change(), change(alert="Other"))
    assert desk.told(T0) == ["firing Other"]
    desk.silenced = []
    assert desk.told(seconds(60)) == ["firing SlowCalls"]
