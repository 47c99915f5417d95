"""Records what a vendor's package sends: the spans and logs of one small program, as a fixture.

In: `python tests/contract/vendors/record/recorder.py VENDOR`, with a vendor of `vendors.py`. Out: `../VENDOR.json`, of
what the program beside this file sent over OTLP/HTTP while `stand_in.py` answered it. Its packages are installed in a
folder that is deleted (kept, and used again, where `--folder` names it). Ids and times stay as they came: a recording
made anew is other bytes, and the same expectations.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final

from sink import Sink, merged, scrubbed
from stand_in import stand_in
from vendors import PYTHON_SDK, VENDORS, Vendor

HERE: Final = Path(__file__).parent
TIMEOUT_S: Final = 300


def installed(name: str, vendor: Vendor, folder: Path) -> list[str]:
    """The command that runs the vendor's program, once its packages are there."""
    if vendor.runtime == "node":
        if not (folder / "node_modules").exists():
            command = ["npm", "install", "--prefix", str(folder), "--ignore-scripts", *vendor.packages.split()]
            subprocess.run(command, check=True)
        for module in HERE.glob("*.mjs"):
            shutil.copy(module, folder)
        return ["node", str(folder / vendor.program(name))]
    python = folder / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        packages = [*PYTHON_SDK.split(), *vendor.packages.split()]
        subprocess.run([python, "-m", "pip", "install", "--quiet", *packages], check=True)
    return [str(python), str(HERE / vendor.program(name))]


def versions(vendor: Vendor, folder: Path) -> dict[str, str]:
    """What was installed of the vendor's packages."""
    names = [re.split(r"[\[<>=]|(?<=.)@", package)[0] for package in vendor.packages.split()]
    if vendor.runtime == "node":
        manifests = {name: folder / "node_modules" / name / "package.json" for name in names}
        return {name: json.loads(manifest.read_text())["version"] for name, manifest in manifests.items()}
    script = "import sys; from importlib.metadata import version; print(*map(version, sys.argv[1:]))"
    command = [folder / "bin" / "python", "-c", script, *names]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return dict(zip(names, said.split(), strict=True))


def environ(name: str, model_url: str, sink_url: str) -> dict[str, str]:
    """The program's: models are the stand-in, telemetry goes to the sink."""
    return os.environ | {
        "OPENAI_API_KEY": "none",
        "OPENAI_BASE_URL": f"{model_url}/v1",
        "ANTHROPIC_API_KEY": "none",
        "ANTHROPIC_BASE_URL": model_url,
        "OTEL_EXPORTER_OTLP_ENDPOINT": sink_url,
        "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
        "OTEL_SERVICE_NAME": name,
        "PYTHONWARNINGS": "ignore",
    }


def record(name: str, folder: Path) -> Path:
    """Runs the vendor's program and writes its fixture."""
    vendor = VENDORS[name]
    command = installed(name, vendor, folder)
    models, sink = stand_in(), ThreadingHTTPServer(("127.0.0.1", 0), Sink)
    for server in (models, sink):
        threading.Thread(target=server.serve_forever, daemon=True).start()
    ports = (models.server_port, sink.server_port)
    urls = [f"http://127.0.0.1:{port}" for port in ports]
    subprocess.run(command, env=environ(name, *urls), check=True, timeout=TIMEOUT_S, cwd=folder)
    fixture: dict[str, Any] = {"vendor": name, "recorded": True, "shows": vendor.shows}
    fixture["packages"] = versions(vendor, folder)
    for signal, exports in Sink.received.items():
        if exports:
            fixture[signal] = scrubbed(merged(signal, exports, name), ports)
    out = HERE.parent / f"{name}.json"
    out.write_text(readable(fixture))
    return out


def readable(fixture: dict[str, Any]) -> str:
    """JSON with an attribute a line."""
    text = r'"(?:[^"\\]|\\.)*"'
    value = rf"\{{\s*({text}): ({text}|[^{{}}\s]+)\s*\}}"
    attribute = re.compile(rf'\{{\s*("key": {text}),\s*"value": {value}\s*\}}')
    return attribute.sub(r'{\1, "value": {\2: \3}}', json.dumps(fixture, indent=1, ensure_ascii=False)) + "\n"


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description="Records a vendor's spans.")
    parser.add_argument("vendor", choices=sorted(VENDORS))
    parser.add_argument("--folder", type=Path, help="where its packages are installed, and kept")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        out = record(chosen.vendor, chosen.folder or Path(folder))
    sys.stdout.write(f"{out.name}: {out.stat().st_size} bytes\n")


if __name__ == "__main__":
    main()
