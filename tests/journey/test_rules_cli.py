"""`ax rules` as people use it."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from exporter.cli.main import run
from exporter.clock import SystemClock
from tests.exporter.store_tables import StillClock, append, opened, spans

ROOT = Path(__file__).parents[2]
S = 10**9
MINUTE = 60 * S
GOOD = """
groups:
  - name: chat
    interval: 60s
    rules:
      - {alert: SlowChat, metric: p95_latency, by: [model], threshold: 2s, window: 5m}
      - {alert: Spenders, sql: "select user_id as user, sum(cost_usd) as value from llm_calls group by 1", threshold: 5}
budgets:
  - {name: all, usd: 500, per: month}
channels:
  - {name: ops, type: slack, url: "${SLACK_URL}"}
"""
TRIAL = """
groups:
  - {name: chat, rules: [{alert: SlowChat, metric: p95_latency, threshold: 2s, for: 2m}]}
tests:
  - name: slow for a while
    interval: 1m
    input_series:
      - {series: SlowChat, values: '1s 3sx4 1s'}
    timelines:
      SlowChat: %s
"""

Ax = Callable[..., tuple[int, str]]


@pytest.fixture
def ax(capsys: pytest.CaptureFixture[str]) -> Ax:
    """Runs `ax`: its exit code, and what it printed."""

    def ran(*arguments: object) -> tuple[int, str]:
        code = run([str(one) for one in arguments])
        said = capsys.readouterr()
        return code, said.out + said.err

    return ran


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An hour of calls until now, slow for ten minutes; and a file of rules."""
    path = tmp_path_factory.mktemp("rules") / "data"
    now = SystemClock().wall()
    store = opened(path, StillClock(now))
    ends = [now - n * S for n in range(3_600)]
    took = [5 * S if 20 * MINUTE < now - end < 30 * MINUTE else S // 5 for end in ends]
    given = {"gen_ai_operation_name": "chat", "gen_ai_request_model": "gpt", "is_counted": True, "user_id": "u"}
    append(store, spans([end - n for end, n in zip(ends, took, strict=True)], duration_ns=took, **given))
    store.close()
    (path / "rules").mkdir()
    (path / "rules" / "chat.yaml").write_text(GOOD)
    return path


def test_check_counts_what_is_right(ax: Ax, data: Path) -> None:
    code, said = ax("rules", "check", "--data", data)
    assert (code, said.strip()) == (0, f"{data / 'rules' / 'chat.yaml'}: 2 rules, 1 budget, 1 channel: ok")


def test_check_points_at_every_mistake_and_exits_with_1(ax: Ax, data: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad.yaml"
    bad.write_text(
        GOOD.replace("p95_latency", "p95_latancy")
        .replace("sum(cost_usd)", "sum(cost_eur)")
        .replace("per: month", "per: moon")
        .replace('"${SLACK_URL}"', "https://hooks.slack.com/services/T/B/x")
    )
    code, said = ax("rules", "check", bad, "--data", data)
    assert code == 1
    assert f"{bad}:6:35: p95_latancy is no measure of ours; did you mean p95_latency?" in said
    assert "  6 |       - {alert: SlowChat, metric: p95_latancy, by: [model]" in said
    assert f"{bad}:9:" in said
    assert f"{bad}:11:" in said
    assert "hooks.slack.com/services" not in "\n".join(line for line in said.splitlines() if " | " not in line)
    code, said = ax("rules", "check", bad, "--data", data, "--json")
    assert code == 1
    assert [one["line"] for one in json.loads(said)["problems"]] == [6, 9, 11]


def test_check_tells_what_does_not_fit_between_entries_and_files(ax: Ax, data: Path, tmp_path: Path) -> None:
    first, second = tmp_path / "a.yaml", tmp_path / "b.yaml"
    first.write_text("budgets: [{name: all, usd: 5}]\nchannels: [{name: ops, type: console}]\n")
    second.write_text(
        "budgets: [{name: other, usd: 5}, {name: all, usd: 7}]\n"
        "channels: [{name: ops, type: console}]\n"
        "routes: [{channels: [ops, nobody]}]\n"
    )
    code, said = ax("rules", "check", tmp_path, "--data", data)
    assert code == 1
    assert f"{second}:1:41: there are two budgets all; rename one of them" in said
    assert f"{second}:2:19: the channel ops is declared twice" in said
    assert f"{second}:3:27: a route names the channel nobody, which is not declared; channels are ops" in said
    assert "  3 | routes: [{channels: [ops, nobody]}]" in said
    second.write_text("routes: [{channels: [chat, ops]}]\n")
    assert ax("rules", "check", second, "--data", data)[0] == 1
    (data / "rules" / "ops.yaml").write_text("channels: [{name: ops, type: console}, {name: chat, type: console}]\n")
    code, said = ax("rules", "check", second, "--data", data)
    (data / "rules" / "ops.yaml").unlink()
    assert code == 0, said  # channels may be declared in a file that is in use


def test_check_binds_sql_to_the_data(ax: Ax, data: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad.yaml"
    bad.write_text(GOOD.replace("sum(cost_usd)", "sum(cost_eur)"))
    code, said = ax("rules", "check", bad, "--data", data)
    assert code == 1
    assert f"{bad}:7:32:" in said
    assert "cost_eur" in said
    code, _ = ax("rules", "check", bad, "--data", tmp_path / "no-data")
    assert code == 0  # nobody knows


def test_check_of_nothing_says_so(ax: Ax, tmp_path: Path) -> None:
    assert ax("rules", "check", "--data", tmp_path)[0] == 0
    code, said = ax("rules", "check", tmp_path / "none.yaml", "--data", tmp_path)
    assert (code, "there is no such file" in said) == (1, True)


def test_list_shows_all_rules_and_their_conditions(ax: Ax, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "240")
    code, said = ax("rules", "list", "--data", data)
    assert code == 0
    lines = {line.split()[0]: " ".join(line.split()) for line in said.splitlines() if line}
    assert lines["chat/SlowChat"] == "chat/SlowChat warning p95_latency > 2 s over 5 min by model 1m chat.yaml:6 on"
    assert "critical error_rate > 5 % over 1 min 15s default on" in lines["defaults-critical/FailingCalls"]
    code, said = ax("rules", "list", "--data", data, "--json")
    found: dict[str, Any] = {one["id"]: one for one in json.loads(said)}
    assert found["chat/SlowChat"]["origin"] == f"{data / 'rules' / 'chat.yaml'}:6"
    assert found["chat/SlowChat"]["definition"]["threshold"] == "2s"


def test_backtest_shows_what_would_have_fired(ax: Ax, data: Path) -> None:
    code, said = ax("rules", "backtest", "SlowChat", "--range", "1h", "--data", data)
    assert code == 0
    assert "model=gpt" in said
    assert "1 alert in 1h" in said
    assert "┤" in said  # a chart
    code, said = ax("rules", "backtest", "chat/SlowChat", "--range", "1h", "--data", data, "--json")
    (alert,) = json.loads(said)["alerts"]
    assert (alert["labels"], alert["severity"], alert["reason"]) == ({"model": "gpt"}, "warning", "false")
    assert alert["resolved_at"] > alert["fired_at"]


def test_backtest_takes_a_rule_that_is_not_in_use(ax: Ax, data: Path, tmp_path: Path) -> None:
    draft = tmp_path / "draft.yaml"
    draft.write_text("groups:\n  - {name: d, rules: [{alert: Busy, metric: calls, threshold: 1000000}]}\n")
    code, said = ax("rules", "backtest", "Busy", "--file", draft, "--range", "30m", "--data", data)
    assert (code, "0 alerts in 30m" in said) == (0, True)
    code, said = ax("rules", "backtest", "Idle", "--file", draft, "--data", data)
    assert (code, "there is no rule Idle" in said) == (1, True)


def test_the_bench_evaluates_every_rule_and_instance() -> None:
    plan = ["--rules=20", "--groups=2", "--instances=3", "--questions=4", "--spans=6000", "--slots=1"]
    command = [sys.executable, "-m", "tests.bench", "rules", "--json", *plan]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout)
    assert (figures["rules"], figures["instances"], figures["questions"], figures["errors"]) == (20, 60, 4, [])


@pytest.mark.parametrize(("timeline", "code"), [(".PPFFF.", 0), (".FFFFF.", 1)])
def test_test_tells_whether_rules_do_what_is_written(ax: Ax, tmp_path: Path, timeline: str, code: int) -> None:
    file = tmp_path / "trial.yaml"
    file.write_text(TRIAL % timeline)
    found, said = ax("rules", "test", file)
    assert (found, ("ok  " if not code else "FAIL") in said) == (code, True)
    found, said = ax("rules", "test", file, "--json")
    assert (found, json.loads(said)[0]["passed"]) == (code, not code)
    assert ax("rules", "check", file, "--data", tmp_path)[0] == 0
