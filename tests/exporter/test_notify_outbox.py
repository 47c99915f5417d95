"""What a channel is told and when: one transaction in, fixed batches out. No clock, no network: times are arguments."""

import random
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.alert.shapes import Change
from exporter.control.database import Control
from exporter.notify import outbox, settle, silences
from exporter.notify.answers import GIVE_UP_NS, Answer
from exporter.notify.declared import Channel, Route
from exporter.notify.match import parse
from exporter.notify.notice import Batch
from exporter.notify.silences import Silence
from tests.notices import MINUTE, T0, change

TAKEN = Answer("taken", "HTTP 200")
AGAIN = Answer("again", "HTTP 503", is_maybe=True)
LIMITED = Answer("again", "HTTP 429", rest_s=30.0)
REFUSED = Answer("refused", "HTTP 404")
SECOND = MINUTE // 60

OPS = Channel(name="ops", type="slack", url="${SLACK}")
PAGER = Channel(name="pager", type="pagerduty", routing_key="${KEY}")
LOG = Channel(name="log", type="console")


class Desk:
    """An outbox in a database of its own, and what its channels were told."""

    def __init__(self, control: Control, *channels: Channel, routes: tuple[Route, ...] = ()) -> None:
        self.control = control
        self.channels = channels
        self.routes = routes
        self.cooldowns: dict[str, int] = {}
        self.silenced: list[Silence] = []
        self.own: list[Change] = []

    def happens(self, *changes: Change, at: int = T0) -> None:
        with self.control.writing() as connection:
            outbox.enqueue(connection, changes, self.routes, self.channels, at, self.cooldowns)

    def fixed(self, at: int, channel: Channel | None = None) -> Batch | None:
        with self.control.writing() as connection:
            return outbox.fix(connection, channel or self.channels[0], at, self.silenced)

    def answered(self, batch: Batch, answer: Answer, at: int, delay_ns: int = SECOND) -> None:
        channel = next(one for one in self.channels if one.name == batch.channel)
        with self.control.writing() as connection:
            self.own += settle.settle(connection, channel, batch, answer, at, delay_ns)

    def told(self, at: int, channel: Channel | None = None) -> list[str]:
        """Sends all that is due at a time, and says what it said."""
        said = []
        while batch := self.fixed(at, channel):
            self.answered(batch, TAKEN, at)
            said += [f"{one.said} {one.change.rule}" for one in batch.notices]
        return said

    def due(self, channel: Channel | None = None) -> int | None:
        """Seconds after the beginning when there will be something to say."""
        with self.control.reading() as connection:
            at = outbox.next_at(connection, (channel or self.channels[0]).name)
        return None if at is None else (at - T0) // SECOND


@pytest.fixture
def control(tmp_path: Path) -> Iterator[Control]:
    with closing(Control.open(tmp_path)) as opened:
        yield opened


def seconds(count: float) -> int:
    return T0 + int(count * SECOND)


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


# Sending, failing, order


def test_a_batch_is_the_same_after_a_crash_whatever_has_happened_since(control: Control) -> None:
    desk = Desk(control, OPS)
    desk.happens(change(labels={"model": "a"}, severity="critical"))
    first = desk.fixed(T0)
    assert first is not None
    desk.happens(change("escalated", labels={"model": "a"}, severity="critical"), at=seconds(1))
    desk.happens(change(labels={"model": "b"}, severity="critical"), at=seconds(1))
    with control.writing() as connection:  # the next process
        settle.recover(connection, "ops", seconds(2))
    again = desk.fixed(seconds(2))
    assert again is not None
    assert again == replace(first, attempts=2)


def test_one_alert_is_told_in_order_and_others_do_not_wait_for_it(control: Control) -> None:
    desk = Desk(control, PAGER)
    desk.happens(change())
    batch = desk.fixed(T0)
    assert batch is not None
    desk.answered(batch, AGAIN, T0, delay_ns=100 * SECOND)
    desk.happens(change("escalated", severity="critical"), at=seconds(1))
    desk.happens(change(alert="Other"), at=seconds(1))
    assert desk.told(seconds(1)) == ["firing Other"]
    assert desk.told(seconds(100)) == ["firing SlowCalls", "escalated SlowCalls"]


def test_an_end_overtakes_and_cancels_a_firing_that_is_not_yet_sent(control: Control) -> None:
    desk = Desk(control, PAGER)
    desk.happens(change())
    batch = desk.fixed(T0)
    assert batch is not None
    desk.answered(batch, Answer("again", "no connection: refused"), T0, delay_ns=100 * SECOND)
    desk.happens(change("resolved"), at=seconds(5))
    assert desk.due() is None  # it cannot have arrived, so there is nothing to end
    assert desk.told(seconds(9_000)) == []


