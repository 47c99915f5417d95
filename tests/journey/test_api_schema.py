"""The API answers as its OpenAPI says, whatever it is asked: schemathesis asks a real server, with all its checks.

The server has the telemetry of `ax demo` in it, and ids of what is there are among those that are asked for.
"""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from tests.demonstrated import demonstrated, known
from tests.running import Server

ROOT: Final = Path(__file__).parents[2]
SCHEMATHESIS: Final = Path(sys.executable).with_name("schemathesis")
FEW: Final = 4
MANY: Final = 200
SEED: Final = 1
WORDS: Final[Mapping[str, Sequence[str]]] = {
    "range": ["1d", "90m"],
    "step": ["1m", "1h"],
    "filter": ["duration > 1ms", 'service = "helpdesk"'],
    "by": ["model", "service"],
}
"""Words that mean something, beside ids of what is stored."""
BOUND: Final[Mapping[str, Mapping[str, str]]] = {
    r"^/api/": {"query.range": "range", "query.step": "step", "query.filter": "filter"},
    r"^/api/(traces|spans)/\{": {"path.trace": "trace", "path.span": "span"},
    r"^/api/llm-calls/\{": {"path.span": "call"},
    r"^/api/workflow-runs/\{": {"path.run": "run"},
    r"^/api/conversations/\{": {"path.conversation": "conversation"},
    r"^/api/metrics/\{": {"path.name": "metric"},
    r"^/api/alerts/\{": {"path.alert": "alert"},
    r"^/api/budgets/\{": {"path.name": "budget"},
    r"^/api/rules/\{": {"path.group": "group", "path.name": "rule"},
    r"^/api/notifications/channels/\{": {"path.name": "channel"},
}
"""Paths, parameters, and whose words belong there; of paths that fit, the last counts."""
OFTEN: Final = 0.7


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One that has all that can be asked for."""
    with demonstrated(tmp_path_factory.mktemp("schema") / "data", tmp_path_factory) as one:
        yield one


def settings(server: Server, path: Path) -> Path:
    """What schemathesis is told beside the OpenAPI: ids, and not to look far for a smaller failure."""
    words = {**WORDS, **known(server)}
    lines = ["[generation]", "deterministic = true", 'database = "none"']
    for kind, values in words.items():
        lines += [f"[dictionaries.{kind}]", f"values = {json.dumps(values)}"]
    for pattern, parameters in BOUND.items():
        lines += ["[[operations]]", f"include-path-regex = {json.dumps(pattern)}"]
        lines += [
            f'parameters."{name}" = {{ dictionary = "{kind}", probability = {OFTEN} }}'
            for name, kind in (BOUND[r"^/api/"] | parameters).items()
        ]
    path.write_text("\n".join(lines) + "\n")
    return path


def asked(server: Server, room: Path, *options: str, seconds: int) -> "subprocess.CompletedProcess[str]":
    """What schemathesis says of it."""
    command = [SCHEMATHESIS, "--config-file", settings(server, room / "schemathesis.toml"), "run"]
    return subprocess.run(
        [*command, f"{server.ui}/api/openapi.json", "--checks=all", "--no-color", "--workers=1", *options],
        cwd=room,
        env=os.environ | {"SCHEMATHESIS_HOOKS": "tests.schema_hooks", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )


def tried(said: str) -> int:
    """How many operations were tried."""
    found = re.search(r"^ +Tested: (\d+)$", said, re.MULTILINE)
    return int(found[1]) if found else 0


def operations(server: Server) -> list[Any]:
    """All that OpenAPI tells of."""
    described = httpx.get(f"{server.ui}/api/openapi.json", timeout=30).json()
    return [one for methods in described["paths"].values() for one in methods]


def test_a_few_questions_of_each_route_are_answered_as_described(server: Server, tmp_path: Path) -> None:
    options = (f"--max-examples={FEW}", "--phases=examples,fuzzing", "--no-shrink")
    done = asked(server, tmp_path, *options, seconds=240)
    assert done.returncode == 0, done.stdout + done.stderr
    assert tried(done.stdout) == len(operations(server))


@pytest.mark.slow
def test_many_questions_of_each_route_are_answered_as_described(server: Server, tmp_path: Path) -> None:
    """Also the bounds of each parameter one by one, and one request after another."""
    done = asked(server, tmp_path, f"--max-examples={MANY}", seconds=7_200)
    assert done.returncode == 0, done.stdout + done.stderr
    assert tried(done.stdout) == len(operations(server))
