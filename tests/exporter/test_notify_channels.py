"""What each service is sent: valid by what the service documents, whatever strangers have written into labels."""

import json
import re
import unicodedata
from dataclasses import replace
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from html.parser import HTMLParser
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.notify.channels import console, discord, email, pagerduty, slack, teams, webhook
from exporter.notify.declared import Channel
from exporter.notify.notice import Batch, dump_notices, load_notices
from exporter.notify.text import fit, link, plain
from tests.notices import batch, change

SLACK = Channel(name="ops", type="slack", url="${U}")
PAGER = Channel(name="pager", type="pagerduty", routing_key="${K}")
MAIL = Channel.model_validate(
    {"name": "mail", "type": "email", "host": "h", "from": "ax@example.com", "to": ["ada@example.com", "b@example.com"]}
)
LOG = Channel(name="log", type="console")

# https://docs.slack.dev/reference/block-kit/blocks (header, section, context) and
# https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks
_PLAIN_TEXT = {
    "type": "object",
    "properties": {
        "type": {"const": "plain_text"},
        "text": {"type": "string", "minLength": 1, "maxLength": 3_000},
        "emoji": {"type": "boolean"},
    },
    "required": ["type", "text"],
    "additionalProperties": False,
}
_MRKDWN = {
    "type": "object",
    "properties": {"type": {"const": "mrkdwn"}, "text": {"type": "string", "minLength": 1, "maxLength": 3_000}},
    "required": ["type", "text"],
    "additionalProperties": False,
}


def _within(text: dict[str, Any], longest: int) -> dict[str, Any]:
    return {"allOf": [text, {"properties": {"text": {"maxLength": longest}}}]}


SLACK_SCHEMA = {
    "type": "object",
    "properties": {
        "text": {"type": "string", "minLength": 1, "maxLength": 40_000},
        "mrkdwn": {"type": "boolean"},
        "unfurl_links": {"type": "boolean"},
        "unfurl_media": {"type": "boolean"},
        "blocks": {
            "type": "array",
            "minItems": 1,
            "maxItems": 50,
            "items": {
                "oneOf": [
                    {
                        "properties": {"type": {"const": "header"}, "text": _within(_PLAIN_TEXT, 150)},
                        "required": ["type", "text"],
                        "additionalProperties": False,
                    },
                    {
                        "properties": {
                            "type": {"const": "section"},
                            "text": _PLAIN_TEXT,
                            "fields": {
                                "type": "array",
                                "minItems": 1,
                                "maxItems": 10,
                                "items": _within(_PLAIN_TEXT, 2_000),
                            },
                        },
                        "required": ["type", "text"],
                        "additionalProperties": False,
                    },
                    {
                        "properties": {
                            "type": {"const": "context"},
                            "elements": {"minItems": 1, "maxItems": 10, "items": {"oneOf": [_PLAIN_TEXT, _MRKDWN]}},
                        },
                        "required": ["type", "elements"],
                        "additionalProperties": False,
                    },
                ]
            },
        },
    },
    "required": ["text", "blocks"],
    "additionalProperties": False,
}

# https://developer.pagerduty.com/docs/send-alert-event: limits of summary 1024, dedup_key 255, 512 KB
PAGERDUTY_SCHEMA = {
    "type": "object",
    "properties": {
        "routing_key": {"type": "string", "minLength": 32, "maxLength": 32},
        "event_action": {"enum": ["trigger", "acknowledge", "resolve"]},
        "dedup_key": {"type": "string", "minLength": 1, "maxLength": 255},
        "client": {"type": "string"},
        "links": {
            "type": "array",
            "items": {
                "properties": {"href": {"pattern": "^https?://"}, "text": {"type": "string"}},
                "required": ["href"],
            },
        },
        "payload": {
            "type": "object",
            "properties": {
                "summary": {"type": "string", "minLength": 1, "maxLength": 1_024},
                "source": {"type": "string", "minLength": 1},
                "severity": {"enum": ["critical", "error", "warning", "info"]},
                "timestamp": {"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$"},
                "component": {"type": "string"},
                "group": {"type": "string"},
                "class": {"type": "string"},
                "custom_details": {"type": "object"},
            },
            "required": ["summary", "source", "severity"],
            "additionalProperties": False,
        },
    },
    "required": ["routing_key", "event_action", "dedup_key"],
    "if": {"properties": {"event_action": {"const": "trigger"}}},
    "then": {"required": ["payload"]},
    "additionalProperties": False,
}

