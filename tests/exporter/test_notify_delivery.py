"""Notices that leave for real: sinks with sockets, workers with threads, a process that dies in between."""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from exporter.clock import Clock, SystemClock
from exporter.control.database import Control
from exporter.notify import guard, outbox, settle
from exporter.notify.answers import LONGEST_ASKED_S, Answer, delay_s, of_http, seconds
from exporter.notify.channels import webhook
from exporter.notify.declared import Channel
from exporter.notify.delivery import Delivery, Steady
from exporter.notify.guard import Hold, allowed
from exporter.notify.notice import Batch
from exporter.notify.reach import Reach
from exporter.notify.send import send
from tests.notices import T0, batch, change
from tests.running import until
from tests.sinks import Reply, Trust, http_sink, smtp_sink

LOOPBACK = allowed(["127.0.0.1", "localhost"])
SECRETS = {"SECRET": "s3cret", "KEY": "k" * 32, "USER": "ax", "PASSWORD": "s3cret"}


class NoJitter:
    """Chance that always takes the longest delay, a thousand times as fast."""

    def uniform(self, _least: float, most: float) -> float:
        return most / 100


class SetClock:
    """Wall time as a test sets it; monotonic time goes on by itself."""

    def __init__(self, at: int) -> None:
        self.at = at

    def wall(self) -> int:
        return self.at

    def monotonic(self) -> int:
        return SystemClock().monotonic()


def reach(trust: Trust | None = None, **environ: str) -> Reach:
    parts: dict[str, Any] = {"trust": trust.client} if trust is not None else {}
    return Reach(SECRETS | environ, SystemClock(), print, LOOPBACK, **parts)


def hook(url: str, name: str = "hook") -> Channel:
    return Channel.model_validate({"name": name, "type": "webhook", "url": url, "secret": "${SECRET}"})


class Desk:
    """A control database with workers on it."""

    def __init__(self, control: Control, *channels: Channel, clock: Clock | None = None) -> None:
        self.control = control
        self.channels = channels
        self.lines: list[str] = []
        given = Reach(SECRETS, clock or SystemClock(), self.lines.append, LOOPBACK)
        self.delivery = Delivery(control, given, self._tell, chance=NoJitter())  # type: ignore[arg-type]
        self.delivery.declare(channels)

    def _tell(self, connection: Any, changes: Any) -> None:
        outbox.enqueue(connection, changes, (), self.channels, SystemClock().wall())

    def happens(self, *changes: Any) -> None:
        with self.control.writing() as connection:
            outbox.enqueue(connection, changes, (), self.channels, SystemClock().wall())
        self.delivery.wake()

    def states(self) -> list[str]:
        with self.control.reading() as connection:
            return [one for (one,) in connection.execute("SELECT state FROM notify_batches ORDER BY number")]


@pytest.fixture
def control(tmp_path: Path) -> Iterator[Control]:
    with closing(Control.open(tmp_path)) as opened:
        yield opened


@contextmanager
def desk(control: Control, *channels: Channel, clock: Clock | None = None) -> Iterator[Desk]:
    made = Desk(control, *channels, clock=clock)
    try:
        yield made
    finally:
        made.delivery.stop()


def critical(alert: str = "SlowCalls", **parts: Any) -> Any:
    return change(alert=alert, severity="critical", **parts)


# One request


def sent(channel: Channel, trust: Trust | None = None, said: Batch | None = None, **environ: str) -> Answer:
    return send(channel, said or batch(channel, change()), reach(trust, **environ), Hold())


