"""What connects Grafana: five dashboards, a data source, and how to start it.

In: the data directory, and a directory to write to. Out: what to do; `provisioning/`, `dashboards/` and a DuckDB file
that never goes stale (`store/live.py`) in that directory. Paths are the same inside a container and outside.
"""

import shlex
from pathlib import Path
from typing import Any, Final

import yaml

from exporter import disk
from exporter.cli.connect_parts import Part
from exporter.grafana import PLUGIN, written

VERSION: Final = "0.4.5"
LIVE: Final = "ax-live.duckdb"
_UID: Final = "otel-ax"


def grafana(data: Path, write: Path | None) -> list[Part]:
    """What to do, in order."""
    folder = (write or Path("grafana")).resolve()
    files = shlex.quote(str(folder))
    archive = f"{PLUGIN}-{VERSION}.zip"
    address = f"https://github.com/motherduckdb/grafana-duckdb-datasource/releases/download/v{VERSION}/{archive}"
    written_by = (
        []
        if write is not None
        else [Part("Write its files", "bash", f"ax connect grafana --data {shlex.quote(str(data))} --write {files}")]
    )
    return [
        *written_by,
        Part(
            "Get the data source (of MotherDuck; it is not signed, needs Grafana 10.4 and glibc 2.35)",
            "bash",
            f"curl -sSLO {address}\nunzip -q {archive} -d {files}/plugins",
        ),
        Part(
            "Start Grafana in docker; the image must be Ubuntu's",
            "bash",
            'docker run -d --name grafana -p 127.0.0.1:3000:3000 --user "$(id -u):0" \\\n'
            f"  -v {shlex.quote(f'{data}:{data}:ro')} -v {shlex.quote(f'{folder}:{folder}:ro')} \\\n"
            f"  -e GF_PATHS_PROVISIONING={files}/provisioning -e GF_PATHS_PLUGINS={files}/plugins \\\n"
            f"  -e GF_PLUGINS_ALLOW_LOADING_UNSIGNED_PLUGINS={PLUGIN} \\\n"
            "  grafana/grafana:latest-ubuntu",
        ),
        Part(
            "Or let a Grafana of this machine read them",
            "bash",
            f"GF_PATHS_PROVISIONING={files}/provisioning GF_PATHS_PLUGINS={files}/plugins \\\n"
            f"  GF_PLUGINS_ALLOW_LOADING_UNSIGNED_PLUGINS={PLUGIN} grafana server",
        ),
        Part("Look; write the files anew after an upgrade of otel-ax", "text", "http://localhost:3000/dashboards"),
    ]


def provision(data: Path, folder: Path) -> None:
    """Write the files. Raises `BadConfig` where there is no data yet."""
    from exporter.store import live

    folder = folder.resolve()
    live.write(data, folder / LIVE)
    for name, text in {**_settings(folder), **{f"dashboards/{name}": text for name, text in written().items()}}.items():
        path = folder / name
        disk.make_directory(path.parent)
        path.write_text(text, encoding="utf-8")
    disk.make_directory(folder / "plugins")


def _settings(folder: Path) -> dict[str, str]:
    source = {
        "name": "otel-ax",
        "uid": _UID,
        "type": PLUGIN,
        "access": "proxy",
        # Read-only, or it would lock the file; the plugin hands what follows the ? to DuckDB.
        "jsonData": {"path": f"{folder / LIVE}?access_mode=READ_ONLY"},
    }
    provider = {
        "name": "otel-ax",
        "folder": "otel-ax",
        "type": "file",
        "options": {"path": str(folder / "dashboards")},
    }
    return {
        "provisioning/datasources/otel-ax.yaml": _yaml({"apiVersion": 1, "datasources": [source]}),
        "provisioning/dashboards/otel-ax.yaml": _yaml({"apiVersion": 1, "providers": [provider]}),
    }


def _yaml(value: Any) -> str:
    text: str = yaml.safe_dump(value, sort_keys=False)
    return text