# https://learn.microsoft.com/connectors/teams/#microsoft-teams-webhook and
# https://learn.microsoft.com/adaptive-cards/schema-explorer (AdaptiveCard, RichTextBlock, TextRun, Action.OpenUrl)
_RUN = {
    "type": "object",
    "properties": {
        "type": {"const": "TextRun"},
        "text": {"type": "string", "minLength": 1},
        "weight": {"enum": ["Default", "Lighter", "Bolder"]},
        "size": {"enum": ["Default", "Small", "Medium", "Large", "ExtraLarge"]},
        "color": {"enum": ["Default", "Dark", "Light", "Accent", "Good", "Warning", "Attention"]},
        "isSubtle": {"type": "boolean"},
    },
    "required": ["type", "text"],
    "additionalProperties": False,
}
TEAMS_SCHEMA = {
    "type": "object",
    "properties": {
        "type": {"const": "message"},
        "attachments": {
            "type": "array",
            "minItems": 1,
            "maxItems": 1,
            "items": {
                "properties": {
                    "contentType": {"const": "application/vnd.microsoft.card.adaptive"},
                    "contentUrl": {"type": "null"},
                    "content": {
                        "type": "object",
                        "properties": {
                            "$schema": {"type": "string"},
                            "type": {"const": "AdaptiveCard"},
                            "version": {"enum": ["1.2", "1.3", "1.4", "1.5"]},
                            "fallbackText": {"type": "string"},
                            "body": {
                                "type": "array",
                                "minItems": 1,
                                "items": {
                                    "properties": {
                                        "type": {"const": "RichTextBlock"},
                                        "inlines": {"type": "array", "minItems": 1, "items": _RUN},
                                    },
                                    "required": ["type", "inlines"],
                                    "additionalProperties": False,
                                },
                            },
                            "actions": {
                                "type": "array",
                                "maxItems": 6,
                                "items": {
                                    "properties": {
                                        "type": {"const": "Action.OpenUrl"},
                                        "title": {"type": "string"},
                                        "url": {"pattern": "^https?://"},
                                    },
                                    "required": ["type", "url"],
                                    "additionalProperties": False,
                                },
                            },
                        },
                        "required": ["type", "version", "body"],
                        "additionalProperties": False,
                    },
                },
                "required": ["contentType", "content"],
                "additionalProperties": False,
            },
        },
    },
    "required": ["type", "attachments"],
    "additionalProperties": False,
}

# https://discord.com/developers/docs/resources/webhook#execute-webhook and
# https://discord.com/developers/docs/resources/message#embed-object-embed-limits
DISCORD_SCHEMA = {
    "type": "object",
    "properties": {
        "content": {"type": "string", "minLength": 1, "maxLength": 2_000},
        "allowed_mentions": {"const": {"parse": []}},
        "embeds": {
            "type": "array",
            "minItems": 1,
            "maxItems": 10,
            "items": {
                "properties": {
                    "title": {"type": "string", "minLength": 1, "maxLength": 256},
                    "description": {"type": "string", "minLength": 1, "maxLength": 4_096},
                    "url": {"pattern": "^https?://"},
                    "color": {"type": "integer", "minimum": 0, "maximum": 0xFFFFFF},
                    "timestamp": {"type": "string"},
                    "footer": {"properties": {"text": {"maxLength": 2_048}}},
                    "fields": {
                        "type": "array",
                        "maxItems": 25,
                        "items": {
                            "properties": {
                                "name": {"type": "string", "minLength": 1, "maxLength": 256},
                                "value": {"type": "string", "minLength": 1, "maxLength": 1_024},
                                "inline": {"type": "boolean"},
                            },
                            "required": ["name", "value"],
                            "additionalProperties": False,
                        },
                    },
                },
                "additionalProperties": False,
            },
        },
    },
    "required": ["embeds", "allowed_mentions"],
    "additionalProperties": False,
}


