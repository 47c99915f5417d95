"""What hostile rules, templates, matchers, addresses and statements cannot do; each of these once did."""

import json
import logging
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest

from exporter.alert import kept, template
from exporter.alert.rule import Group, Rule
from exporter.api import pages
from exporter.api.problems import Busy, Problem, answer
from exporter.api.trying import Places
from exporter.clock import SystemClock
from exporter.errors import AxError, BadConfig
from exporter.notify.guard import Hold, is_public
from exporter.notify.match import parse
from exporter.notify.post import Request, post
from exporter.notify.reach import Reach
from exporter.rules import BadRules, read
from exporter.sandbox import Limits, Sandbox, SqlRefused
from exporter.units import parse_duration
from tests.exporter.store_tables import NOON, append, opened, seconds, spans

RULE: dict[str, Any] = {"alert": "Slow", "metric": "p95_latency", "threshold": "2s"}
PATIENCE_S = 5.0
"""Of processor time; what is mended takes a tenth, what was not took minutes."""


@pytest.fixture(autouse=True)
def bounded() -> Iterator[None]:
    """None of these may cost much."""
    before = time.process_time()
    yield
    assert time.process_time() - before < PATIENCE_S


# ── Files of rules ────────────────────────────────────────────────────────────────────────────────────────────────

MERGED = "a0: &a0 {k: 1}\n" + "".join(
    f"a{number}: &a{number} {{<<: [{', '.join([f'*a{number - 1}'] * 9)}]}}\n" for number in range(1, 12)
)
WIDE = f"a: &a {{{', '.join(f'k{n}: 1' for n in range(1_000))}}}\nb: {{<<: [{', '.join(['*a'] * 3_000)}]}}\n"


@pytest.mark.parametrize("text", [MERGED, WIDE], ids=["nine of nine of nine", "many of many"])
def test_merged_keys_count_also_where_they_are_left_out(text: str) -> None:
    with pytest.raises(BadRules, match="more than 100000 values"):
        read(text, "f", {"groups": Group})


def test_a_file_full_of_mistakes_is_told_of_in_time_that_grows_with_it() -> None:
    with pytest.raises(BadRules) as bad:
        read("groups:\n" + "- !x a\n" * 10_000, "f", {"groups": Group})
    assert len(bad.value.problems) == 10_000


def test_a_number_of_ever_more_sixties_is_text() -> None:
    with pytest.raises(BadRules, match="unknown section a"):
        read("a: " + "1:" * 400_000 + "1", "f", {"groups": Group})


def test_half_a_character_in_a_file_is_a_mistake_and_does_not_reach_the_database() -> None:
    rule = 'groups: [{name: g, rules: [{alert: A, metric: p95_latency, threshold: 2s, labels: {a: "\\ud800"}}]}]'
    with pytest.raises(BadRules, match="half a character"):
        read(rule, "f", {"groups": Group})


# ── Rules over the API ────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "wrong",
    [
        {"for": "99999999999d"},
        {"cooldown": 10**25},
        {"keep_firing_for": "9" * 5_000 + "d"},
        {"min_samples": 10**400},
        {"threshold": int("9" * 4_000)},
        {"threshold": "1e999"},
        {"threshold": "1" * 900_000},
        {"labels": {"team": "\ud800"}},
        {"labels": {"team": "x" * 20_000}},
        {"annotations": {"\ud800": "x"}},
        {"annotations": {f"x{number}": "y" for number in range(10_000)}},
        {"by": ["model"] * 10_000},
        {"annotations": {"summary": "{% if value %}" * 130 + "{% endif %}" * 130}},
        {"annotations": {"summary": "{{ value | round(99999999, 'ceil') }}"}},
    ],
    ids=lambda wrong: str(wrong)[:40],
)
def test_a_rule_that_the_database_or_the_loop_could_not_bear_is_refused_before_it_is_kept(
    wrong: dict[str, Any],
) -> None:
    with pytest.raises(BadConfig) as bad:
        kept.rule_of(RULE | wrong)
    assert answer(Problem(title=str(bad.value), status=400)).body


