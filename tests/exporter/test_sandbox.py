"""The SQL sandbox: what it answers, what it refuses, and that it is there afterwards."""

import json
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from exporter.sandbox import Cancel, Limits, Rows, Sandbox, SqlRefused
from exporter.sandbox.question import plain
from exporter.tenants import of_tenant
from tests.exporter.sandbox_attacks import ATTACKS, ENDLESS, KINDS, Attack
from tests.exporter.store_tables import NOON, append, opened, seconds, spans
from tests.running import until

QUICK = Limits(interrupt_s=1.0, kill_s=2.0)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory with 3 spans of one tenant and 2 of another."""
    path = tmp_path_factory.mktemp("it's data")
    store = opened(path)
    append(store, spans(seconds(NOON, 3), name="ours", cost_nanos=1_500_000_000))
    append(store, spans(seconds(NOON, 2), name="theirs"), tenant="a/b c")
    store.close()
    return path


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    """One for all tests: each must leave it able to answer the next."""
    one = Sandbox()
    yield one
    one.close()


def values(rows: Rows) -> list[tuple[object, ...]]:
    return list(rows.rows)


# ── What it answers ───────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("sql", "rows"),
    [
        ("SELECT count(*), min(name) FROM spans", [(5, "ours")]),
        ("from spans select name order by start_time limit 1;", [("ours",)]),
        ("SELECT count(*) FROM main.spans", [(5,)]),
        ("WITH x AS (SELECT name FROM spans) SELECT count(DISTINCT name) FROM x", [(2,)]),
        ("WITH RECURSIVE n AS (SELECT 1 i UNION ALL SELECT i + 1 FROM n WHERE i < 4) SELECT sum(i) FROM n", [(10,)]),
        ("SELECT i FROM range(2) t(i) UNION ALL VALUES (7) ORDER BY i", [(0,), (1,), (7,)]),
        ("SELECT list_transform([1, 2], lambda x: x + 1), {'a': 1}, map {'b': 2}", [([2, 3], {"a": 1}, {"b": 2})]),
        ("SELECT name, row_number() OVER (ORDER BY start_time) FROM spans LIMIT 1", [("ours", 1)]),
        ("SELECT min, max FROM (SUMMARIZE SELECT name FROM spans)", [("ours", "theirs")]),
        ("SELECT TIMESTAMPTZ '2026-11-21 12:00Z', 0.5::DECIMAL(9, 1), 'NaN'::DOUBLE, '\\x0A'::BLOB, 1::HUGEINT",
         [("2026-11-21T12:00:00Z", 0.5, "NaN", "0a", 1)]),
        ("SELECT usd(1500000000) = 1.5", [(True,)]),
        ("SELECT x FROM (PIVOT (SELECT 1 a, 2 b) ON a IN (1 AS x) USING sum(b))", [(2,)]),
        ("SELECT count(*) FROM alerts", [(0,)]),
    ],
)  # fmt: skip
def test_a_select_over_the_views_is_answered(
    sandbox: Sandbox, data: Path, sql: str, rows: list[tuple[object, ...]]
) -> None:
    assert values(sandbox.run(data, sql)) == rows


@pytest.mark.parametrize("sql", ["SELEC 1", "SELECT nme FROM spans", "SELECT nme", "FROM spans WHERE nme", "4\u00c3"])
def test_what_tells_a_mistake_in_a_statement_tells_how_to_look(sandbox: Sandbox, data: Path, sql: str) -> None:
    with pytest.raises(SqlRefused) as refused:
        sandbox.run(data, sql)
    (shown,) = re.findall("`(.+)`", refused.value.mend)
    assert ("name", "VARCHAR") in [row[:2] for row in values(sandbox.run(data, shown))]


def test_columns_have_names_and_types(sandbox: Sandbox, data: Path) -> None:
    found = sandbox.run(data, "SELECT name, duration_ns AS took FROM spans LIMIT 0")
    assert [(column.name, column.type) for column in found.columns] == [("name", "VARCHAR"), ("took", "BIGINT")]
    assert (found.rows, found.truncated) == ((), False)


@pytest.mark.parametrize("sql", ["EXPLAIN SELECT name FROM spans", "/* why */ explain\nFROM spans"])
def test_explain_is_answered_without_a_path(sandbox: Sandbox, data: Path, sql: str) -> None:
    ((_, plan),) = values(sandbox.run(data, sql))
    assert "PARQUET" in str(plan).upper()
    assert str(data) not in str(plan)


def test_rows_and_bytes_are_cut_at_their_limits_and_it_is_said(sandbox: Sandbox, data: Path) -> None:
    many = sandbox.run(data, "FROM range(100000)")
    assert (len(many.rows), many.truncated) == (10_000, True)
    assert not sandbox.run(data, "FROM range(10000)").truncated
    wide = sandbox.run(data, "SELECT repeat('x', 1000) FROM range(100)", limits=Limits(bytes=10_000))
    assert (len(wide.rows), wide.truncated) == (9, True)


def test_a_tenant_sees_what_came_with_its_token_and_no_control_tables(sandbox: Sandbox, data: Path) -> None:
    count = "SELECT count(*), min(name) FROM spans"
    assert values(sandbox.run(data, count, tenant="a/b c")) == [(2, "theirs")]
    assert values(sandbox.run(data, count, tenant="default")) == [(3, "ours")]
    assert values(sandbox.run(data, count, tenant="*")) == [(0, None)]
    assert values(sandbox.run(data, "SELECT sum(count) FROM rollup_1min", tenant="a/b c")) in ([(2,)], [(None,)])
    with pytest.raises(SqlRefused, match="there is no view budgets"):
        sandbox.run(data, "FROM budgets", tenant="default")


def test_a_list_keeps_the_segments_of_one_tenant_and_never_becomes_empty() -> None:
    sql = (
        "CREATE VIEW stored.spans AS SELECT * FROM read_parquet(list_value('/d/schema/spans.parquet', "
        "'/d/segments/spans/tenant=a/x.parquet', '/d/segments/spans/tenant=ab/it''s.parquet'), "
        "(hive_partitioning = false), (explicit_cardinality = 7)) UNION ALL BY NAME SELECT * FROM read_parquet("
        "list_value('/d/segments/spans/tenant=b/tenant=a/x.parquet'), (hive_partitioning = false));"
    )
    assert of_tenant(sql, Path("/d"), "spans", "a") == (
        "CREATE VIEW stored.spans AS SELECT * FROM read_parquet(list_value('/d/schema/spans.parquet', "
        "'/d/segments/spans/tenant=a/x.parquet'), (hive_partitioning = false)) UNION ALL BY NAME SELECT * FROM "
        "read_parquet(list_value('/d/schema/spans.parquet'), (hive_partitioning = false));"
    )


def test_values_are_what_json_can_hold() -> None:
    assert json.dumps([plain(float("inf")), plain(float("-inf")), plain((1, b"\x01"))], allow_nan=False)
    assert plain(float("-inf")) == "-Infinity"


# ── What it refuses ───────────────────────────────────────────────────────────────────────────────────────────────

SLOW = [one for one in ATTACKS if one.slow]
"""Those that end at a limit, here at smaller ones; `test_sql_attacks.py` tries the others on a server."""


@pytest.mark.parametrize("attack", SLOW, ids=[f"{number} {one.sql[:50]}" for number, one in enumerate(SLOW)])
def test_an_attack_on_limits_is_refused_and_the_sandbox_goes_on(sandbox: Sandbox, data: Path, attack: Attack) -> None:
    with pytest.raises(SqlRefused) as refused:
        sandbox.run(data, attack.sql, limits=QUICK)
    assert refused.value.reason in attack.refused.split("|"), refused.value
    assert any(part in str(refused.value) for part in attack.words.split("|")), refused.value
    assert not refused.value.is_retryable
    assert str(data) not in str(refused.value)
    assert values(sandbox.run(data, "SELECT 1")) == [(1,)]


def test_there_are_enough_attacks_of_each_kind() -> None:
    assert len({one.sql for one in ATTACKS}) == len(ATTACKS) >= 60
    assert {one.kind for one in ATTACKS} >= set(KINDS)


# ── The walls behind that list ────────────────────────────────────────────────────────────────────────────────────

UNCHECKED = """
import json, sys
from pathlib import Path
import duckdb
from exporter.sandbox import question
from exporter.sandbox.confine import confine
data = Path(sys.argv[1])
limits = {"address_bytes": 2**31, "cpu_s": 30, "open_files": 256, "kill_s": 20}
walls = confine(limits)
with duckdb.connect(":memory:", config=question.SETTINGS) as connection:
    question.opened(connection, data, None)
    question.locked(connection, data, None)
    said = []
    for sql in json.load(sys.stdin):
        try:
            said.append(str(connection.execute(sql).fetchall()))
        except Exception as error:
            said.append(str(error).partition("\\n")[0])
