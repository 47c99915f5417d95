"""Files of rules: what they declare, and where exactly they are wrong."""

from pathlib import Path
from textwrap import dedent

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, Field

from exporter.alert.rule import Group, Rule
from exporter.errors import BadConfig
from exporter.rules import BadRules, Declared, Money, Problem, Secret, Texts, read, read_directory
from exporter.rules.read import LARGEST_BYTES, read_file
from exporter.rules.words import Duration

SECTIONS: dict[str, type[BaseModel]] = {"groups": Group}


class Thing(Declared):
    """An entry of a section, as others define them."""

    name: str
    usd: Money = 0
    wait: Duration = 0
    labels: Texts = Field(default_factory=dict)
    url: Secret | None = None


def problems(text: str, sections: dict[str, type[BaseModel]] | None = None) -> tuple[Problem, ...]:
    with pytest.raises(BadRules) as caught:
        read(dedent(text).lstrip("\n"), "r.yaml", sections or SECTIONS)
    return caught.value.problems


def places(text: str, sections: dict[str, type[BaseModel]] | None = None) -> list[str]:
    """LINE:COLUMN message; mend."""
    return [str(one).removeprefix("r.yaml:") for one in problems(text, sections)]


def things(text: str) -> list[str]:
    return places(text, {"things": Thing})


# ── What is right ─────────────────────────────────────────────────────────────────────────────────────────────────

GOOD = """
groups:
  - name: latency
    interval: 30s
    rules:
      - alert: SlowCalls
        metric: p95_latency
        filter: 'provider = "openai"'
        by: [model]
        operator: gt
        thresholds: {warning: 2s, critical: 5s}
        resolve_threshold: 1500ms
        window: 5m
        for: 1m
        labels: {team: chat, shard: 7}
"""


def test_a_group_of_rules_is_read() -> None:
    document = read(GOOD, "r.yaml", SECTIONS)
    (group,) = document.entries["groups"]
    assert isinstance(group, Group)
    assert (group.name, group.interval) == ("latency", 30 * 10**9)
    (rule,) = group.rules
    assert (rule.operator, rule.window, rule.hold, rule.by) == (">", 300 * 10**9, 60 * 10**9, ("model",))
    assert rule.labels == {"team": "chat", "shard": "7"}
    assert [(rung.severity, rung.threshold, rung.resolve) for rung in rule.ladder] == [
        ("warning", 2e9, 1.5e9),
        ("critical", 5e9, 4.5e9),
    ]
    assert document.line("groups", 0, "rules", 0) == 6


def test_an_empty_file_and_an_empty_section_declare_nothing() -> None:
    assert read("", "r.yaml", SECTIONS).entries == {}
    assert read("# nothing yet\n", "r.yaml", SECTIONS).entries == {}
    assert read("groups:\n", "r.yaml", SECTIONS).entries == {}
    assert read("groups: []\n", "r.yaml", SECTIONS).entries == {"groups": ()}


def test_anchors_and_merges_save_writing() -> None:
    text = """
    things:
      - &first {name: a, usd: $5}
      - <<: *first
        name: b
    """
    found = read(dedent(text), "r.yaml", {"things": Thing}).entries["things"]
    assert [(one.name, one.usd) for one in found if isinstance(one, Thing)] == [("a", 5 * 10**9), ("b", 5 * 10**9)]


def test_money_and_durations_are_whole_numbers_and_go_back_to_what_was_written() -> None:
    thing = Thing.model_validate({"name": "a", "usd": "$12.345678901", "wait": "90s"})
    assert (thing.usd, thing.wait) == (12_345_678_901, 90 * 10**9)
    assert thing.model_dump(mode="json")["usd"] == "$12.345678901"
    assert Thing.model_validate_json(thing.model_dump_json(exclude={"url"})) == thing


# ── What is wrong, and where ──────────────────────────────────────────────────────────────────────────────────────


