"""In: boards as YAML (`boards/`). Out: dashboards as Grafana's JSON, and the files that provision them.

`dashboards/*.json` are what a user imports; `python -m exporter.grafana` writes them anew from `boards/*.yaml`.
"""

from exporter.grafana.board import DASHBOARDS, PLUGIN, built, written

__all__ = ["DASHBOARDS", "PLUGIN", "built", "written"]
