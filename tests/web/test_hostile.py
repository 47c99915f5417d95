"""What is sent may hold anything: each text of it is shown as text, and does nothing, on every page."""

import re
from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import quote

import httpx
import pytest
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from playwright.sync_api import Page, expect

from tests.demonstrated import SETTINGS
from tests.otlp import any_value
from tests.running import Server, running, until
from tests.two_tenants import exports, ids_of, mark_of, send
from tests.web.browsing import settle

HOSTILE: Final = {
    "tag": '<img src=x onerror=alert("tag")>',
    "url": (
        'javascript:alert(\'url\')//"></td><script>alert("script")</script><svg/onload=alert(1)>'
        "{{constructor.constructor('alert(1)')()}}${alert(1)}<%= 7*7 %>#{7*7}"
        "'-alert(`quote`)-'\u202e\u0007</textarea><style>*{display:none}</style>"
    ),
}
"""Each begins with another letter, which makes ids of its own. The second would be a link, and then is all else."""
RULES: Final = """
groups:
  - name: hostile
    interval: 1s
    rules:
      - alert: Hostile
        sql: "select {text} as culprit, 7 as value"
        by: [culprit]
        operator: ">"
        threshold: 5
        window: 1m
        description: {quoted}
        annotations: {{summary: {quoted}, note: {quoted}}}
"""
PAGES: Final = {
    "/": None,
    "/calls": "model",
    "/calls/{span}?trace={trace}": "asks",
    "/traces": "1",
    "/traces/{trace}": "4",
    "/traces/{trace}?span={span}": "error",
    "/runs": "trip",
    "/runs/{run}": "step",
    "/conversations": "conversation",
    "/conversations/{conversation}": "asks",
    "/voice": None,
    "/logs": "went wrong",
    "/explore?metric={metric}": None,
    "/costs": None,
    "/alerts": None,
    "/alerts?tab=rules": None,
    "/alerts/{alert}": None,
    "/sql": None,
    "/health": None,
}
"""What of a mark has to be read there; where nothing, it is enough that nothing happens."""
FIRST: Final = "tag"
ITS_OWN: Final = re.compile(r"\{(span|trace|run|conversation|metric)\}")
"""What only one kind is on."""
PLANTED: Final = """
() => [...document.querySelectorAll("*")].flatMap((one) => {
    const isLink = (name) => /^(href|src|action|formaction|xlink:href)$/.test(name);
    const acts = [...one.attributes].some(({ name, value }) =>
        name.startsWith("on") || (isLink(name) && /^\\s*javascript:/i.test(value)));
    const isTheirs = one.matches("img[src=x], script:not([src^='/assets/']), iframe, object, embed, base");
    return acts || isTheirs ? [one.outerHTML.slice(0, 200)] : [];
})
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, built: None) -> Iterator[Server]:  # noqa: ARG001
    """One to which nobody sent anything but that."""
    data = tmp_path_factory.mktemp("hostile") / "data"
    (data / "rules").mkdir(parents=True)
    culprit = HOSTILE["tag"].replace('"', "")
    (data / "rules" / "own.yaml").write_text(RULES.format(text=f"'{culprit}'", quoted=f"'{culprit}'"))
    with running(data, environ=SETTINGS) as one:
        for text in HOSTILE.values():
            for path, export in exports(text).items():
                poison(export, text)
                send(one, path, export)
        until(lambda: one.sql("SELECT count(*) FROM llm_calls") == [(len(HOSTILE),)], "calls", seconds=120)
        until(lambda: len(one.sql("SELECT * FROM logs WHERE body LIKE '%wrong%'")) == len(HOSTILE), "logs")
        until(lambda: bool(_alerts(one)), "the alert fires", seconds=60)
        body = {"by": culprit, "for": "2h", "matchers": ["alert=Nothing"], "note": culprit}
        assert httpx.post(f"{one.ui}/api/silences", json=body, timeout=30).status_code == 201
        httpx.post(
            f"{one.ui}/api/alerts/{_alerts(one)[0]}/acknowledge", json={"by": culprit, "note": culprit}, timeout=30
        )
        yield one
        assert [line for line in one.log().splitlines() if "Traceback" in line] == []


def _alerts(server: Server) -> list[str]:
    found = httpx.get(f"{server.ui}/api/alerts?rule=hostile/Hostile", timeout=60).json()
    return [one["id"] for one in found["items"]]


def poison(message: Message, text: str) -> None:
    """Writes the text behind each text of the message that nobody has to understand, and into attributes of its own."""
    for field, value in message.ListFields():
        if field.type == FieldDescriptor.TYPE_MESSAGE and field.message_type.full_name != AnyValue.DESCRIPTOR.full_name:
            for one in value if _is_list(value) else [value]:
                if not isinstance(one, KeyValue):
                    poison(one, text)
        elif field.type == FieldDescriptor.TYPE_STRING and field.name in {
            "name",
            "description",
            "unit",
            "severity_text",
        }:
            setattr(message, field.name, value if text in value else value + text)
    for name in ("attributes", "filtered_attributes"):
        if name in message.DESCRIPTOR.fields_by_name:
            getattr(message, name).append(KeyValue(key=text, value=any_value({text: [text, {text: text}]})))
            getattr(message, name).append(KeyValue(key=f"plain.{text}", value=any_value(text)))


def _is_list(value: Any) -> bool:
    return not isinstance(value, Message)


@pytest.mark.parametrize("kind", HOSTILE)
def test_nothing_that_was_sent_does_anything(page: Page, server: Server, kind: str) -> None:
    text = HOSTILE[kind]
    ids = {name: quote(value, safe="") for name, value in ids_of(text).items()} | {"alert": _alerts(server)[0]}
    for path, shown in PAGES.items():
        if kind != FIRST and not ITS_OWN.search(path):
            continue  # who looks there for the first sees those of all kinds
        page.goto(path.format_map(ids))
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        if shown is not None:
            wanted = re.compile(re.escape(_visible(mark_of(text))) + ".*" + shown, re.DOTALL)
            expect(page.get_by_text(wanted).first).to_be_visible()
        page.keyboard.press("j")
        page.keyboard.press("Enter")
        page.wait_for_timeout(300)
        settle(page)
        assert page.evaluate(PLANTED) == [], path


def _visible(text: str) -> str:
    """What of it can be seen on every page, however control characters are shown."""
    return text.split("\u202e", maxsplit=1)[0] if "\u202e" in text else text
