"""A dashboard of Grafana, made of a board.

In: `boards/NAME.yaml`: a title, variables and panels with their SQL. Out: `dashboards/NAME.json`, schema version 39,
for the data source `motherduck-duckdb-datasource`. Panels flow from left to right in 24 columns. In SQL
`{{chosen: service, tenant}}` becomes the conditions of these variables, `{{bucket: COLUMN}}` the time of a point, and
`{{cells}}` cells of minutes, or of hours where points are that far apart (those of minutes are kept for 30 days).
"""

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

import yaml

PLUGIN: Final = "motherduck-duckdb-datasource"
"""Its id; it runs DuckDB 1.5.4 in its release 0.4.5 (2026-07-08)."""

DASHBOARDS: Final = Path(__file__).parent / "dashboards"
"""Where the JSON is."""

BOARDS: Final = Path(__file__).parent / "boards"
_WIDTH: Final = 24
_SCHEMA_VERSION: Final = 39  # of Grafana 10.4, the oldest that the plugin takes
_SOURCE: Final = {"type": PLUGIN, "uid": "${datasource}"}
_ALL: Final = "'*'"
_SERIES: Final = 0
_TABLE: Final = 1  # formats, as @grafana/plugin-ui numbers them

VARIABLES: Final = {
    "service": ("Service", "service_name"),
    "provider": ("Provider", "provider"),
    "model": ("Model", "model"),
    "tenant": ("Tenant", "tenant_id"),
}
"""What a board may be narrowed by: its label, and its column in the views."""

_VALUES: Final = """
    SELECT DISTINCT {column} FROM cells_1hour
    WHERE time >= $__timeFrom()::TIMESTAMPTZ - INTERVAL 1 HOUR AND time <= $__timeTo() AND {column} IS NOT NULL
    ORDER BY 1
"""

_CELLS: Final = """(
    FROM cells_1min WHERE $__interval_ms < 3600000 UNION ALL BY NAME FROM cells_1hour WHERE $__interval_ms >= 3600000
)"""

Board = Mapping[str, Any]


def built() -> dict[str, str]:
    """The text of every dashboard by its file's name."""
    boards = {path.stem: yaml.safe_load(path.read_text(encoding="utf-8")) for path in sorted(BOARDS.glob("*.yaml"))}
    return {f"{name}.json": json.dumps(_dashboard(board), indent=2) + "\n" for name, board in boards.items()}


def written() -> dict[str, str]:
    """The text of every dashboard as it is shipped, by its file's name."""
    return {path.name: path.read_text(encoding="utf-8") for path in sorted(DASHBOARDS.glob("*.json"))}


def _dashboard(board: Board) -> dict[str, Any]:
    return {
        "uid": board["uid"],
        "title": board["title"],
        "description": board["description"],
        "tags": ["otel-ax", "llm"],
        "schemaVersion": _SCHEMA_VERSION,
        "editable": True,
        "graphTooltip": 1,  # one crosshair for all panels
        "refresh": board.get("refresh", "30s"),
        "time": {"from": board["from"], "to": "now"},
        "timezone": "browser",
        "links": [
            {
                "title": "otel-ax",
                "type": "dashboards",
                "tags": ["otel-ax"],
                "asDropdown": True,
                "includeVars": True,
                "keepTime": True,
            }
        ],
        "templating": {"list": [_data_source(), *(_variable(name) for name in board["variables"])]},
        "annotations": {"list": [_alerts()]},
        "panels": list(_placed(board["panels"])),
    }


def _data_source() -> dict[str, Any]:
    return {
        "name": "datasource",
        "label": "Data source",
        "type": "datasource",
        "query": PLUGIN,
        "refresh": 1,
        "hide": 0,
        "current": {},
        "options": [],
    }


def _variable(name: str) -> dict[str, Any]:
    label, column = VARIABLES[name]
    query = " ".join(_VALUES.format(column=column).split())
    return {
        "name": name,
        "label": label,
        "type": "query",
        "datasource": _SOURCE,
        "query": query,
        "definition": query,
        "refresh": 2,  # when the time range changes
        "sort": 1,
        "multi": True,
        "includeAll": True,
        "allValue": _ALL,  # Grafana puts it into the SQL as it is
        "current": {"text": ["All"], "value": ["$__all"]},
        "options": [],
    }


def _alerts() -> dict[str, Any]:
    """Marks where alerts fired."""
    sql = (
        "SELECT fired_at AS time, resolved_at AS timeend, rule AS title, annotations['summary'] AS text, "
        "severity AS tags FROM alerts WHERE fired_at IS NOT NULL AND $__timeFilter(fired_at) ORDER BY 1"
    )
    return {
        "name": "Alerts",
        "enable": True,
        "hide": False,
        "iconColor": "red",
        "datasource": _SOURCE,
        "target": {"refId": "Anno", "format": _TABLE, "rawSql": sql, "rawQuery": True, "editorMode": "code"},
    }