@pytest.mark.parametrize("text", ["99999999999d", "9" * 30 + "w"])
def test_a_duration_fits_into_64_bits_together_with_todays_time(text: str) -> None:
    with pytest.raises(BadConfig, match="too large"):
        parse_duration(text)
    assert parse_duration("50000d") + 2**61 < 2**63  # 2**61 is in 2043


@pytest.mark.parametrize(
    "text", ["{{ value | round(4000000, 'floor') }}", "{{ value | round(precision=10) }}", "{{ value | round(*[9]) }}"]
)
def test_nothing_is_raised_to_a_power_by_rounding(text: str) -> None:
    assert "[this text cannot be made" in template.rendered(text, {"value": 1.5})
    assert template.rendered("{{ value | round(1) }} {{ value | round }}", {"value": 1.26}) == "1.3 1.0"


def test_half_a_character_that_a_template_writes_is_replaced() -> None:
    template.rendered('{{ "\\ud800" }}', {}).encode()


@pytest.mark.parametrize("mark", [[2**63], [-(2**70)], [True]])
def test_a_cursor_holds_what_the_database_can_compare(mark: list[Any]) -> None:
    with pytest.raises(AxError, match="no cursor of ours"):
        pages.read(pages.written(mark), int)


def test_a_cursor_holds_whole_characters() -> None:
    with pytest.raises(AxError, match="no cursor of ours"):
        pages.read(pages.written([1, "\ud800"]), int, str)


def test_a_refusal_does_not_give_back_a_megabyte_nor_half_a_character() -> None:
    body = answer(Problem(title="\ud800" + "x" * 10**6, status=400)).body
    assert len(body) < 2_000
    assert json.loads(bytes(body))["title"].startswith("?xxx")


def test_a_field_that_is_not_there_is_named_as_text() -> None:
    body = answer(Problem(title="t", status=400, field="\ud800" + "y" * 10**6)).body
    assert json.loads(bytes(body))["field"].startswith("?yyy")
    assert len(body) < 2_000


def test_of_rules_that_are_tried_only_a_few_take_threads() -> None:
    places = Places(1)
    with places.one(), pytest.raises(Busy, match="being tried already"), places.one():
        pass
    with places.one():
        pass


# ── Notices ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_matcher_of_spaces_is_refused_without_looking_at_it() -> None:
    with pytest.raises(BadConfig, match="as a matcher"):
        parse("a=" + " " * 900_000 + "x")