def fits(body: object, schema: dict[str, Any]) -> None:
    """Fails unless a body is as the service documents it."""
    for error in jsonschema.Draft202012Validator(schema).iter_errors(body):
        pytest.fail(f"{error.json_path}: {error.message[:300]}")


def is_seen(text: str) -> bool:
    """Whether a text has neither control characters and line ends, nor what turns its direction round."""
    turns = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}
    return not any(
        unicodedata.category(one) in {"Cc", "Cs", "Zl", "Zp"} or unicodedata.bidirectional(one) in turns for one in text
    )


HOSTILE = [
    "<!channel> <!everyone> <@U123> <https://evil.example|click> & <script>alert(1)</script>",
    "@everyone @here <@&123> <@123> [click](https://evil.example) **bold** `code` ||spoiler|| > quote",
    "{{DATE(2017-02-14T06:00:00Z, SHORT)}} ${payload} {{ 7*7 }} {% raw %} <at>ada</at>",
    "a\r\nBcc: victim@example.com\r\n\r\nbody",
    "\x1b[31mred\x07\x00 \u202egnirts desrever\u2066 \u200bzero\ufeff",
    '"><img src=x onerror=alert(1)><a href="javascript:alert(1)">x</a>',
    "https://evil.example/phish",
    "\ud800 lone half",
    "🔥" * 5_000,
    "&" * 5_000,
    "<" * 5_000,
    "",
]
HOSTILE_TEXT = st.one_of(st.sampled_from(HOSTILE), st.text(max_size=40))


def hostile(text: str, count: int = 1, labels: int = 3) -> list[Any]:
    return [
        change(
            alert=f"R{text}",
            severity="critical",
            labels={f"l{number}{text}"[:2_000]: text for number in range(labels)},
            episode=number,
            annotations=(("description", text), ("runbook_url", text), ("summary", text)),
            by=text,
        )
        for number in range(count)
    ]


def strings(value: object) -> list[str]:
    """Every text in a body, keys too."""
    if isinstance(value, dict):
        return [each for pair in value.items() for one in pair for each in strings(one)]
    if isinstance(value, list):
        return [each for one in value for each in strings(one)]
    return [value] if isinstance(value, str) else []


def texts_of(blocks: list[dict[str, Any]], kind: str) -> list[str]:
    return [one["text"] for one in _objects(blocks) if one.get("type") == kind]


def _objects(value: object) -> list[dict[str, Any]]:
    if isinstance(value, dict):
        return [value, *(each for one in value.values() for each in _objects(one))]
    return [each for one in value for each in _objects(one)] if isinstance(value, list) else []


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("count", [1, 100])
def test_slack_takes_it_and_nothing_in_it_is_markup(text: str, count: int) -> None:
    body = slack.body(batch(SLACK, *hostile(text, count, labels=30)))
    fits(body, SLACK_SCHEMA)
    assert "mrkdwn" not in {one.get("type") for one in _objects(body["blocks"])} or link(text)
    for said in [body["text"], *texts_of(body["blocks"], "plain_text")]:
        assert not re.search(r"[<>]|&(?!(amp|lt|gt);)", said)


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("count", [1, 100])
def test_teams_takes_it_and_nothing_in_it_is_a_function_or_a_mention(text: str, count: int) -> None:
    body = teams.body(batch(SLACK, *hostile(text, count, labels=30)))
    fits(body, TEAMS_SCHEMA)
    assert len(json.dumps(body).encode()) < 28 * 1_024
    assert not any(re.search(r"\{\{|\$\{(?!\u200b)", one) for one in strings(body))
    assert {one["type"] for one in _objects(body) if "type" in one} <= {
        "message",
        "AdaptiveCard",
        "RichTextBlock",
        "TextRun",
        "Action.OpenUrl",
    }


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("count", [1, 100])
def test_discord_takes_it_and_all_punctuation_is_text(text: str, count: int) -> None:
    body = discord.body(batch(SLACK, *hostile(text, count, labels=30)))
    fits(body, DISCORD_SCHEMA)
    counted = [one.get("title", "") + one.get("description", "") for one in body["embeds"]]
    counted += [one["name"] + one["value"] for embed in body["embeds"] for one in embed["fields"]]
    counted += [one["footer"]["text"] for one in body["embeds"] if "footer" in one]
    assert sum(map(len, counted)) <= 6_000
    for said in [body["content"], *counted]:
        assert not re.search(r"(?<!\\)(\\\\)*[*_~`|<>\[\]()@#]", said.replace("\\\\", ""))


