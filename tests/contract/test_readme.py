"""Every example of the README is executed, in the order and the directory in which a reader would be."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx
import pytest

from exporter.cli.demo import QUERY
from exporter.clock import SystemClock
from exporter.config import Config
from exporter.model import TABLES
from exporter.units import NS_PER_S, format_size
from tests.factories import logs_request, metrics_request, spans_request
from tests.running import ENVIRON, Server, running, until
from tests.sdk.standin.server import standing_in

ROOT: Final = Path(__file__).parents[2]
README: Final = (ROOT / "README.md").read_text()
FIRST: Final = "pip install '.[collector]' && ax demo --once"
SECOND: Final = "pip install -e '.[test]' && pytest"
SERVE: Final = "ax serve --data telemetry"


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced example."""

    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.language}: {self.text.splitlines()[0][:50]}"


BLOCKS: Final = [
    Block(match[1], match[2]) for match in re.finditer(r"^```(\w+)\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
]


def blocks(language: str) -> list[Block]:
    return [block for block in BLOCKS if block.language == language]


COMMANDS: Final = [block for block in blocks("bash") if block.text.strip() not in {FIRST, SECOND, SERVE}]
TESTS: Final = [block for block in blocks("python") if "def test_" in block.text]
PROGRAMS: Final = [block for block in blocks("python") if block not in TESTS]
TRACED: Final = [block for block in PROGRAMS if "otel_ax.configure(" in block.text]
FILES: Final = {
    block: match[1] for block in BLOCKS if (match := re.match(r"# (app\.py|telemetry/rules/\w+\.yaml)\n", block.text))
}
"""Examples that are files which others use, and where they are."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The server of `ax serve --data telemetry`, with an hour's telemetry in it."""
    with running(tmp_path_factory.mktemp("readme") / "telemetry") as started:
        start = SystemClock().wall() - 60 * NS_PER_S
        made = {"traces": spans_request(200, 1, start), "logs": logs_request(50, 1, start)}
        for signal, request in (made | {"metrics": metrics_request(50, 1, start)}).items():
            headers = {"Content-Type": "application/x-protobuf"}
            answer = httpx.post(f"{started.http}/v1/{signal}", content=request.SerializeToString(), headers=headers)
            assert answer.status_code == 200
        until(lambda: started.sql("SELECT count(*) FROM spans WHERE service_name = 'checkout'") == [(200,)], "spans")
        until(lambda: started.sql("SELECT count(*) FROM logs WHERE service_name = 'checkout'") == [(50,)], "logs")
        for block, name in FILES.items():
            (started.data.parent / name).parent.mkdir(exist_ok=True)
            (started.data.parent / name).write_text(block.text)
        yield started


@pytest.fixture(scope="module")
def provider() -> Iterator[dict[str, str]]:
    """Variables with which OpenAI's client finds a stand-in."""
    with standing_in() as started:
        yield {"OPENAI_BASE_URL": f"{started.url}/v1", "OPENAI_API_KEY": "sk-none"}


def here(text: str, server: Server) -> str:
    """The example, with the ports of this test's server."""
    for port, url in ((4317, f"http://{server.grpc}"), (4318, server.http), (4319, server.ui)):
        text = text.replace(f"localhost:{port}", url.removeprefix("http://"))
    return text


def here_by_variables(server: Server) -> dict[str, str]:
    """What the README says to export, for this test's server."""
    return {"OTEL_EXPORTER_OTLP_ENDPOINT": server.http, "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"}


def run(command: list[str], server: Server, variables: dict[str, str] | None = None) -> str:
    path = f"{Path(sys.executable).parent}{os.pathsep}{ENVIRON['PATH']}"
    environ = {name: value for name, value in ENVIRON.items() if not name.startswith("PYTEST")}
    done = subprocess.run(
        command,
        cwd=server.data.parent,
        env=environ | {"PATH": path} | here_by_variables(server) | (variables or {}),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_two_commands_of_the_readme_are_the_two_that_matter() -> None:
    assert [block.text.strip() for block in blocks("bash")][:3] == [FIRST, SECOND, SERVE]
    wanted = re.search(r"grep -m 1 -E '(.+?)' README.md", (ROOT / ".ci" / "run").read_text())
    assert wanted is not None
    assert re.findall(wanted[1], README, re.MULTILINE) == [SECOND]


@pytest.mark.parametrize("block", COMMANDS, ids=str)
def test_commands_do_what_they_say(block: Block, server: Server, provider: dict[str, str]) -> None:
    if block.text.startswith("duckdb ") and shutil.which("duckdb") is None:
        pytest.skip("DuckDB's command line is not installed")
    printed = run(["bash", "-euo", "pipefail", "-c", here(block.text, server)], server, provider)
    assert printed or block.text.startswith("export ")


@pytest.mark.parametrize("block", [block for block in PROGRAMS if block not in TRACED], ids=str)
def test_python_examples_run(block: Block, server: Server, provider: dict[str, str]) -> None:
    run([sys.executable, "-W", "error", "-c", here(block.text, server)], server, provider)


@pytest.mark.parametrize("block", TESTS, ids=str)
def test_tests_pass(block: Block, server: Server, tmp_path: Path) -> None:
    (tmp_path / "test_readme_example.py").write_text(block.text)
    assert "1 passed" in run([sys.executable, "-m", "pytest", "-p", "no:cacheprovider", str(tmp_path)], server)


def test_traced_programs_are_found(server: Server, provider: dict[str, str]) -> None:
    for block in TRACED:
        run([sys.executable, "-W", "error", "-c", block.text], server, provider)
    for command, variables in (
        ("ax run --", {}),
        ("opentelemetry-instrument", {"OTEL_SERVICE_NAME": "by the command"}),
    ):
        assert f"{command} python app.py" in README
        assert run([*command.split(), "python", "app.py"], server, provider | variables).strip()
    costly = """
        SELECT DISTINCT service_name FROM spans
        WHERE gen_ai_operation_name = 'chat' AND attributes['ax.cost.usd']::DOUBLE > 0 ORDER BY ALL
    """
    wanted = {"app", "by the command", "forecasts", "shop"}
    until(lambda: wanted <= {name for (name,) in server.sql(costly)}, f"calls of {wanted}")
    kinds = """
        SELECT DISTINCT coalesce(gen_ai_operation_name, attributes['ax.kind']) AS what
        FROM spans WHERE service_name = 'forecasts' AND attributes['ax.tenant.id'] = 'acme' ORDER BY ALL
    """
    assert server.sql(kinds) == [
        (kind,) for kind in ("chat", "execute_tool", "invoke_agent", "invoke_workflow", "step")
    ]


@pytest.mark.parametrize("block", blocks("sql"), ids=str)
def test_questions_have_answers(block: Block, server: Server) -> None:
    assert len(server.sql(block.text)) > 0


@pytest.mark.parametrize("block", [block for block in blocks("yaml") if block not in FILES], ids=str)
def test_settings_are_settings(block: Block, server: Server, tmp_path: Path) -> None:
    (tmp_path / "ax.yaml").write_text(block.text)
    run(["ax", "config", "check", "--config", str(tmp_path / "ax.yaml")], server)


@pytest.mark.parametrize("block", blocks("json"), ids=str)
def test_mcp_clients_can_start_what_they_are_told(block: Block, server: Server) -> None:
    (started,) = json.loads(block.text)["mcpServers"].values()
    hello = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "a test", "version": "1"}}
    asked = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": hello})
    answer = run(["bash", "-c", f"echo '{asked}' | {started['command']} {' '.join(started['args'])}"], server)
    assert json.loads(answer.splitlines()[0])["result"]["capabilities"]["tools"] is not None