def test_all_mistakes_of_a_file_are_told_each_at_its_place() -> None:
    text = """
    groups:
      - name: latency
        rulez: 3
        rules:
          - alert: Slow
            metric: p95_latancy
            threshold: 2s
            windw: 5m
          - alert: Slower
            metric: p95_latency
            threshold: 2
            for: 5 min
          - alert: Slowest
            metric: p95_latency
            threshold: 2s
            filter: modl = "x"
    budgts: []
    """
    assert places(text) == [
        "3:12: unknown key rulez; did you mean rules?",
        "6:17: p95_latancy is no measure of ours; did you mean p95_latency?",
        "8:16: unknown key windw; did you mean window?",
        "11:20: 2 is not a duration; write a duration such as 800ms, 2s or 5m",
        "12:14: cannot read '5 min' as a duration; write a whole number and a unit, such as 30s, 5m, 12h or 7d",
        "16:17: column 1: LLM calls have no field 'modl'; did you mean model?",
        "17:1: unknown section budgts; sections are groups",
    ]


def test_a_problem_shows_its_line_with_a_mark() -> None:
    (problem,) = problems("things:\n  - name: a\n    usd: much\n", {"things": Thing})
    assert problem.picture == "  3 |     usd: much\n    |          ^"
    assert (problem.line, problem.column) == (3, 10)


def test_a_missing_key_is_shown_at_its_entry() -> None:
    assert things("things:\n  - usd: $5\n") == ["2:5: name is missing"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("things:\n  - name: a\n    name: b\n", "3:5: name is there twice; keep one of them"),
        ("things:\n  - [a]\n", "2:5: here belong keys with values, not a list"),
        ("things: 5\n", "1:9: things is a list; begin each entry with `- `"),
        ("- a\n", "1:1: a file of rules has sections; begin with things:"),
        ("things:\n\t- a\n", "2:1: not YAML: character '\\t' that cannot start any token; indent with spaces"),
        ("things:\n  - name: a: b\n", "2:12: not YAML: mapping values are not allowed here; put text that has a colon"),
        ("things:\n  - {name: a, wait: 60}\n", "2:21: 60 is no duration; write a whole number and a unit"),
        ("things:\n  - {name: a, wait: 1.5s}\n", "2:21: cannot read '1.5s' as a duration"),
        ("things:\n  - {name: a, usd: .inf}\n", "2:20: inf is no amount that anybody spends"),
        ("things:\n  - {name: a, labels: {on: yes}}\n", "2:28: True is no text; write it in quotes"),
        ("things:\n  - {name: a, url: https://x/secret}\n", "2:20: a secret does not belong into a file of rules"),
        ("things:\n  - {name: a, ? [1]: 2}\n", "2:5: a key is a word"),
        ("things:\n  - name: !!python/object:os.system a\n", "2:11: cannot read"),
        ("things:\n  - name: !secret a\n", "2:11: !secret is a tag of YAML's"),
        ("things: \x07\n", "1:9: a character that YAML does not take; remove it"),
        ("things: [\n", "2:1: not YAML"),
        ("things:\n  - *nobody\n", "2:5: not YAML: undefined alias 'nobody'"),
    ],
)
def test_what_is_no_entry_is_told_with_its_place(text: str, told: str) -> None:
    (found,) = things(text)
    assert found.startswith(told)


def with_operator(written: str) -> str:
    rule = f"metric: error_rate\n        alert: A\n        threshold: 5%\n        operator: {written}\n"
    return f"groups:\n  - name: g\n    rules:\n      - {rule}"


@pytest.mark.parametrize("written", [">", ">=", "!="])
def test_an_operator_that_means_something_to_yaml_has_to_be_quoted(written: str) -> None:
    (problem,) = problems(with_operator(written))
    assert "in quotes" in problem.mend
    assert problem.line in {7, 8}


@pytest.mark.parametrize("written", ["==", "<", "<=", '">"', "gte", "'!='", "greater_than"])
def test_other_operators_need_no_quotes(written: str) -> None:
    assert read(with_operator(written), "r.yaml", SECTIONS).entries["groups"]


def test_a_billion_laughs_is_refused() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 9)]
    (found,) = places("\n".join(lines) + "\n")
    assert "more than 100000 values" in found