def test_an_end_is_told_where_the_service_may_have_the_firing_all_the_same(control: Control) -> None:
    desk = Desk(control, PAGER)
    desk.happens(change())
    batch = desk.fixed(T0)
    assert batch is not None
    desk.happens(change("resolved"), at=seconds(1))  # while it is being sent
    desk.answered(batch, Answer("again", "no answer in time", is_maybe=True), seconds(10), delay_ns=300 * SECOND)
    assert desk.told(seconds(10)) == ["resolved SlowCalls"]


def test_the_end_of_an_old_episode_goes_before_the_next_one(control: Control) -> None:
    desk = Desk(control, OPS)
    desk.cooldowns = {"latency/SlowCalls": 0}
    desk.happens(change())
    assert desk.told(seconds(30)) == ["firing SlowCalls"]
    desk.happens(change("resolved"), at=seconds(40))
    desk.happens(change(episode=2, severity="critical"), at=seconds(50))
    assert desk.told(seconds(50)) == ["resolved SlowCalls", "firing SlowCalls"]


def test_a_service_that_asks_for_rest_gets_it_from_all_notices(control: Control) -> None:
    desk = Desk(control, PAGER)
    desk.happens(change())
    batch = desk.fixed(T0)
    assert batch is not None
    desk.answered(batch, LIMITED, T0, delay_ns=30 * SECOND)
    desk.happens(change(alert="Other"), at=seconds(1))
    assert desk.due() == 30
    assert desk.told(seconds(29)) == []
    assert desk.told(seconds(30)) == ["firing SlowCalls", "firing Other"]


def test_what_is_refused_is_a_dead_letter_and_an_alert_of_our_own_that_ends_when_one_is_taken(control: Control) -> None:
    desk = Desk(control, PAGER)
    desk.happens(change())
    batch = desk.fixed(T0)
    assert batch is not None
    desk.answered(batch, REFUSED, seconds(1))
    (own,) = desk.own
    assert (own.rule, own.transition, dict(own.labels)) == ("AxNotifierFailed", "firing", {"channel": "pager"})
    with control.reading() as connection:
        (letter,) = settle.dead(connection)
        (post,) = settle.posts(connection, ["pager"])
    assert (letter.status, letter.attempts, post.dead, post.is_failing) == ("HTTP 404", 1, 1, True)
    assert desk.told(seconds(2)) == []
    with control.writing() as connection:
        assert settle.retry(connection, seconds(60)) == (1, 0)
        assert settle.dead(connection) == []
    assert desk.told(seconds(60)) == ["firing SlowCalls"]
    assert [(one.transition, one.episode) for one in desk.own] == [("firing", own.episode), ("resolved", own.episode)]


def test_a_channel_is_not_told_that_it_does_not_listen(control: Control) -> None:
    desk = Desk(control, PAGER, LOG)
    desk.happens(change())
    batch = desk.fixed(T0)
    assert batch is not None
    desk.answered(batch, REFUSED, T0)
    desk.happens(*desk.own)
    assert desk.told(seconds(1), PAGER) == []
    assert desk.told(seconds(1), LOG) == ["firing SlowCalls", "firing AxNotifierFailed"]


def test_a_dead_letter_of_what_is_over_does_not_go_out_again(control: Control) -> None:
    desk = Desk(control, PAGER)
    desk.happens(change())
    batch = desk.fixed(T0)
    assert batch is not None
    desk.answered(batch, REFUSED, T0)
    desk.happens(change("resolved"), at=seconds(5))
    with control.writing() as connection:
        assert settle.retry(connection, seconds(60)) == (0, 1)
    assert desk.told(seconds(60)) == []


def test_a_batch_that_nobody_takes_is_given_up_after_a_day(control: Control) -> None:
    desk = Desk(control, PAGER)
    desk.happens(change())
    at, attempts = T0, 0
    while batch := desk.fixed(at):
        attempts += 1
        desk.answered(batch, AGAIN, at, delay_ns=3 * 3_600 * SECOND)
        if desk.own:
            break
        at += 3 * 3_600 * SECOND
    assert (at - T0, attempts) == (GIVE_UP_NS, 9)


