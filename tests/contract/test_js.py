"""The JavaScript SDK as a client: what its three exporters send is stored as the application said it.

The bytes in `fixtures/js` were recorded by `js/record.mjs`; where npm can install the packages, the same application
also runs live.
"""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any, Final

import grpc
import httpx
import pytest

from tests.readback import assert_stored
from tests.running import Server, running

HERE: Final = Path(__file__).parent
FIXTURES: Final = HERE / "fixtures" / "js"
SERVICE: Final = "js-shop"
FLAVOURS: Final = ("grpc", "http", "proto")
METHODS: Final = {
    "traces": "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
    "metrics": "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
    "logs": "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
}
TYPES: Final = {"http": "application/json", "proto": "application/x-protobuf"}


@pytest.fixture(params=FLAVOURS)
def flavour(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_recorded_bytes_of_each_exporter_are_stored_as_they_were_meant(tmp_path: Path, flavour: str) -> None:
    recorded = json.loads((FIXTURES / f"{flavour}.json").read_text())
    assert {request["signal"] for request in recorded["requests"]} == set(METHODS)
    with running(tmp_path / "data") as server:
        for request in recorded["requests"]:
            _replay(server, flavour, request)
        assert_stored(server.data, recorded["expected"], SERVICE)


def _replay(server: Server, flavour: str, request: dict[str, Any]) -> None:
    body = (FIXTURES / request["file"]).read_bytes()
    if flavour == "grpc":
        with grpc.insecure_channel(server.grpc) as channel:
            assert channel.unary_unary(METHODS[request["signal"]])(body, timeout=10) == b""
        return
    assert request["headers"]["content-type"] == TYPES[flavour]
    answer = httpx.post(f"{server.http}/v1/{request['signal']}", content=body, headers=request["headers"])
    assert answer.status_code == 200
    assert answer.headers["content-type"] == TYPES[flavour]
    assert answer.content == (b"{}" if flavour == "http" else b"")


@pytest.fixture(scope="module")
def application(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The application with its packages, installed in a folder of its own."""
    if shutil.which("npm") is None or shutil.which("node") is None:
        pytest.skip("node and npm are not installed")
    folder = tmp_path_factory.mktemp("application")
    for file in (HERE / "js").iterdir():
        if file.is_file():
            shutil.copy(file, folder)
    install = ["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts"]
    try:
        done = subprocess.run(install, cwd=folder, capture_output=True, text=True, timeout=180, check=False)
    except subprocess.TimeoutExpired:
        pytest.skip("npm install took more than three minutes")
    if done.returncode != 0:
        pytest.skip(f"npm install: {done.stderr.strip().splitlines()[-1:]}")
    return folder


@pytest.mark.slow
def test_each_exporter_lands_when_it_runs(application: Path, tmp_path: Path, flavour: str) -> None:
    with running(tmp_path / "data") as server:
        url = f"http://{server.grpc}" if flavour == "grpc" else server.http
        command = ["node", "send.mjs", flavour, url]
        done = subprocess.run(command, cwd=application, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr
        assert_stored(server.data, json.loads(done.stdout), SERVICE)


@pytest.mark.slow
def test_the_recordings_are_what_the_exporters_send_today(application: Path, tmp_path: Path) -> None:
    room = tmp_path / "contract"
    shutil.copytree(application, room / "js", symlinks=True)
    (room / "fixtures" / "js").mkdir(parents=True)
    subprocess.run(["node", "record.mjs"], cwd=room / "js", check=True, timeout=60)
    for flavour in FLAVOURS:
        fresh, kept = (folder / f"{flavour}-traces.bin" for folder in (room / "fixtures" / "js", FIXTURES))
        assert fresh.read_bytes() == kept.read_bytes()