def test_a_webhook_gets_a_signed_request_over_tls(tmp_path: Path) -> None:
    trust = Trust()
    with http_sink(trust=trust) as sink:
        answer = sent(hook(sink.url), trust)
        assert answer == Answer("taken", "HTTP 200")
        (got,) = sink.got
    stamp, key = got.headers["x-ax-timestamp"], got.headers["idempotency-key"]
    assert got.headers["x-ax-signature"] == "sha256=" + webhook.sign("s3cret", stamp, got.body)
    assert got.headers["x-ax-delivery"] == key == got.json()["key"]
    assert b"s3cret" not in got.body
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("kind", "more", "status"),
    [
        ("slack", {}, 200),
        ("teams", {}, 202),
        ("discord", {}, 204),
        ("pagerduty", {"routing_key": "${KEY}"}, 202),
    ],
)
def test_each_service_gets_its_body(kind: str, more: dict[str, str], status: int) -> None:
    with http_sink(Reply(status, body=b"" if status == 204 else b"ok")) as sink:
        channel = Channel.model_validate({"name": "it", "type": kind, "url": "${URL}"} | more)
        assert sent(channel, URL=sink.url) == Answer("taken", f"HTTP {status}")
        (got,) = sink.got
    assert got.headers["content-type"] == "application/json"
    marks = {"slack": "blocks", "teams": "attachments", "discord": "embeds", "pagerduty": "dedup_key"}
    assert marks[kind] in got.json()


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (200, "taken"),
        (204, "taken"),
        (301, "refused"),
        (400, "refused"),
        (401, "refused"),
        (404, "refused"),
        (410, "refused"),
        (408, "again"),
        (425, "again"),
        (429, "again"),
        (500, "again"),
        (503, "again"),
        (599, "again"),
    ],
)
def test_what_a_status_means(status: int, outcome: str) -> None:
    assert of_http(status, None, T0).outcome == outcome


@pytest.mark.parametrize(
    ("header", "asked"),
    [
        ("7", 7.0),
        ("0.5", 0.5),
        ("Mon, 21 Sep 2026 14:13:50 GMT", 30.0),
        ("-3", 0.0),
        ("1e30", LONGEST_ASKED_S),
        ("inf", None),
        ("nan", None),
        ("soon", None),
        ("", None),
        (None, None),
        ("9" * 100, None),
    ],
)
def test_how_long_a_service_asks_us_to_wait(header: str | None, asked: float | None) -> None:
    assert seconds(header, T0) == asked


def test_delays_double_to_five_minutes_and_are_never_shorter_than_what_is_asked() -> None:
    class Most:
        def uniform(self, _least: float, most: float) -> float:
            return most

    again = Answer("again", "HTTP 503")
    most: Any = Most()
    assert [delay_s(attempt, again, most) for attempt in (1, 2, 3, 9, 10, 1_000)] == [1, 2, 4, 256, 300, 300]
    assert delay_s(1, Answer("again", "HTTP 429", rest_s=42.0), most) == 42.0


def test_a_gigabyte_of_answer_is_not_read() -> None:
    with http_sink(Reply(is_endless=True)) as sink:
        began = time.monotonic()
        assert sent(hook(sink.url)).outcome == "taken"
        assert time.monotonic() - began < guard.TOTAL_S
        assert sink.sent_bytes < 64 * 2**20  # what the kernel holds; we read 64 KiB


def test_who_answers_never_or_byte_by_byte_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "TOTAL_S", 0.3)
    with http_sink(Reply(hangs=True)) as sink:
        answer = sent(hook(sink.url))
        assert (answer.outcome, answer.status, answer.is_maybe) == ("again", "no answer in time", True)
    with http_sink(Reply(drips=True, body=b"x" * 100_000)) as sink:
        assert sent(hook(sink.url)).outcome == "taken"  # its status came in time


def test_nobody_there_is_tried_again_and_cannot_have_taken_it() -> None:
    with http_sink() as sink:
        url = sink.url
    answer = sent(hook(url))
    assert (answer.outcome, answer.is_maybe) == ("again", False)


def test_a_secret_that_is_not_set_is_said_by_its_name_and_tried_again() -> None:
    channel = Channel(name="ops", type="slack", url="${NOT_SET}")
    answer = sent(channel)
    assert answer.outcome == "again"
    assert "NOT_SET" in answer.status


def test_what_is_shown_of_an_answer_holds_neither_a_secret_nor_what_the_service_wrote() -> None:
    for reply in (Reply(400, body=b"the token t0ken is wrong"), Reply(200), Reply(307, {"Location": "http://t0ken/"})):
        with http_sink(reply) as sink:
            answer = sent(Channel(name="ops", type="slack", url="${URL}"), URL=f"{sink.url}/t0ken")
            assert "t0ken" not in answer.status
    for url in ("https://t0ken.invalid/x", "http://[t0ken", "https://h:t0ken/", "t0ken", "https://h/\r\nX: t0ken"):
        assert "t0ken" not in sent(Channel(name="ops", type="slack", url="${URL}"), URL=url).status.replace(
            "t0ken.invalid", ""
        )


# Mail


