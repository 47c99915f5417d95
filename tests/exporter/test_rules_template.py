"""Annotations: what is filled in, and what no template can do."""

import time
from typing import Any

import pytest

from exporter.alert import template
from exporter.alert.rule import Rule
from exporter.alert.shapes import Change, Labels

HOSTILE = "<!channel> {{ 7*7 }} {% raw %}\r\n"


def rendered(text: str, value: float | None = 2.35e9, labels: Labels = (("model", "gpt"),), **more: Any) -> str:
    given = {"alert": "Slow", "metric": "p95_latency", "threshold": "2s", "by": ["model"]} | more
    rule = Rule.model_validate(given | {"annotations": {"summary": text}})
    change = Change(
        rule_id="g/Slow",
        rule="Slow",
        fingerprint="f",
        episode="e",
        tenant_id="default",
        transition="firing",
        at=0,
        from_state="inactive",
        to_state="firing",
        severity="warning",
        value=value,
        threshold=2e9,
        labels=labels,
    )
    ((name, made),) = template.render(rule, change)
    assert name == "summary"
    return made


@pytest.mark.parametrize(
    ("text", "made"),
    [
        ("{{ labels.model }} takes {{ value }}, more than {{ threshold }}", "gpt takes 2.35 s, more than 2 s"),
        ("{{ rule }} is {{ severity }} for {{ by }} over {{ window }}", "Slow is warning for model=gpt over 5 min"),
        ("{{ labels['model'] | upper }}", "GPT"),
        ("{{ labels.team | default('nobody', true) }}", "nobody"),
        ("{% if value > 2e9 %}slow{% else %}fine{% endif %}", "slow"),
        ("{{ (value / 1e6) | round(1) }} ms", "2350.0 ms"),
        ("{{ labels.model ~ '!' }}", "gpt!"),
        ("no names at all", "no names at all"),
        ("{{ labels.items }}{{ labels.__class__ }}{{ labels['keys'] }}", ""),
    ],
)
def test_names_are_filled_in(text: str, made: str) -> None:
    assert rendered(text) == made


@pytest.mark.parametrize(
    ("given", "value", "made"),
    [
        ({}, 800e6, "800 ms"),
        ({}, None, "no value"),
        ({"metric": "error_rate", "threshold": "5%"}, 0.123, "12.3 %"),
        ({"metric": "hourly_cost", "threshold": "$10"}, 12_345_678_901, "$12.35"),
        ({"metric": "tokens", "threshold": 5}, 1_234_567, "1,234,567"),
        ({"metric": "rss", "aggregation": "last", "threshold": "1GiB"}, 3 * 2**29, "1.5 GiB"),
        ({"metric": "rss", "aggregation": "last", "threshold": 2}, 0.125, "0.125"),
    ],
    ids=str,
)
def test_a_value_is_written_in_its_unit(given: dict[str, Any], value: float | None, made: str) -> None:
    assert rendered("{{ value }}", value, **given) == made


def test_what_a_label_holds_is_text_and_never_a_template() -> None:
    assert rendered("{{ labels.model }}", labels=(("model", HOSTILE),)) == HOSTILE


@pytest.mark.parametrize(
    "text",
    [
        "{{ nobody }}",
        "{{ labels.model",
        "{% for i in labels %}{{ i }}{% endfor %}",
        "{% set x = 'x' %}{{ x }}",
        "{% include '/etc/passwd' %}",
        "{% macro m() %}{% endmacro %}",
        "{{ labels.keys() }}",
        "{{ ''.__class__ }}",
        "{{ value.__class__.__mro__ }}",
        "{{ labels.model.__class__ }}",
        "{{ 'x' * 10000000000 }}",
        "{{ 10 ** 10 ** 10 }}",
        "{{ '%1000000000d' % 1 }}",
        "{{ 'x' | center(1000000000) }}",
        "{{ 'x' | replace('', 'xxxxxxxxx') }}",
        "{{ range(1000000000) }}",
        "{{ value / 0 }}",
        "{{ 1e308 * 1e308 }}",
        "{{ labels.model + labels.model }}",
        "{{ 'x' | format }}",
        "{{ self }}",
        "{{ labels | attr('keys') }}",
        "{{ " + "(" * 500 + "1" + ")" * 500 + " }}",
        "{{ " + "not " * 3_000 + "1 }}",
        "{{ labels.model }}" + "x" * 5_000 + "{{ value }}",
    ],
    ids=lambda text: text[:40],
)
def test_what_is_more_than_filling_in_becomes_a_text_that_says_so(text: str) -> None:
    begun = time.monotonic()
    assert rendered(text).startswith("[this text cannot be made: ")
    assert time.monotonic() - begun < 5


def test_a_text_is_never_longer_than_its_bound() -> None:
    assert len(rendered("{{ labels.model }}" * 200, labels=(("model", "x" * 10_000),))) == template.LONGEST
    assert len(rendered("x" * 10_000)) == template.LONGEST


def test_a_template_is_checked_before_anything_fires() -> None:
    texts = {"good": "{{ labels.a }} {{ value }}", "loop": "{% for a in labels %}{% endfor %}", "name": "\n{{ model }}"}
    rule = Rule.model_validate({"alert": "A", "metric": "calls", "threshold": 1, "annotations": texts})
    found = {name: (wrong.line, wrong.message) for name, wrong in template.check(rule)}
    assert found == {"loop": (1, "for cannot be in an annotation"), "name": (2, "model is no name of a template's")}