def test_a_clock_that_was_put_back_holds_nothing_up_after_a_restart(control: Control) -> None:
    desk = Desk(control, OPS)
    desk.happens(change(severity="critical"), at=seconds(86_400))
    batch = desk.fixed(seconds(86_400))
    assert batch is not None
    desk.answered(batch, AGAIN, seconds(86_400), delay_ns=300 * SECOND)
    with control.writing() as connection:
        settle.recover(connection, "ops", T0)
    due = desk.due()
    assert due is not None
    assert due <= 3_600


def test_what_is_settled_and_old_is_forgotten(control: Control) -> None:
    desk = Desk(control, PAGER)
    desk.happens(change(), change(alert="Open"))
    assert len(desk.told(T0)) == 2
    desk.happens(change("resolved"), at=seconds(10))
    assert len(desk.told(seconds(10))) == 1
    with control.writing() as connection:
        settle.prune(connection, seconds(86_400))
        assert connection.execute("SELECT count(*) FROM notify_lines").fetchone() == (1,)
        assert connection.execute("SELECT count(*) FROM notify_batches").fetchone() == (0,)


# Whatever happens

_STEPS = st.lists(
    st.tuples(
        st.sampled_from(["firing", "escalated", "acknowledged", "resolved", "fix", "fix", "crash", "wait"]),
        st.integers(0, 2),
        st.integers(0, 3),
    ),
    max_size=40,
)


@given(_STEPS)
@settings(max_examples=60)
def test_a_key_always_says_the_same_and_in_the_end_everybody_knows_how_it_is(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, int, int]]
) -> None:
    """Alerts come and go, sends fail in all ways, the process dies: nothing is missed and nothing contradicts."""
    chance = random.Random(len(steps))
    with closing(Control.open(tmp_path_factory.mktemp("outbox"))) as control:
        desk = Desk(control, OPS)
        desk.cooldowns = {f"latency/{name}": 0 for name in "abc"}
        episodes = dict.fromkeys("abc", 0)
        firing: dict[str, str | None] = dict.fromkeys("abc")
        said_under: dict[str, str] = {}
        arrived: dict[str, list[tuple[int, str]]] = {}
        at, flying = T0, None
        for what, which, how in steps:
            at += 7 * SECOND
            name = "abc"[which]
            if what == "firing" and firing[name] is None:
                episodes[name] += 1
                firing[name] = "warning"
                desk.happens(change(alert=name, episode=episodes[name]), at=at)
            elif what == "escalated" and firing[name] == "warning":
                firing[name] = "critical"
                desk.happens(change("escalated", alert=name, episode=episodes[name], severity="critical"), at=at)
            elif what == "acknowledged" and firing[name]:
                desk.happens(change(what, alert=name, episode=episodes[name]), at=at)
            elif what == "resolved" and firing[name]:
                firing[name] = None
                desk.happens(change("resolved", alert=name, episode=episodes[name]), at=at)
            elif what == "wait":
                at += 400 * SECOND
            elif what == "crash":
                flying = None
                with control.writing() as connection:
                    settle.recover(connection, "ops", at)
            elif what == "fix":
                flying = flying or desk.fixed(at)
                if flying is not None:
                    _note(flying, said_under, arrived, arrives=how != 3)
                    answer = [TAKEN, AGAIN, None, Answer("again", "no connection: refused")][how]
                    if answer is not None:
                        desk.answered(flying, answer, at, delay_ns=chance.randrange(300) * SECOND)
                        flying = None
        with control.writing() as connection:
            settle.recover(connection, "ops", at)
        for _ in range(30):
            at += 400 * SECOND
            while batch := desk.fixed(at):
                _note(batch, said_under, arrived, arrives=True)
                desk.answered(batch, TAKEN, at)
        for name in "abc":
            heard = arrived.get(name, [])
            if firing[name]:
                assert heard
                assert heard[-1] == (episodes[name], "open")
            elif heard:
                assert heard[-1][1] == "over"
            for episode in {number for number, _ in heard} - {episodes[name]}:
                assert (episode, "over") in heard  # nothing stays open behind the newest


def _note(
    batch: Batch, said_under: dict[str, str], arrived: dict[str, list[tuple[int, str]]], *, arrives: bool
) -> None:
    said = repr([(one.said, one.change) for one in batch.notices])
    assert said_under.setdefault(batch.key, said) == said
    if not arrives:
        return
    for one in batch.notices:
        numbers = {change(alert=one.change.rule, episode=number).episode: number for number in range(50)}
        state = "over" if one.said == "resolved" else "open"
        arrived.setdefault(one.change.rule, []).append((numbers[one.change.episode], state))