@pytest.mark.parametrize("url", ["https://user:s3cr3t@exa℀mple.com/", "https://[s3cr3t", "https://s3cr3t:port/"])
def test_an_address_that_cannot_be_read_is_not_shown(url: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    found = post(Request(url, b"{}"), Reach(environ={}, clock=SystemClock(), say=print), Hold())
    assert found.outcome == "refused"
    assert "s3cr3t" not in f"{found} {caplog.text}"


@pytest.mark.parametrize("address", ["192.0.0.192", "168.63.129.16", "192.88.99.1", "2001:20::1", "5f00::1"])
def test_where_machines_of_a_cloud_learn_who_they_are_is_not_the_open_internet(address: str) -> None:
    assert not is_public(ip_address(address))
    assert is_public(ip_address("192.0.78.24"))
    assert is_public(ip_address("2001:4860:4860::8888"))


# ── Statements ────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two tenants, one of whose names begins the other's, below a path that SQL has to quote."""
    path = tmp_path_factory.mktemp("it's data")
    store = opened(path)
    append(store, spans(seconds(NOON, 2), name="ours"), tenant="acme")
    append(store, spans(seconds(NOON, 2), name="theirs"), tenant="acme2")
    store.close()
    return path


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    one = Sandbox()
    yield one
    one.close()


def test_the_name_of_a_type_is_bounded_as_rows_are(sandbox: Sandbox, data: Path) -> None:
    layers = ", ".join(f"c{n} AS (SELECT {{'{'a' * 2_000}': s, 'b': s}} s FROM c{n - 1})" for n in range(1, 9))
    sql = f"WITH c0 AS (SELECT 1 s), {layers} SELECT s FROM c8 LIMIT 0"
    with pytest.raises(SqlRefused, match="names of the columns") as refused:
        sandbox.run(data, sql, limits=Limits(bytes=100_000))
    assert refused.value.reason == "memory"


def test_a_value_that_python_has_none_of_is_told_of_as_it_is(sandbox: Sandbox, data: Path) -> None:
    with pytest.raises(SqlRefused, match="VARCHAR") as refused:
        sandbox.run(data, "SELECT INTERVAL 5000000 YEAR")
    assert refused.value.reason == "failed"


def test_a_path_is_not_shown_in_the_quotes_of_sql_either(sandbox: Sandbox, data: Path) -> None:
    quoted = str(data).replace("'", "''''")
    with pytest.raises(SqlRefused) as refused:
        sandbox.run(data, f"SELECT error('{quoted}')")
    assert str(data.parent) not in str(refused.value)


@pytest.mark.parametrize(
    "names", ["spans", "otel_traces", "traces", "rollup_1min", "span_events", "cost_today_summary"]
)
def test_no_view_shows_one_tenant_what_is_another_s(sandbox: Sandbox, data: Path, names: str) -> None:
    found = sandbox.run(data, f"SELECT * FROM {names}", tenant="acme")
    assert "theirs" not in str(found.rows)
    assert "acme2" not in str(found.rows)
    assert "acme2" not in str(sandbox.run(data, f"EXPLAIN SELECT * FROM {names}", tenant="acme").rows)


UNCHECKED = """
import json, sys
from pathlib import Path
import duckdb
from exporter.sandbox import question
data = Path(sys.argv[1])
with duckdb.connect(":memory:", config=question.SETTINGS) as connection:
    question.opened(connection, data, "acme")
    question.locked(connection, data, "acme")
    said = []
    for sql in json.load(sys.stdin):
        try:
            said.append("ROWS " + str(connection.execute(sql).fetchall()))
        except Exception as error:
            said.append(str(error).partition("\\n")[0])
print(json.dumps(said))
"""


def test_past_the_list_a_tenant_still_meets_the_folders_of_others_and_of_ours_closed(data: Path) -> None:
    root = str(data).replace("'", "''")
    (theirs,) = [path for path in data.rglob("*.parquet") if "spans/tenant=acme2" in str(path)]
    other = str(theirs).replace("'", "''")
    attacks = [
        f"FROM read_parquet('{other}')",
        f"FROM read_blob('{other.replace('tenant=acme2', 'tenant=acme/../tenant=acme2')}')",
        f"FROM read_blob('{root}/segments/spans/tenant=acme/../../../catalog.sqlite')",
        f"FROM read_blob('{root}/segments/spans/tenant=acme//..//tenant=acme2/{theirs.name}')",
        f"FROM read_blob('file://{other}')",
        f"FROM read_json('{root}/control/alerts.jsonl')",
        f"FROM read_blob('{root}/schema/../control/alerts.jsonl')",
        f"FROM read_blob('{root}/ax.duckdb')",
    ]
    done = subprocess.run(
        [sys.executable, "-c", UNCHECKED, str(data)],
        input=json.dumps([*attacks, "FROM control.alerts", "SELECT count(*) FROM spans"]),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
        env={"PYTHONPATH": os.pathsep.join(sys.path)},
    )
    *said, gone, own = json.loads(done.stdout)
    assert own == "ROWS [(2,)]"
    assert "Catalog Error" in gone
    for sql, told in zip(attacks, said, strict=True):
        assert "Permission Error" in told, (sql, told)


def test_a_rule_can_be_built_of_what_is_right() -> None:
    assert isinstance(kept.rule_of(RULE | {"for": "90d", "labels": {"team": "chat"}, "by": ["model"]}), Rule)
