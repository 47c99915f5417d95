"""Grafana's dashboards: each panel's SQL is executed over the demo's telemetry, with Grafana's macros filled in."""

import json
import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import duckdb
import pytest

from exporter import grafana
from exporter.clock import SystemClock
from exporter.store import live
from exporter.units import NS_PER_S
from tests.contract.grafana_macros import filled
from tests.running import AX, ENVIRON

BOARDS: Final = {name: json.loads(text) for name, text in grafana.written().items()}
PANELS: Final = [(name, panel) for name, board in BOARDS.items() for panel in board["panels"]]
NAMES: Final = [f"{name.removesuffix('.json')}: {panel['title']} ({panel['type']})" for name, panel in PANELS]
UNDERSTOOD: Final = {"BIGINT", "BOOLEAN", "DOUBLE", "INTEGER", "TIMESTAMP WITH TIME ZONE", "VARCHAR"}
"""Types that the data source hands on as what they are; a HUGEINT would become text."""
QUIET: Final = {"Scores of evaluations", "Evaluations", "Why calls and turns fail", "Latest errors in logs"}
"""Panels that may have nothing to show of the demo."""


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What Grafana opens, over the demo's telemetry of the last quarter of an hour."""
    data = tmp_path_factory.mktemp("grafana") / "data"
    command = [*AX, "demo", "--once", "--data", str(data)]
    environ = ENVIRON | {"AX_RECEIVE_SELF_METRICS_INTERVAL": "1s"}  # the demo is over before ten seconds are
    subprocess.run(command, env=environ, capture_output=True, timeout=60, check=True)
    target = data.parent / "provisioned" / "ax-live.duckdb"
    live.write(data, target)
    return target


def now() -> datetime:
    return datetime.fromtimestamp(SystemClock().wall() / NS_PER_S, UTC)


def sql_of(panel: dict[str, Any], *, interval_ms: int = 60_000, **chosen: list[str]) -> str:
    (target,) = panel["targets"]
    return filled(target["rawSql"], now() - timedelta(hours=6), now(), interval_ms=interval_ms, chosen=chosen)


def asked(file: Path, sql: str) -> tuple[dict[str, str], list[tuple[Any, ...]]]:
    """Columns with their types, and rows."""
    with duckdb.connect(file, read_only=True) as connection:
        types = {name: kind for name, kind, *_ in connection.execute(f"DESCRIBE {sql}").fetchall()}
        return types, connection.execute(sql).fetchall()


def test_dashboards_are_what_their_boards_say() -> None:
    assert grafana.built() == grafana.written()


def test_there_are_five_and_their_names_are_their_own() -> None:
    assert sorted(BOARDS) == [
        "call-quality.json",
        "cost.json",
        "llm-calls.json",
        "system-health.json",
        "voice-latency.json",
    ]
    assert len({board["uid"] for board in BOARDS.values()}) == len(BOARDS)


@pytest.mark.parametrize(("name", "panel"), PANELS, ids=NAMES)
def test_a_panel_shows_something(name: str, panel: dict[str, Any], file: Path) -> None:
    types, rows = asked(file, sql_of(panel))
    assert set(types.values()) <= UNDERSTOOD, types
    if panel["title"] not in QUIET:
        assert rows, name
        assert any(value is not None for row in rows for value in row)
    if panel["type"] == "timeseries":  # as its format wants it: a time, in order; numbers; the rest are labels
        (time, of_time), *others = types.items()
        assert (time, of_time) == ("time", "TIMESTAMP WITH TIME ZONE")
        assert [row[0] for row in rows] == sorted(row[0] for row in rows)
        assert {"BIGINT", "DOUBLE"} & {kind for _, kind in others}
        labels = [column for column, kind in others if kind == "VARCHAR"]
        name_of_a_series = panel["fieldConfig"]["defaults"].get("displayName")
        assert name_of_a_series == (f"${{__field.labels.{labels[0]}}}" if labels else None)
        assert len({(row[0], *_labels(row, types)) for row in rows}) == len(rows), "two points of a series at one time"
    for override in panel["fieldConfig"]["overrides"]:
        assert override["matcher"]["options"] in types


def _labels(row: tuple[Any, ...], types: dict[str, str]) -> list[str]:
    return [value for value, kind in zip(row, types.values(), strict=True) if kind == "VARCHAR"]


@pytest.mark.parametrize("name", BOARDS)
def test_variables_offer_what_is_there_and_narrow_the_panels(name: str, file: Path) -> None:
    board = BOARDS[name]
    variables = [one for one in board["templating"]["list"] if one["type"] == "query"]
    for one in variables:
        query = filled(one["query"], now() - timedelta(hours=1), now(), interval_ms=1000)
        _, offered = asked(file, query)
        assert offered, one["name"]
        assert one["allValue"] == "'*'"
    narrowed = [panel for panel in board["panels"] if "${tenant:sqlstring}" in panel["targets"][0]["rawSql"]]
    assert len(narrowed) > len(board["panels"]) / 3
    for panel in narrowed:
        sql = sql_of(panel, tenant=["nobody's", "no-one"])
        _, rows = asked(file, sql)
        assert all(not value for row in rows for value in row), panel["title"]


def test_alerts_are_marked(file: Path) -> None:
    (marks,) = BOARDS["cost.json"]["annotations"]["list"]
    query = filled(marks["target"]["rawSql"], now() - timedelta(hours=1), now(), interval_ms=1000)
    types, rows = asked(file, query)
    assert list(types) == ["time", "timeend", "title", "text", "tags"]
    assert rows


def test_hours_are_asked_where_points_are_far_apart(file: Path) -> None:
    (panel,) = [one for one in BOARDS["cost.json"]["panels"] if one["title"] == "By provider"]
    of_minutes, of_hours = (asked(file, sql_of(panel, interval_ms=ms))[1] for ms in (60_000, 3_600_000))
    assert len(of_hours) < len(of_minutes)
    assert sum(row[2] for row in of_hours) == pytest.approx(sum(row[2] for row in of_minutes))


def test_the_duckdb_of_the_data_source_can_run_them(file: Path) -> None:
    """It has DuckDB 1.5, as this command line has."""
    if shutil.which("duckdb") is None:
        pytest.skip("DuckDB's command line is not installed")
    statements = ";\n".join(sql_of(panel) for _, panel in PANELS)
    command = ["duckdb", "-readonly", "-bail", "-csv", str(file)]
    done = subprocess.run(command, input=statements + ";", capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "gpt-5-mini" in done.stdout
