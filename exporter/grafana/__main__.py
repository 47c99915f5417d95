"""`python -m exporter.grafana` writes `dashboards/*.json` from `boards/*.yaml`."""

from exporter.grafana.board import DASHBOARDS, built

for name, text in built().items():
    (DASHBOARDS / name).write_text(text, encoding="utf-8")