print(json.dumps([walls, said]))
"""


def test_what_slips_past_the_list_meets_the_engine_and_the_kernel(data: Path) -> None:
    path = str(data).replace("'", "''")
    expected = {
        "FROM read_text('/etc/passwd')": "Permission Error",
        "FROM read_text('/proc/self/environ')": "Permission Error",
        f"FROM read_blob('{path}/catalog.sqlite')": "Permission Error",
        f"ATTACH '{path}/catalog.sqlite' AS c": "Error",
        "SET enable_external_access = true": "configuration has been locked",
        "SET memory_limit = '20GB'": "configuration has been locked",
        "INSTALL httpfs": "Permission Error",
        "FROM 'https://example.com/x.parquet'": "Error",
        "CREATE SECRET s (TYPE s3)": "Error",
        f"COPY (SELECT i FROM range(100000) t(i)) TO '{path}/segments/x.csv'": "Error",
        "SELECT path FROM duckdb_databases() WHERE path IS NOT NULL": "[]",
    }
    done = subprocess.run(
        [sys.executable, "-c", UNCHECKED, str(data)],
        input=json.dumps(list(expected)),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
        env={"PYTHONPATH": os.pathsep.join(sys.path)},
    )
    walls, said = json.loads(done.stdout)
    for (sql, words), answer in zip(expected.items(), said, strict=True):
        assert words in answer, (sql, answer)
    assert {"address space", "processor time", "no file written", "open files"} <= set(walls)
    written = data / "segments" / "x.csv"
    assert not written.exists() or not written.stat().st_size
    written.unlink(missing_ok=True)


def test_the_process_of_a_statement_has_no_secret_and_no_descriptor_of_ours(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLACK_URL", "https://hooks.example/secret")
    until(lambda: not _children_of_children(), "those of earlier statements are gone")
    one, cancel = Sandbox(at_once=1), Cancel()
    asked = threading.Thread(target=_reason, args=(one, data, ENDLESS, Limits(interrupt_s=60, kill_s=61), cancel))
    try:
        asked.start()
        until(lambda: len(_children_of_children()) == 1, "a process for the statement", seconds=10)
        (child,) = _children_of_children()
        environ = Path(f"/proc/{child}/environ").read_bytes()
        assert b"hooks.example" not in environ
        links = {str(link.readlink()) for link in Path(f"/proc/{child}/fd").iterdir()}
        assert len([link for link in links if link.startswith("socket:")]) == 1, links
    finally:
        cancel.set()
        asked.join()
        one.close()


def _children_of_children() -> list[int]:
    """The processes that our forking programs have made."""

    def children(of: int) -> list[int]:
        found: list[int] = []
        for task in Path(f"/proc/{of}/task").glob("*/children"):
            found += map(int, task.read_text().split())
        return found

    forking = [one for one in children(os.getpid()) if b"exporter.sandbox.forked" in _command(one)]
    return [one for parent in forking for one in children(parent)]


def _command(process: int) -> bytes:
    try:
        return Path(f"/proc/{process}/cmdline").read_bytes()
    except OSError:
        return b""


def _reason(one: Sandbox, data: Path, sql: str, limits: Limits, cancel: Cancel | None = None) -> str:
    try:
        one.run(data, sql, limits=limits, cancel=cancel)
    except SqlRefused as refused:
        return refused.reason
    return "answered"


# ── Many at once, and people who go away ──────────────────────────────────────────────────────────────────────────


def test_two_run_five_wait_and_the_eighth_is_told_to_come_back(data: Path) -> None:
    one = Sandbox()
    try:
        with ThreadPoolExecutor(8) as pool:
            reasons = list(pool.map(lambda _: _reason(one, data, ENDLESS, QUICK), range(8)))
        assert sorted(reasons) == ["busy", *["timeout"] * 7]
        assert values(one.run(data, "SELECT 1")) == [(1,)]
        assert SqlRefused("busy", "").is_retryable
    finally:
        one.close()


@pytest.mark.parametrize("already_waiting", [0, 1])
def test_who_goes_away_frees_the_place_at_once(data: Path, already_waiting: int) -> None:
    one, patient = Sandbox(at_once=1), Limits(interrupt_s=60, kill_s=61)
    cancels = [Cancel() for _ in range(already_waiting + 1)]
    said: list[str] = []

    def ask(cancel: Cancel) -> None:
        said.append(_reason(one, data, ENDLESS, patient, cancel))

    try:
        threads = [threading.Thread(target=ask, args=(cancel,)) for cancel in cancels]
        for thread in threads:
            thread.start()
        time.sleep(0.5)
        for cancel in cancels:
            cancel.set()
        for thread in threads:
            thread.join(10)
        assert said == ["cancelled"] * len(cancels)
        assert values(one.run(data, "SELECT 1")) == [(1,)]
    finally:
        one.close()


def test_a_forking_program_that_was_killed_is_started_again(data: Path) -> None:
    one = Sandbox()
    try:
        assert values(one.run(data, "SELECT 1")) == [(1,)]
        process = one.process
        assert process is not None
        process.kill()
        process.wait()
        assert values(one.run(data, "SELECT 2")) == [(2,)]
    finally:
        one.close()


def test_without_data_the_mend_is_said(sandbox: Sandbox, tmp_path: Path) -> None:
    with pytest.raises(SqlRefused, match="start `ax serve`") as refused:
        sandbox.run(tmp_path, "SELECT 1")
    assert refused.value.reason == "no_data"
