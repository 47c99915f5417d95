"""`ax monitor costs --budget --projection`, `anomalies`, `trends`, `advice`, `capacity`, as they are seen."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from exporter.cli.main import run
from exporter.clock import SystemClock
from exporter.query.period import HOUR
from tests.exporter.store_tables import StillClock, append, opened, spans

RULES = """
budgets:
  - {name: everything, usd: 2000, per: month}
  - {name: "<b>[red]helper", usd: 1, per: day, zone: NOON, scope: {agent: helper}}
  - {name: resting, usd: 1, enabled: false}
"""


def _noon(now: int) -> str:
    """A zone in which it is about noon, so that the last hours are of today."""
    return f"Etc/GMT{now // HOUR % 24 - 12:+d}"


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A call of a dollar every hour for ten days, until an hour ago."""
    path = tmp_path_factory.mktemp("cli") / "data"
    now = SystemClock().wall()
    store = opened(path, StillClock(now))
    starts = [now - place * HOUR - HOUR for place in range(10 * 24)]
    append(
        store,
        spans(
            starts,
            is_counted=True,
            gen_ai_operation_name="chat",
            gen_ai_provider_name="openai",
            gen_ai_request_model="small",
            gen_ai_agent_name="helper",
            gen_ai_usage_input_tokens=1_000,
            cost_nanos=10**9,
            attributes=[[("gen_ai.input.messages", "[1]")] for _ in starts],
        ),
    )
    store.close()
    (path / "rules").mkdir()
    (path / "rules" / "budgets.yaml").write_text(RULES.replace("NOON", _noon(now)))
    return path


Say = Callable[..., str]


@pytest.fixture
def said(data: Path, capsys: pytest.CaptureFixture[str]) -> Say:
    def say(*words: str) -> str:
        assert run(["monitor", *words, "--data", str(data)]) == 0
        return capsys.readouterr().out

    return say


@pytest.mark.parametrize("width", [60, 200])
def test_a_budget_is_a_bar(said: Say, width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    text = said("costs", "--budget", "--projection")
    everything, helper = (line for line in text.splitlines() if " of $" in line)
    assert everything.startswith("everything ")
    assert "░" in everything
    assert "█" * 40 in helper
    assert helper.startswith("<b>[red]helper")
    assert "all of it is spent" in text
    assert "resting" not in text


def test_programs_get_the_same(said: Say) -> None:
    found: dict[str, Any] = {one["name"]: one for one in json.loads(said("costs", "--budget", "--json"))["budgets"]}
    assert found.keys() == {"everything", "<b>[red]helper"}
    assert found["<b>[red]helper"]["state"] == "exceeded"
    assert found["everything"]["spent_nanos"] == found["everything"]["calls"] * 10**9
    csv = said("costs", "--projection", "--format", "csv").splitlines()
    assert csv[0].startswith("budget,state,spent_nanos,limit_nanos,expected_nanos")
    assert len(csv) == 3


def test_a_chart_shows_what_adds_up(said: Say) -> None:
    text = said("costs", "--projection", "--format", "chart")
    assert "budget everything (US$)" in text


def test_costs_without_budgets_are_as_before(said: Say) -> None:
    assert "for 240 calls" in said("costs", "--range", "30d")


def test_nothing_is_unusual_in_a_steady_stream(said: Say) -> None:
    assert "nothing is unusual" in said("anomalies", "cost", "--range", "6h")
    rows = json.loads(said("anomalies", "cost", "--by", "agent", "--range", "6h", "--all", "--json"))["rows"]
    assert {(row["agent"], row["expected"]) for row in rows} == {("helper", 10**9)}


def test_where_it_goes(said: Say) -> None:
    rows = {row["measure"]: row for row in json.loads(said("trends", "--range", "4d", "--json"))["rows"]}
    assert rows["cost"]["value"] == rows["calls"]["value"] * 10**9
    assert "cost" in said("trends", "--range", "4d")


def test_what_could_be_cheaper(said: Say) -> None:
    rows = json.loads(said("advice", "--range", "30d", "--json"))["rows"]
    assert next((row["kind"], row["saves_nanos"]) for row in rows) == ("repeats", 239 * 10**9)
    assert "$239.00" in said("advice", "--range", "30d")


def test_when_the_disk_is_full(said: Say) -> None:
    found = json.loads(said("capacity", "--json"))
    assert found["used_bytes"] > 0
    assert {row["table"] for row in found["rows"]} >= {"spans", "cells_1min"}
    assert "free" in said("capacity")


def test_a_file_that_cannot_be_used_is_told(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bad = data / "rules" / "bad.yaml"
    bad.write_text("budgets:\n  - {name: x, usd: much}\n")
    try:
        assert run(["monitor", "costs", "--budget", "--data", str(data)]) == 0
    finally:
        bad.unlink()
    assert "bad.yaml:2:" in capsys.readouterr().err


def test_a_zone_that_is_none_is_told(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["monitor", "anomalies", "--zone", "Mars/Olympus", "--data", str(data)]) == 1
    assert "write one such as UTC" in capsys.readouterr().err