def _placed(panels: Iterable[Board]) -> Iterable[dict[str, Any]]:
    x = y = row = 0
    for number, panel in enumerate(panels, start=1):
        width, height = panel.get("size", (12, 8))
        if x + width > _WIDTH:
            x, y, row = 0, y + row, 0
        yield _panel(number, panel, {"x": x, "y": y, "w": width, "h": height})
        x, row = x + width, max(row, height)


def _panel(number: int, panel: Board, place: Mapping[str, int]) -> dict[str, Any]:
    kind = panel["kind"]
    made: dict[str, Any] = {
        "id": number,
        "title": panel["title"],
        "description": panel.get("description", ""),
        "type": kind,
        "datasource": _SOURCE,
        "gridPos": place,
        "fieldConfig": {"defaults": _defaults(panel), "overrides": list(_overrides(panel))},
        "options": _OPTIONS[kind] | panel.get("options", {}),
        "targets": [_target(panel)],
    }
    if kind == "timeseries":
        made["interval"] = "1m" if "{{cells}}" in panel["sql"] else "10s"
    return made


def _target(panel: Board) -> dict[str, Any]:
    return {
        "refId": "A",
        "datasource": _SOURCE,
        "format": _SERIES if panel["kind"] == "timeseries" else _TABLE,
        "rawSql": expanded(panel["sql"]),
        "rawQuery": True,
        "editorMode": "code",
    }


def _defaults(panel: Board) -> dict[str, Any]:
    steps = [{"color": color, "value": value} for color, value in panel.get("thresholds", {"green": None}).items()]
    made: dict[str, Any] = {
        "unit": panel.get("unit", "short"),
        "thresholds": {"mode": "absolute", "steps": steps},
        "color": {"mode": "palette-classic" if panel["kind"] in {"timeseries", "piechart"} else "thresholds"},
        "noValue": panel.get("none", "–"),
    }
    made |= {key: panel[key] for key in ("decimals", "min", "max") if key in panel}
    if "label" in panel:  # the name of a series: one of its labels
        made["displayName"] = f"${{__field.labels.{panel['label']}}}"
    if panel["kind"] == "timeseries":
        made["custom"] = {
            "drawStyle": panel.get("draw", "line"),
            "fillOpacity": 60 if panel.get("stacked") else 10,
            "lineWidth": 1,
            "showPoints": "auto",
            "spanNulls": 120_000,  # milliseconds
            "stacking": {"mode": "normal" if panel.get("stacked") else "none", "group": "A"},
            "thresholdsStyle": {"mode": "dashed" if "thresholds" in panel else "off"},
        }
    return made


def _overrides(panel: Board) -> Iterable[dict[str, Any]]:
    """Units of a table's columns."""
    for column, unit in panel.get("units", {}).items():
        yield {
            "matcher": {"id": "byName", "options": column},
            "properties": [{"id": "unit", "value": unit}],
        }


_REDUCED: Final = {"calcs": ["lastNotNull"], "fields": "", "values": False}
_ROWS: Final = {"calcs": ["lastNotNull"], "fields": "", "values": True}
_OPTIONS: Final[dict[str, dict[str, Any]]] = {
    "stat": {"reduceOptions": _REDUCED, "colorMode": "value", "graphMode": "none", "textMode": "auto"},
    "gauge": {"reduceOptions": _REDUCED, "showThresholdLabels": False, "showThresholdMarkers": True},
    "bargauge": {"reduceOptions": _ROWS, "orientation": "horizontal", "displayMode": "gradient"},
    "piechart": {
        "reduceOptions": _ROWS,
        "pieType": "donut",
        "legend": {"displayMode": "table", "placement": "right", "showLegend": True, "values": ["value", "percent"]},
    },
    "barchart": {"orientation": "vertical", "showValue": "never", "legend": {"showLegend": False}},
    "table": {"showHeader": True, "cellHeight": "sm", "footer": {"show": False}},
    "timeseries": {
        "legend": {"displayMode": "table", "placement": "bottom", "showLegend": True, "calcs": ["mean", "max"]},
        "tooltip": {"mode": "multi", "sort": "desc"},
    },
}


def expanded(sql: str) -> str:
    """SQL with its `{{…}}` filled in."""
    sql = sql.replace("{{cells}}", _CELLS)
    sql = re.sub(r"\{\{bucket: (\w+)\}\}", r"time_bucket(to_milliseconds($__interval_ms), \1)", sql)
    return re.sub(r"\{\{chosen: ([\w, ]+)\}\}", lambda found: _conditions(found[1].split(", ")), sql).strip()


def _conditions(names: Iterable[str]) -> str:
    """Grafana writes the chosen values, or `_ALL`, between the brackets."""
    return " AND ".join(
        f"({_ALL} IN (${{{name}:sqlstring}}) OR {VARIABLES[name][1]} IN (${{{name}:sqlstring}}))" for name in names
    )