@pytest.mark.parametrize("text", HOSTILE)
def test_pagerduty_takes_it(text: str) -> None:
    for said in (None, "acknowledged", "resolved"):
        body = pagerduty.body(batch(PAGER, *hostile(text, labels=200), said=said), "k" * 32)
        fits(body, PAGERDUTY_SCHEMA)
        assert len(json.dumps(body).encode()) <= pagerduty.MOST_BYTES


def test_pagerduty_drops_the_details_of_what_would_be_too_long() -> None:
    labels = {f"label{number}": "ß" * 1_000 for number in range(300)}
    body = pagerduty.body(batch(PAGER, change(labels=labels)), "k" * 32)
    assert len(json.dumps(body).encode()) <= pagerduty.MOST_BYTES
    assert body["payload"]["custom_details"] == {"dropped": "too long"}


def test_pagerduty_triggers_acknowledges_and_resolves_one_incident_an_episode() -> None:
    bodies = [
        pagerduty.body(batch(PAGER, change(), said=said), "k" * 32)
        for said in ("firing", "escalated", "acknowledged", "repeated", "resolved")
    ]
    actions = [one["event_action"] for one in bodies]
    assert actions == ["trigger", "trigger", "acknowledge", "trigger", "resolve"]
    one = change()
    assert {each["dedup_key"] for each in bodies} == {f"ax:{one.fingerprint[:32]}:{one.episode}"}
    assert pagerduty.body(batch(PAGER, change(episode=2)), "k" * 32)["dedup_key"] != bodies[0]["dedup_key"]
    no_data = pagerduty.body(batch(PAGER, change(), kind="no_data"), "k" * 32)
    assert no_data["dedup_key"] == bodies[0]["dedup_key"] + ":no_data"


@pytest.mark.parametrize("severity", ["info", "warning", "error", "critical"])
def test_pagerduty_has_our_severities(severity: Any) -> None:
    body = pagerduty.body(batch(PAGER, change(severity=severity)), "k" * 32)
    assert body["payload"]["severity"] == severity


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.said: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.said.append(data)


def parsed(message: EmailMessage) -> tuple[EmailMessage, str, str]:
    mail = BytesParser(policy=policy.default).parsebytes(message.as_bytes())
    assert isinstance(mail, EmailMessage)
    text, html = mail.get_body(("plain",)), mail.get_body(("html",))
    assert isinstance(text, EmailMessage)
    assert isinstance(html, EmailMessage)
    return mail, text.get_content(), html.get_content()


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("count", [1, 100])
def test_a_mail_has_only_our_headers_and_only_our_tags(text: str, count: int) -> None:
    mail, _, html = parsed(email.message(batch(MAIL, *hostile(text, count)), MAIL))
    assert mail.get_content_type() == "multipart/alternative"
    assert sorted(mail.keys()) == sorted(
        [
            "Subject",
            "From",
            "To",
            "Date",
            "Message-ID",
            "X-Ax-Delivery",
            "Auto-Submitted",
            "MIME-Version",
            "Content-Type",
        ]
    )
    assert mail["To"] == "ada@example.com, b@example.com"
    assert not mail.defects
    seen = _Tags()
    seen.feed(html)
    ours = {"html", "head", "meta", "title", "body", "table", "tr", "td", "h2", "p", "a"}
    assert {tag for tag, _ in seen.tags} <= ours
    for tag, attributes in seen.tags:
        assert not any(name.startswith("on") for name in attributes), tag
        assert (attributes.get("href") or "https://").startswith(("https://", "http://"))


def test_a_mail_is_the_same_each_time_it_is_made_so_that_two_are_seen_as_one() -> None:
    one = batch(MAIL, change())
    first, second = parsed(email.message(one, MAIL)), parsed(email.message(one, MAIL))
    assert first[0]["Message-ID"] == second[0]["Message-ID"] == f"<{one.key}@example.com>"
    assert first[0]["Date"] == second[0]["Date"]
    assert first[1:] == second[1:]
    assert "FIRING warning: SlowCalls" in first[0]["Subject"]
    assert "model: gpt-9" in first[1]


