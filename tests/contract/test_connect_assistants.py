"""Coding assistants as they are published, with what `ax connect` prints, against a stand-in for their models."""

import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from tests.running import ENVIRON, Server, ax, running, until
from tests.sdk.standin.server import standing_in

pytestmark = pytest.mark.slow
ASKED: Final = "What is a span?"
CODEX: Final = """
model = "gpt-5-mini"
model_provider = "standin"

[model_providers.standin]
name = "a stand-in"
base_url = "{url}/v1"
env_key = "OPENAI_API_KEY"
wire_api = "responses"
request_max_retries = 0
stream_max_retries = 0

"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("assistants") / "data") as started:
        yield started


@pytest.fixture(scope="module")
def models() -> Iterator[str]:
    with standing_in() as started:
        yield started.url


@pytest.fixture(scope="module")
def refusing() -> Iterator[str]:
    """A provider that knows no model; Codex, which leaves behind what it has not sent, is told so late."""
    with HTTPServer("127.0.0.1") as started:
        started.no_handler_status_code = 404
        started.expect_request(re.compile(".*/responses")).respond_with_handler(_late)
        yield started.url_for("")


def _late(_: Request) -> Response:
    """Longer than the five seconds after which an SDK sends what it has."""
    time.sleep(8)
    return Response(status=404)


def installed(package: str, folder: Path) -> Path:
    """Where its programs are."""
    if shutil.which("npm") is None:
        pytest.skip("npm is not installed")
    command = ["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", str(folder), package]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    if done.returncode != 0:
        pytest.skip(f"npm install: {done.stderr.strip().splitlines()[-1:]}")
    return folder / "node_modules" / ".bin"


def settings(server: Server, target: str) -> str:
    said = json.loads(ax("connect", target, "--json", "--data", server.data))
    return str(said["parts"][0]["text"])


def run(script: str, home: Path, programs: Path, **more: str) -> str:
    """What the program says; not whether it liked the stand-in."""
    environ = {"PATH": f"{programs}{os.pathsep}{ENVIRON['PATH']}", "HOME": str(home), **more}
    done = subprocess.run(
        ["bash", "-c", script], cwd=home, env=environ, capture_output=True, text=True, timeout=300, check=False
    )
    sys.stderr.write(done.stdout[-2_000:] + done.stderr[-2_000:])
    return done.stdout


def arrived(server: Server, service: str) -> set[str]:
    found = f"""
        SELECT 'spans' FROM spans WHERE service_name LIKE '{service}'
        UNION SELECT 'logs' FROM logs WHERE service_name LIKE '{service}'
        UNION SELECT 'metrics' FROM metrics_sum WHERE service_name LIKE '{service}'
    """
    return {signal for (signal,) in server.sql(found)}


def test_claude_code(server: Server, models: str, tmp_path: Path) -> None:
    programs = installed("@anthropic-ai/claude-code", tmp_path)
    binaries = sorted(tmp_path.glob("node_modules/@anthropic-ai/claude-code-*/claude"))  # its install script links it
    told = {"ANTHROPIC_BASE_URL": models, "ANTHROPIC_API_KEY": "sk-none", "ANTHROPIC_MODEL": "claude-sonnet-4-5"}
    quiet = {"CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1", "DISABLE_AUTOUPDATER": "1"}
    claude = binaries[0] if binaries else "claude"
    script = f"{settings(server, 'claude-code')}\n'{claude}' -p '{ASKED}' < /dev/null"
    run(script, tmp_path, programs, **told, **quiet)
    until(lambda: arrived(server, "claude-code") == {"spans", "logs", "metrics"}, "all signals of Claude Code")


def test_codex(server: Server, refusing: str, tmp_path: Path) -> None:
    programs = installed("@openai/codex", tmp_path)
    home = tmp_path / ".codex"
    home.mkdir()
    (home / "config.toml").write_text(CODEX.format(url=refusing) + settings(server, "codex"))
    script = f"codex exec --skip-git-repo-check '{ASKED}' < /dev/null"
    run(script, tmp_path, programs, CODEX_HOME=str(home), OPENAI_API_KEY="sk-none")
    until(lambda: arrived(server, "codex%") != set(), "something of Codex")


def test_gemini_cli(server: Server, refusing: str, tmp_path: Path) -> None:
    programs = installed("@google/gemini-cli", tmp_path)
    (tmp_path / ".gemini").mkdir()
    chosen = {"security": {"auth": {"selectedType": "gemini-api-key"}}}
    (tmp_path / ".gemini" / "settings.json").write_text(json.dumps(chosen))
    script = f"{settings(server, 'gemini-cli')}\ngemini --skip-trust -p '{ASKED}' < /dev/null"
    run(script, tmp_path, programs, GEMINI_API_KEY="none", GOOGLE_GEMINI_BASE_URL=refusing)
    until(lambda: arrived(server, "gemini-cli") == {"spans", "logs", "metrics"}, "all signals of Gemini CLI")
