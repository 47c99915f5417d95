"""What is sent and in which order, when it fails, and after a crash. Times are arguments; answers are made up."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from exporter.control.database import Control
from exporter.notify import settle
from exporter.notify.answers import GIVE_UP_NS, Answer
from tests.notices import LOG, OPS, PAGER, SECOND, T0, Desk, change, seconds

AGAIN = Answer("again", "HTTP 503", is_maybe=True)
LIMITED = Answer("again", "HTTP 429", rest_s=30.0)
REFUSED = Answer("refused", "HTTP 404")


@pytest.fixture
def control(tmp_path: Path) -> Iterator[Control]:
    with closing(Control.open(tmp_path)) as opened:
        yield opened


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


def test_an_end_is_told_where_the_process_died_while_the_firing_was_being_sent(control: Control) -> None:
    desk = Desk(control, PAGER)
    desk.happens(change())
    assert desk.fixed(T0) is not None
    with control.writing() as connection:  # the next process
        settle.recover(connection, "pager", seconds(1))
    desk.happens(change("resolved"), at=seconds(1))
    assert desk.told(seconds(1)) == ["resolved SlowCalls"]


def test_a_new_episode_waits_for_the_end_of_the_old_one_that_is_tried_again(control: Control) -> None:
    desk = Desk(control, PAGER)
    desk.cooldowns = {"latency/SlowCalls": 0}
    desk.happens(change())
    assert desk.told(T0) == ["firing SlowCalls"]
    desk.happens(change("resolved"), at=seconds(1))
    batch = desk.fixed(seconds(1))
    assert batch is not None
    desk.answered(batch, AGAIN, seconds(1), delay_ns=60 * SECOND)
    desk.happens(change(episode=2, severity="critical"), at=seconds(2))
    assert desk.told(seconds(2)) == []
    assert desk.told(seconds(61)) == ["resolved SlowCalls", "firing SlowCalls"]


def test_the_end_of_what_was_given_up_is_told_where_the_service_may_have_it(control: Control) -> None:
    desk = Desk(control, PAGER)
    desk.happens(change())
    batch = desk.fixed(T0)
    assert batch is not None
    desk.answered(batch, AGAIN, T0 + GIVE_UP_NS)
    assert [one.transition for one in desk.own] == ["firing"]
    desk.happens(change("resolved"), at=T0 + GIVE_UP_NS)
    assert desk.told(T0 + GIVE_UP_NS) == ["resolved SlowCalls"]


def test_what_was_refused_is_tried_again_when_it_would_be_repeated_or_gets_worse_under_another_key(
    control: Control,
) -> None:
    desk = Desk(control, PAGER)
    desk.happens(change())
    keys = set()
    for at in (T0, seconds(14_400)):
        batch = desk.fixed(at)
        assert batch is not None
        keys.add(batch.key)
        desk.answered(batch, REFUSED, at)
    desk.happens(change("escalated", severity="critical"), at=seconds(14_401))
    batch = desk.fixed(seconds(14_401))
    assert batch is not None
    assert len(keys | {batch.key}) == 3
