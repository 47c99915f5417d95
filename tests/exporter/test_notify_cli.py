"""`ax notify` as a user runs it: list, test and dead, with real sinks; nothing that is secret is printed."""

import json
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import pytest

from exporter.cli import main
from exporter.clock import SystemClock
from exporter.control.database import Control
from exporter.notify import outbox, settle
from exporter.notify.answers import Answer
from exporter.notify.declared import Channel
from tests.notices import change
from tests.sinks import Reply, http_sink

FILE = """\
channels:
  - {name: ops, type: slack, url: "${OPS_URL}", severity: warning}
  - {name: pager, type: pagerduty, routing_key: "${KEY}", url: "${OPS_URL}"}
  - {name: log, type: console}
"""


class Done(NamedTuple):
    """What a command printed, and its exit code."""

    returncode: int
    stdout: str
    stderr: str


Ax = Callable[..., Done]


@pytest.fixture
def ax(data: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Ax:
    def run(*arguments: str, **environ: str) -> Done:
        more = {"AX_ALERT_ALLOW_PRIVATE": "127.0.0.1", "KEY": "s3cret" * 5 + "xx", "COLUMNS": "160"}
        with monkeypatch.context() as patch:
            for name, value in (more | environ).items():
                patch.setenv(name, value)
            code = main.run(["notify", *arguments, "--data", str(data)])
        return Done(code, *capsys.readouterr())

    return run


@pytest.fixture
def data(tmp_path: Path) -> Path:
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "channels.yaml").write_text(FILE)
    return tmp_path


def test_a_test_notice_goes_out_for_real_and_so_does_its_end(ax: Ax) -> None:
    with http_sink(Reply(202, body=b"a body that nobody sees")) as sink:
        done = ax("test", "pager", OPS_URL=f"{sink.url}/s3cret")
        first, second = (one.json() for one in sink.got)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "pager: firing notice taken: HTTP 202",
        "pager: resolved notice taken: HTTP 202",
    ]
    assert (first["event_action"], second["event_action"]) == ("trigger", "resolve")
    assert first["dedup_key"] == second["dedup_key"]
    assert "test" in first["payload"]["summary"]


@pytest.mark.parametrize(
    ("environ", "said"),
    [
        ({}, "OPS_URL is not set"),
        ({"OPS_URL": "https://127.0.0.1:1/s3cret", "AX_ALERT_ALLOW_PRIVATE": "hooks.internal"}, "alert.allow_private"),
        ({"OPS_URL": "http://hooks.example.com/s3cret"}, "not https"),
    ],
)
def test_what_is_wrong_is_said_without_the_secret(ax: Ax, environ: dict[str, str], said: str) -> None:
    done = ax("test", "ops", **environ)
    assert done.returncode == 1
    assert said in done.stderr
    assert "s3cret" not in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


def test_the_log_is_a_channel_too_and_an_unknown_one_is_named(ax: Ax) -> None:
    done = ax("test", "log")
    assert done.stdout.startswith("FIRING info: Test")
    wrong = ax("test", "oops")
    assert wrong.returncode == 1
    assert "there are: ops, pager, log" in wrong.stderr


def test_channels_are_listed_and_dead_letters_sent_again(ax: Ax, data: Path) -> None:
    pager = Channel(name="pager", type="pagerduty", routing_key="${KEY}")
    now = SystemClock().wall()
    with closing(Control.open(data)) as control, control.writing() as connection:
        outbox.enqueue(connection, [change()], (), (pager,), now)
        batch = outbox.fix(connection, pager, now)
        assert batch is not None
        settle.settle(connection, pager, batch, Answer("refused", "HTTP 404"), now, 0)
    shown = {one["channel"]: one for one in json.loads(ax("list", "--json").stdout)}
    assert list(shown) == ["ops", "pager", "log"]
    assert (shown["pager"]["dead"], shown["pager"]["last"]) == (1, "HTTP 404")
    assert "HTTP 404" in ax("list").stdout
    (letter,) = json.loads(ax("dead", "--json").stdout)
    assert (letter["channel"], letter["notices"][0]["change"]["rule"]) == ("pager", "SlowCalls")
    assert "firing SlowCalls" in ax("dead").stdout
    assert ax("dead", "--retry").stdout == "1 notices go out again, 0 are no longer so\n"
    assert ax("dead").stdout == "nothing was given up\n"


def test_a_mistake_in_a_file_is_said_with_its_place(ax: Ax, data: Path) -> None:
    (data / "rules" / "wrong.yaml").write_text("channels:\n  - {name: a, type: slack, url: https://s3cret.example}\n")
    done = ax("list")
    assert "wrong.yaml:2:" in done.stderr
    assert "s3cret" not in done.stdout + done.stderr