def test_what_is_nested_without_end_is_refused() -> None:
    assert "nested deeper than" in places("groups: " + "[" * 60 + "]" * 60 + "\n")[0]
    assert "nested deeper than" in places("groups: " + "[" * 5_000 + "]" * 5_000 + "\n")[0]
    assert places("groups: &a\n  - *a\n")[0].startswith("1:9: nested deeper than")


MARKS = [
    "",
    "\n",
    " ",
    "  - ",
    ": ",
    "{",
    "}",
    "[",
    "]",
    "*a",
    "&a ",
    "<<: *a",
    "!x ",
    "|",
    ">",
    '"',
    "'",
    "#",
    "%",
    "\t",
]
WORDS = ["\0", "é", "~", "null", "1e999", "0x", "rules:", "groups:", "by:", "thresholds: {critical: 1}", "9" * 400]
PIECES = st.sampled_from(MARKS + WORDS)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(st.integers(0, len(GOOD)), st.integers(0, 30), PIECES), min_size=1, max_size=4))
def test_whatever_a_file_holds_it_is_read_or_all_its_problems_are_in_it(edits: list[tuple[int, int, str]]) -> None:
    text = GOOD
    for at, cut, put in edits:
        text = text[:at] + put + text[at + cut :]
    try:
        assert read(text, "r.yaml", SECTIONS).source == "r.yaml"
    except BadRules as error:
        lines = text.count("\n") + 1
        for one in error.problems:
            assert 1 <= one.line <= lines + 1
            assert one.column >= 1
            assert one.message
            assert one.picture


# ── Files ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_directory_gives_what_can_be_read_and_what_is_wrong_with_the_rest(tmp_path: Path) -> None:
    (tmp_path / "b.yaml").write_text(GOOD)
    (tmp_path / "a.yml").write_text("nonsense: 1\n")
    (tmp_path / "c.yaml").write_bytes(b"# fine\n\xff")
    (tmp_path / ".hidden.yaml").write_text("nonsense: 1\n")
    (tmp_path / "notes.txt").write_text("nonsense: 1\n")
    documents, found = read_directory(tmp_path, SECTIONS)
    assert [Path(document.source).name for document in documents] == ["b.yaml"]
    assert [(Path(one.source).name, one.line) for one in found] == [("a.yml", 1), ("c.yaml", 2)]
    assert read_directory(tmp_path / "none", SECTIONS) == ([], [])


def test_a_file_that_is_gone_or_huge_is_a_problem_too(tmp_path: Path) -> None:
    with pytest.raises(BadRules, match="cannot read it: No such file"):
        read_file(tmp_path / "gone.yaml", SECTIONS)
    huge = tmp_path / "huge.yaml"
    huge.write_bytes(b"#" * (LARGEST_BYTES + 1))
    with pytest.raises(BadRules, match="more than 1 MiB"):
        read_file(huge, SECTIONS)


# ── Secrets ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_secret_is_a_place_and_is_never_shown(tmp_path: Path) -> None:
    thing = Thing.model_validate({"name": "a", "url": "https://x/${TOKEN}"})
    assert thing.url is not None
    assert thing.url.reveal({"TOKEN": "s3cret"}) == "https://x/s3cret"
    assert "TOKEN" not in thing.model_dump_json()
    with pytest.raises(BadConfig, match="the variable TOKEN is not set"):
        thing.url.reveal({})
    (tmp_path / "token").write_text("from a file\n")
    assert Secret(file=tmp_path / "token").reveal({}) == "from a file"
    with pytest.raises(BadConfig, match="cannot read the secret in"):
        Secret(file=tmp_path / "none").reveal({})


def test_a_rule_goes_through_json_unchanged() -> None:
    (group,) = read(GOOD, "r.yaml", SECTIONS).entries["groups"]
    assert isinstance(group, Group)
    rule = group.rules[0]
    again = Rule.model_validate_json(rule.model_dump_json(by_alias=True, exclude_defaults=True))
    assert again == rule
    assert again.expression == rule.expression