def mail(port: int, **more: Any) -> Channel:
    said = {"name": "mail", "type": "email", "host": "localhost", "port": port, "from": "ax@example.com"}
    return Channel.model_validate(said | {"to": ["ada@example.com", "bob@example.com"]} | more)


LOGIN = {"username": "${USER}", "password": "${PASSWORD}"}


def test_a_mail_goes_by_starttls_with_a_login() -> None:
    trust = Trust()
    with smtp_sink(trust) as sink:
        assert sent(mail(sink.port, **LOGIN), trust) == Answer("taken", "SMTP 250")
        (got,) = sink.got
    assert got.is_encrypted
    assert got.recipients == ["ada@example.com", "bob@example.com"]
    assert got.message["Subject"] == "FIRING warning: SlowCalls"
    assert got.message.get_content_type() == "multipart/alternative"


def test_a_relay_whose_certificate_is_not_trusted_gets_neither_password_nor_mail() -> None:
    with smtp_sink(Trust()) as sink:
        answer = sent(mail(sink.port, **LOGIN), Trust())
        assert answer.outcome == "again"
        assert "certificate" in answer.status
        assert not sink.got


def test_a_relay_without_starttls_gets_nothing() -> None:
    trust = Trust()
    with smtp_sink(trust, offers_tls=False) as sink:
        assert sent(mail(sink.port, **LOGIN), trust).outcome == "refused"
        assert not sink.got
        assert sent(mail(sink.port, tls="none"), trust).outcome == "taken"


@pytest.mark.parametrize(("said", "outcome"), [("451 later", "again"), ("552 too big", "refused")])
def test_what_a_relay_says_decides_as_a_status_does(said: str, outcome: str) -> None:
    trust = Trust()
    with smtp_sink(trust, said) as sink:
        answer = sent(mail(sink.port), trust)
        assert (answer.outcome, answer.status) == (outcome, f"SMTP {said[:3]}")


def test_a_wrong_password_is_refused_and_not_shown() -> None:
    trust = Trust()
    with smtp_sink(trust) as sink:
        answer = sent(mail(sink.port, **LOGIN), trust, PASSWORD="wr0ng")  # noqa: S106 (wrong, as it should be)
        assert (answer.outcome, answer.status) == ("refused", "SMTP 535")


# Workers


def test_an_alert_arrives_and_so_does_its_end(control: Control) -> None:
    with http_sink() as sink, desk(control, hook(sink.url)) as here:
        here.happens(critical())
        sink.wait(1)
        until(lambda: here.states() == ["sent"], "written down")
        with control.writing() as connection:  # not five minutes later
            connection.execute("DELETE FROM notify_groups")
        here.happens(change("resolved", severity="critical"))
        said = [one.json()["notices"][0]["notice"] for one in sink.wait(2)]
    assert said == ["firing", "resolved"]


def test_without_channels_the_servers_log_says_it(control: Control) -> None:
    with desk(control, Channel(name="console", type="console")) as here:
        here.happens(change())
        until(lambda: len(here.lines) == 1, "a line")
    assert here.lines[0].startswith("FIRING warning: SlowCalls")


def test_a_channel_that_hangs_delays_no_other(control: Control) -> None:
    with http_sink(Reply(hangs=True)) as slow, http_sink() as quick:
        channels = [hook(slow.url, "slow"), *(hook(quick.url, f"quick{number}") for number in range(5))]
        with desk(control, *channels) as here:
            here.happens(critical())
            slow.wait(1)
            quick.wait(5, 5.0)
            here.happens(critical("Other"))
            quick.wait(10, 5.0)
            assert len(slow.got) == 1


def test_a_stop_takes_less_than_a_second_though_a_channel_hangs_and_the_batch_goes_out_again(control: Control) -> None:
    with http_sink(Reply(hangs=True), Reply()) as sink:
        with desk(control, hook(sink.url)) as here:
            here.happens(critical())
            sink.wait(1)
            began = time.monotonic()
            here.delivery.stop()
            assert time.monotonic() - began < 1.0
            assert here.states() == ["sending"]
        with desk(control, hook(sink.url)) as here:
            first, second = sink.wait(2)
            until(lambda: here.states() == ["sent"], "written down")
    assert first.headers["idempotency-key"] == second.headers["idempotency-key"]
    assert first.body == second.body