@pytest.mark.parametrize("text", HOSTILE)
def test_the_log_has_one_line_without_control_characters(text: str) -> None:
    line = console.line(batch(LOG, *hostile(text)))
    assert len(line) <= 1_000
    assert is_seen(line)


def test_the_line_says_what_people_need() -> None:
    line = console.line(batch(LOG, change(severity="critical")))
    assert line == (
        "FIRING critical: SlowCalls · Calls take 3.25 s (model=gpt-9 team=chat) [value 3.25 s, threshold 2 s] "
        f"id {change().episode[:12]}"
    )


@pytest.mark.parametrize("text", HOSTILE)
def test_a_webhook_has_everything_as_it_is_and_its_signature_can_be_checked(text: str) -> None:
    one = batch(SLACK, *hostile(text))
    content = json.dumps(webhook.body(one)).encode()
    headers = webhook.headers(one, content, "s3cret", 1_790_000_000 * 10**9)
    assert all(value.isascii() and value.isprintable() for value in headers.values())
    assert headers["X-Ax-Delivery"] == headers["Idempotency-Key"] == one.key
    assert headers["X-Ax-Timestamp"] == "1790000000"
    assert headers["X-Ax-Signature"] == "sha256=" + webhook.sign("s3cret", "1790000000", content)
    assert headers["X-Ax-Signature"] != "sha256=" + webhook.sign("s3cret", "1790000001", content)
    assert json.loads(content)["notices"][0]["labels"] == dict(one.notices[0].change.labels)


def test_a_signature_is_the_hmac_of_timestamp_dot_body() -> None:
    """Worked out with `printf '1790000000.{}' | openssl dgst -sha256 -hmac s3cret`."""
    assert webhook.sign("s3cret", "1790000000", b"{}") == SIGNATURE


SIGNATURE = "0d84afbca530158326e0549a7a1c3579755f9b8ba4cceba2c143dbe14147b60f"


@pytest.mark.parametrize("value", [float("inf"), float("-inf"), float("nan"), 1e308, 5e-324])
def test_no_value_makes_json_that_others_cannot_read(value: float) -> None:
    one = batch(SLACK, replace(change(), value=value, at=2**63 - 1))
    for body in (webhook.body(one), slack.body(one), teams.body(one), discord.body(one)):
        json.dumps(body, allow_nan=False)


@given(HOSTILE_TEXT, HOSTILE_TEXT, st.integers(1, 12))
@settings(max_examples=30)
def test_no_text_at_all_breaks_a_body(name: str, value: str, count: int) -> None:
    labels = {name or "x": value, "y": name}
    one = batch(SLACK, *[change(alert=value or "A", labels=labels, episode=each) for each in range(count)])
    fits(slack.body(one), SLACK_SCHEMA)
    fits(teams.body(one), TEAMS_SCHEMA)
    fits(discord.body(one), DISCORD_SCHEMA)
    fits(pagerduty.body(one, "k" * 32), PAGERDUTY_SCHEMA)
    parsed(email.message(one, MAIL))
    assert is_seen(console.line(one))


@given(st.text(max_size=400), st.integers(1, 60))
def test_text_is_cut_by_characters_and_no_escape_in_two(text: str, longest: int) -> None:
    assert len(plain(text, longest)) <= longest
    cut = fit(text, longest, slack.escape)
    assert len(cut) <= longest
    assert not re.search(r"&(?!(amp|lt|gt);)", cut)


@pytest.mark.parametrize(
    ("text", "is_link"),
    [
        ("https://wiki.example.com/slow?x=1#a", True),
        ("http://wiki/slow", True),
        ("javascript:alert(1)", False),
        ("https://a b", False),
        ('https://a"onclick=', False),
        ("data:text/html,x", False),
        ("", False),
    ],
)
def test_only_web_addresses_are_linked(text: str, *, is_link: bool) -> None:
    assert (link(text) is not None) == is_link


def test_notices_come_back_from_their_json_as_they_were() -> None:
    one: Batch = batch(SLACK, change(), change(episode=2, severity="critical", by="ada", reason="by_hand"))
    assert load_notices(dump_notices(one.notices)) == one.notices
