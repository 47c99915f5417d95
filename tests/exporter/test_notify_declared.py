"""Channels and routes as people write them: what they must have, and secrets that are nowhere to be seen."""

import json
from pathlib import Path

import pytest
from pydantic import ValidationError

from exporter.errors import BadConfig
from exporter.notify.declared import CONSOLE, Channel, Route, check, effective
from exporter.rules import BadRules, read
from exporter.watch.declared import SECTIONS

FILE = """\
channels:
  - {name: ops, type: slack, url: "${SLACK_URL}", severity: warning}
  - {name: hook, type: webhook, url: https://hooks.example.com/ax, secret: "${HOOK_SECRET}"}
  - {name: pager, type: pagerduty, routing_key_file: KEY, severity: critical}
  - {name: team, type: teams, url: "${TEAMS_URL}"}
  - {name: chat, type: discord, url_file: KEY}
  - name: mail
    type: email
    host: smtp.example.com
    from: ax@example.com
    to: [ada@example.com, bob@example.com]
    username: "${SMTP_USER}"
    password: "${SMTP_PASSWORD}"
  - {name: log, type: console}
routes:
  - {match: {team: chat}, channels: [ops], group_by: [alert], group_wait: 30s, group_interval: 5m, repeat_interval: 4h}
  - {channels: mail, severity: critical, continue: true}
"""


def test_all_types_are_read_from_a_file_of_rules(tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_text("k3y\n")
    document = read(FILE.replace("KEY", str(key)), "channels.yaml", SECTIONS)
    channels = {one.name: one for one in document.entries["channels"] if isinstance(one, Channel)}
    assert [one.type for one in channels.values()] == [
        "slack",
        "webhook",
        "pagerduty",
        "teams",
        "discord",
        "email",
        "console",
    ]
    assert channels["pager"].routing_key is not None
    assert channels["pager"].routing_key.reveal({}) == "k3y"
    assert channels["ops"].url is not None
    assert channels["ops"].url.reveal({"SLACK_URL": "https://x"}) == "https://x"
    with pytest.raises(BadConfig, match="SLACK_URL is not set"):
        channels["ops"].url.reveal({})
    route = document.entries["routes"][0]
    assert isinstance(route, Route)
    assert (route.group_wait, route.repeat_interval) == (30 * 10**9, 14_400 * 10**9)


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ('{name: a, type: slack, url: "https://hooks.slack.com/services/T0/B0/s3cret"}', "a secret does not belong"),
        ('{name: a, type: discord, url: "https://discord.com/api/webhooks/1/s3cret"}', "a secret does not belong"),
        ("{name: a, type: webhook, url: 'https://h.example.com/?token=s3cret'}", "a secret does not belong"),
        ("{name: a, type: webhook, url: https://ada:s3cret@h.example.com/}", "a secret does not belong"),
        ("{name: a, type: pagerduty, routing_key: s3cret}", "a secret does not belong"),
        ('{name: a, type: webhook, url: "${U}", secret: s3cret}', "a secret does not belong"),
        ("{name: a, type: slack}", "needs url"),
        ("{name: a, type: email, host: h, to: ada@example.com}", "needs from"),
        ('{name: a, type: slack, url: "${U}", host: h}', "has no host"),
        ('{name: a, type: slack, url: "${U}", sverity: info}', "unknown key sverity"),
        ("{name: a, type: pigeon}", "none of"),
        ("{name: a/b, type: console}", "cannot be a channel's name"),
        ("{name: a, type: webhook, url: not-an-address}", "no address"),
        ("{name: a, type: email, host: h, from: ax@example.com, to: 'a@b.c\\r\\nBcc: x@y.z'}", "no mail address"),
        ("{name: a, type: email, host: h, from: 'x <ax@example.com>', to: a@example.com}", "no mail address"),
        (
            '{name: a, type: email, host: h, from: a@b.c, to: a@b.c, tls: none, username: "${U}", password: "${P}"}',
            "in clear",
        ),
        ('{name: a, type: email, host: h, from: a@b.c, to: a@b.c, username: "${U}"}', "belong together"),
    ],
)
def test_a_mistake_is_shown_at_its_place_and_no_secret_with_it(entry: str, said: str) -> None:
    with pytest.raises(BadRules) as caught:
        read(f"channels:\n  - {entry}\n", "c.yaml", SECTIONS)
    problems = caught.value.problems
    assert any(said in str(one) for one in problems), [str(one) for one in problems]
    assert {one.line for one in problems} == {2}
    assert "s3cret" not in " ".join(f"{one}" for one in problems)
    assert "s3cret" not in str(caught.value)


def test_a_secret_is_in_no_text_and_no_json(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLACK_URL", "https://hooks.slack.com/services/s3cret")
    channel = Channel(name="ops", type="slack", url="${SLACK_URL}")
    shown = repr(channel) + str(channel) + channel.model_dump_json() + json.dumps(channel.model_dump(mode="json"))
    assert "s3cret" not in shown
    assert json.loads(channel.model_dump_json())["url"] == "********"


def test_without_channels_the_servers_log_is_one() -> None:
    assert effective((), console=True) == (CONSOLE,)
    assert effective((), console=False) == ()
    declared = (Channel(name="log", type="console"),)
    assert effective(declared, console=True) == declared


def test_names_that_do_not_fit_together_are_said() -> None:
    log = Channel(name="log", type="console")
    found = check([log, log], [Route(channels=("log", "nobody"))])
    assert [(place, what) for place, what, _ in found] == [
        (("channels", 1, "name"), "the channel log is declared twice"),
        (("routes", 0, "channels", 1), "a route names the channel nobody, which is not declared"),
    ]
    with pytest.raises(ValidationError, match="no channel"):
        Route(channels=())
