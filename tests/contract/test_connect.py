"""`ax connect`: what it prints is run as it stands, with the real client where it is installed or can be."""

import ast
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import duckdb
import httpx
import pytest
import yaml

from exporter import grafana
from exporter.cli.connect import filled, targets
from tests.running import AX, ENVIRON, Server, ax, running, until
from tests.sdk.standin.server import standing_in

NAMED: Final = {
    "http_url": "http://localhost:4318",
    "http_host": "localhost",
    "http_port": "4318",
    "grpc": "localhost:4317",
    "ui_url": "http://localhost:4319",
    "ui": "localhost:4319",
    "scheme": "http",
    "service": "shop",
    "token": "ax_0123",
    "data": "/data",
    "ax": "/bin/ax",
}
PATH: Final = f"{Path(sys.executable).parent}{os.pathsep}{ENVIRON['PATH']}"
OPENAI: Final = """
import openai
asked = [{"role": "user", "content": "What is a span?"}]
print(openai.OpenAI().chat.completions.create(model="gpt-5", messages=asked).choices[0].message.content)
"""
LANGCHAIN: Final = """
from langchain_openai import ChatOpenAI
print(ChatOpenAI(model="gpt-5").invoke("What is a span?").content)
"""
NODE: Final = """
const { trace } = require('@opentelemetry/api');
trace.getTracer('app').startSpan('by node').end();
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("connect") / "data") as started:
        yield started


@pytest.fixture(scope="module")
def models() -> Iterator[dict[str, str]]:
    """Variables with which OpenAI's client finds a stand-in."""
    with standing_in() as started:
        yield {"OPENAI_BASE_URL": f"{started.url}/v1", "OPENAI_API_KEY": "sk-none"}


def printed(server: Server, target: str, *options: str) -> list[dict[str, str]]:
    """The parts of what is printed."""
    parts: list[dict[str, str]] = json.loads(ax("connect", target, *options, "--json", "--data", server.data))["parts"]
    return parts


def shell(
    parts: list[dict[str, str]], folder: Path, more: dict[str, str] | None = None, *, timeout_s: int = 120
) -> str:
    """Runs the lines for a shell, one part after the other in one shell."""
    script = "\n".join(part["text"] for part in parts if part["language"] == "bash")
    inherited = {name: value for name, value in ENVIRON.items() if not name.startswith("PYTEST")}
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=folder,
        env=inherited | {"PATH": PATH} | (more or {}),
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def parts_of(target: str, **more: str) -> list[tuple[str, str]]:
    return [(part["language"], filled(part["text"], NAMED | more)) for part in targets()[target]["parts"]]


@pytest.mark.parametrize("target", targets())
def test_what_is_printed_can_be_read_by_who_is_to_read_it(target: str) -> None:
    about = targets()[target]
    assert set(about) <= {"about", "checked", "parts", "see"}
    for language, text in [*parts_of(target), *parts_of(target, token="")]:
        assert "{{" not in text
        if language == "bash":
            subprocess.run(["bash", "-n", "-c", text], check=True)
        elif language == "python":
            ast.parse(text)
        elif language == "yaml":
            assert yaml.safe_load(text)
        elif language == "json":
            assert json.loads(text)
        elif language == "toml":
            assert tomllib.loads(text)
        else:
            assert language in {"csharp", "go", "javascript", "promql", "ruby", "rust", "typescript"}


@pytest.mark.parametrize("target", targets())
def test_a_token_is_told_where_there_is_one_and_no_trace_of_it_where_there_is_none(target: str) -> None:
    assert not re.search("authorization|bearer", str(parts_of(target, token="")), re.IGNORECASE)
    sends = "http_url" in str(targets()[target]) or "{{env}}" in str(targets()[target])
    if sends and target not in {"langfuse", "mastra"}:  # ways of their own
        assert "ax_0123" in str(parts_of(target))


def test_the_list_names_everybody(server: Server) -> None:
    listed = ax("connect", "--data", server.data)
    assert [name for name in [*targets(), "grafana"] if f"\n  {name} " not in listed] == []


def test_the_running_servers_addresses_are_told_unless_others_are(server: Server) -> None:
    assert f"OTEL_EXPORTER_OTLP_ENDPOINT={server.http}\n" in ax("connect", "python", "--data", server.data)
    others = ("--http", "https://ax.example:443", "--token", "ax_1", "--service", "shop")
    told = ax("connect", "python", *others, "--data", server.data)
    assert "OTEL_EXPORTER_OTLP_ENDPOINT=https://ax.example:443\n" in told
    assert 'OTEL_EXPORTER_OTLP_HEADERS="Authorization=Bearer%20ax_1"\n' in told


@pytest.mark.parametrize("wrong", [("pythonic",), ("python", "--service", "$(id)"), ("python", "--http", "x y")])
def test_what_cannot_be_is_told_in_a_line(server: Server, wrong: tuple[str, ...]) -> None:
    said = ax("connect", *wrong, "--data", server.data, code=1)  # first what is on standard output
    assert (said.startswith("ax: "), said.count("\n")) == (True, 1)


def test_curl(server: Server, tmp_path: Path) -> None:
    shell(printed(server, "curl", "--service", "by-curl"), tmp_path)
    until(lambda: server.sql("SELECT name FROM spans WHERE service_name = 'by-curl'") == [("by hand",)], "a span")
    until(lambda: server.sql("SELECT body FROM logs WHERE service_name = 'by-curl'") == [("hello",)], "a log record")