def test_it_is_tried_again_as_the_service_asks_with_the_same_key(control: Control) -> None:
    with (
        http_sink(Reply(503), Reply(429, {"Retry-After": "1"}), Reply()) as sink,
        desk(control, hook(sink.url)) as here,
    ):
        here.happens(critical())
        sink.wait(2)
        asked_at = time.monotonic()
        got = sink.wait(3)
        assert time.monotonic() - asked_at > 0.8
    assert len({one.headers["idempotency-key"] for one in got}) == 1
    assert len({one.body for one in got}) == 1


def test_what_is_refused_is_said_to_the_other_channels(control: Control, caplog: pytest.LogCaptureFixture) -> None:
    with http_sink(Reply(404)) as gone, http_sink() as good:
        with caplog.at_level(logging.WARNING), desk(control, hook(gone.url, "gone"), hook(good.url, "good")) as here:
            here.happens(critical())
            with control.writing() as connection:
                connection.execute("UPDATE notify_lines SET group_wait_ns = 0, due_at = 0 WHERE due_at IS NOT NULL")
            until(lambda: "dead" in here.states(), "given up")
            with control.writing() as connection:
                connection.execute("UPDATE notify_lines SET due_at = 0 WHERE channel = 'good' AND told_at IS NULL")
            here.delivery.wake()
            said = [one.json()["notices"][0] for one in good.wait(2)]
        assert sorted(one["rule"] for one in said) == ["AxNotifierFailed", "SlowCalls"]
    assert "channel gone did not take a notice: HTTP 404" in caplog.text


def test_channels_come_and_go_and_what_waits_for_one_that_is_gone_waits(control: Control) -> None:
    with http_sink() as first, http_sink() as second, desk(control, hook(first.url, "a")) as here:
        here.delivery.declare([hook(second.url, "b")])
        here.happens(critical())
        time.sleep(0.2)
        assert not first.got
        here.delivery.declare([hook(second.url, "a")])  # another address for what waits
        second.wait(1)


@pytest.mark.parametrize("crash_after", ["fixed", "sent"])
def test_a_process_that_dies_around_a_send_misses_nothing(control: Control, crash_after: str) -> None:
    """What `kill -9` leaves: a batch that is fixed, which the service has or has not; never one without its key."""
    with http_sink() as sink:
        channel = hook(sink.url)
        with control.writing() as connection:
            outbox.enqueue(connection, [critical()], (), (channel,), SystemClock().wall())
            fixed = outbox.fix(connection, channel, SystemClock().wall())
        assert fixed is not None
        if crash_after == "sent":
            assert send(channel, fixed, reach(), Hold()).outcome == "taken"
        with desk(control, channel) as here:
            got = sink.wait(2 if crash_after == "sent" else 1)
            until(lambda: here.states() == ["sent"], "written down")
    assert {one.headers["idempotency-key"] for one in got} == {fixed.key}
    assert len({one.body for one in got}) == 1


def test_time_never_goes_back_while_a_clock_that_was_put_back_catches_up() -> None:
    clock = SetClock(T0)
    steady = Steady(clock)
    first = steady.wall()
    clock.at -= 3_600 * 10**9
    second = steady.wall()
    assert first <= second < first + 10**9
    clock.at = T0 + 7_200 * 10**9
    assert steady.wall() >= T0 + 7_200 * 10**9


def test_many_threads_may_declare_wake_and_stop(control: Control) -> None:
    with http_sink() as sink, desk(control, hook(sink.url)) as here:
        work: list[Callable[[], object]] = [
            here.delivery.wake,
            lambda: here.delivery.declare([hook(sink.url)]),
            lambda: here.delivery.declare([]),
        ]
        threads = [threading.Thread(target=lambda one=one: [one() for _ in range(20)]) for one in work]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(10)
        here.delivery.declare([hook(sink.url)])
        here.happens(critical())
        sink.wait(1)


def test_the_state_of_channels_is_there_to_be_shown(control: Control) -> None:
    with http_sink() as sink, desk(control, hook(sink.url)) as here:
        here.happens(critical())
        sink.wait(1)
        until(lambda: here.states() == ["sent"], "written down")
        with control.reading() as connection:
            (post,) = settle.posts(connection, ["hook"])
    assert (post.waiting, post.dead, post.status, post.is_failing) == (0, 0, "HTTP 200", False)