def test_every_example_is_of_a_kind_that_is_run() -> None:
    assert {block.language for block in BLOCKS} == {"bash", "json", "python", "sql", "text", "yaml"}
    assert README.count("```") == 2 * len(BLOCKS)


def test_the_demo_asks_what_the_readme_asks() -> None:
    assert QUERY in [block.text.strip() for block in blocks("sql")]


def test_limits_and_retention_are_the_defaults() -> None:
    defaults = Config(data=Path("unused"))
    limits, retention = defaults.limits, defaults.store.retention
    promised = README[README.index("## What is promised") :]
    for said in (
        f"a request of {format_size(limits.request_bytes)} and {limits.items} items",
        f"of a record {limits.attributes} attributes, keys of {limits.key_bytes}B,",
        f"values of {format_size(limits.value_bytes)}",
        f"completions {format_size(limits.prompt_bytes)}",
        f"Spans are kept {retention.spans // NS_PER_S // 86_400}d, logs {retention.logs // NS_PER_S // 86_400}d",
        f"metric points {retention.metrics // NS_PER_S // 86_400}d",
        f"within {defaults.journal.dedup_window // NS_PER_S // 60} minutes",
    ):
        assert said in " ".join(promised.split())


def test_every_table_is_named() -> None:
    assert [name for name in TABLES if f"`{name}`" not in README] == []


def test_links_lead_somewhere() -> None:
    links = re.findall(r"\]\(([^)]+)\)", README)
    assert links
    assert [link for link in links if not link.startswith("https://") and not (ROOT / link).is_file()] == []