def is_let_in(server: Server, token: str) -> bool:
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/x-protobuf"}
    return httpx.post(f"{server.http}/v1/traces", headers=headers, timeout=30).status_code == 200


def test_a_token_lets_in(tmp_path: Path) -> None:
    with running(tmp_path / "data", environ={"AX_AUTH": "required"}) as guarded:
        token = ax("token", "create", "shop", "--data", guarded.data).strip()
        until(lambda: is_let_in(guarded, token), "the token known")
        shell(printed(guarded, "curl", "--token", token, "--service", "with-token"), tmp_path)
        until(lambda: guarded.sql("SELECT name FROM spans WHERE service_name = 'with-token'") != [], "a span")


@pytest.mark.parametrize(
    ("target", "program"),
    [
        ("python", OPENAI),
        pytest.param("openai", OPENAI, marks=pytest.mark.slow),
        pytest.param("langchain", LANGCHAIN, marks=pytest.mark.slow),
    ],
    ids=lambda one: one[:9],
)
def test_python_programs(server: Server, models: dict[str, str], tmp_path: Path, target: str, program: str) -> None:
    (tmp_path / "app.py").write_text(program)
    install, *rest = printed(server, target, "--service", f"of-{target}")
    assert "opentelemetry-distro" in install["text"]  # and what else it names is among our tests' packages
    assert "Oslo" in shell(rest, tmp_path, models)
    calls = f"SELECT operation, tokens_input FROM llm_calls WHERE service_name = 'of-{target}'"
    until(lambda: ("chat", 1200) in server.sql(calls), "a call")


def test_those_who_read(server: Server, tmp_path: Path) -> None:
    shell_part, python = printed(server, "duckdb")
    subprocess.run([sys.executable, "-c", python["text"]], check=True, capture_output=True, timeout=60)
    if shutil.which("duckdb") is not None:
        shell([shell_part], tmp_path)
    answer = json.loads(shell(printed(server, "http"), tmp_path))
    assert [column["name"] for column in answer["columns"]] == ["service_name", "spans"]
    prometheus, *_ = printed(server, "prometheus")
    for job in yaml.safe_load(prometheus["text"])["scrape_configs"]:
        (place,) = job["static_configs"][0]["targets"]
        page = httpx.get(f"http://{place}{job.get('metrics_path', '/metrics')}")
        assert page.status_code == 200
        assert "# TYPE ax_" in page.text


def test_mcp_clients_start_what_their_files_say(server: Server) -> None:
    claude, *files = printed(server, "mcp")
    said: list[Any] = [json.loads(part["text"]) for part in files if part["language"] == "json"]
    said += [tomllib.loads(part["text"]) for part in files if part["language"] == "toml"]
    started = [next(iter(one.values()))["telemetry"] for one in said]
    for one in started:
        assert claude["text"] == f"claude mcp add telemetry -- {one['command']} {' '.join(one['args'])}"
    asked = [
        {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": _CLIENT},
        {"jsonrpc": "2.0", "method": "notifications/initialized"},
        {"jsonrpc": "2.0", "id": 2, "method": "tools/list"},
    ]
    with subprocess.Popen(
        [*AX, *started[0]["args"]], env=ENVIRON, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for message in asked:
            process.stdin.write(json.dumps(message) + "\n")
            process.stdin.flush()
        answers = [json.loads(process.stdout.readline()) for _ in range(2)]
        process.stdin.close()
        assert process.wait(15) == 0
    assert "sql" in {tool["name"] for tool in answers[1]["result"]["tools"]}


_CLIENT: Final = {
    "protocolVersion": "2025-06-18",
    "capabilities": {},
    "clientInfo": {"name": "a test", "version": "1"},
}


def test_grafana_gets_its_files_and_they_lead_to_each_other(server: Server, tmp_path: Path) -> None:
    folder = tmp_path / "grafana"
    for part in printed(server, "grafana", "--write", str(folder)):
        if part["language"] == "bash":
            subprocess.run(["bash", "-n", "-c", part["text"]], check=True)
    source = yaml.safe_load((folder / "provisioning/datasources/otel-ax.yaml").read_text())["datasources"][0]
    provider = yaml.safe_load((folder / "provisioning/dashboards/otel-ax.yaml").read_text())["providers"][0]
    assert source["type"] == grafana.PLUGIN
    dashboards = sorted(path.name for path in Path(provider["options"]["path"]).glob("*.json"))
    assert dashboards == sorted(grafana.written())
    path, _, options = source["jsonData"]["path"].partition("?")
    assert options == "access_mode=READ_ONLY"
    with duckdb.connect(path, read_only=True) as reader:
        before = reader.execute("SELECT count(*) FROM logs WHERE service_name = 'seen later'").fetchall()
        shell(printed(server, "curl", "--service", "seen-later"), tmp_path)
        until(  # the connection stays, as Grafana's does
            lambda: reader.execute("SELECT count(*) FROM logs WHERE service_name = 'seen-later'").fetchall() == [(1,)],
            "what came after it was opened",
        )
    assert before == [(0,)]


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if shutil.which("npm") is None or shutil.which("node") is None:
        pytest.skip("node and npm are not installed")
    return tmp_path_factory.mktemp("packages")


@pytest.mark.slow
def test_node(server: Server, packages: Path) -> None:
    (packages / "app.js").write_text(NODE)
    (packages / "package.json").write_text("{}")
    shell(printed(server, "node", "--service", "by-node"), packages, timeout_s=300)
    until(lambda: server.sql("SELECT name FROM spans WHERE service_name = 'by-node'") != [], "a span")
