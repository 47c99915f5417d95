"""`pip install otel-ax` alone is light: the SDK needs nothing of the server's, by its metadata and when it runs."""

import json
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions, requires
from pathlib import Path
from typing import Final

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.running import ENVIRON

ROOT: Final = Path(__file__).parents[2]
PROJECT: Final = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
SERVERS: Final = {
    *("duckdb", "fastapi", "httptools", "numpy", "pandas", "psutil", "ptars", "pyarrow", "rich"),
    *("starlette", "typer", "uvicorn", "uvloop", "xxhash"),
}
ALONE: Final = """
import json, pkgutil, sys

class Missing:
    names = set(json.load(sys.stdin))

    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in self.names:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Missing())
import otel_ax
for module in pkgutil.walk_packages(otel_ax.__path__, "otel_ax."):
    if module.name != "otel_ax.pytest_plugin":  # pytest loads it
        __import__(module.name)

otel_ax.configure(endpoint="http://127.0.0.1:9")

@otel_ax.llm("openai", "gpt-5")
def ask():
    return {"model": "gpt-5", "usage": {"prompt_tokens": 12, "completion_tokens": 3}}

ask()
print(otel_ax.spend(last="1h").nanos)
otel_ax.shutdown(0.1)
"""
"""A program where nothing is installed that the SDK does not ask for."""


def _closure(requirements: list[str]) -> set[str]:
    """Names of all that is installed with these, as far as this platform's markers say."""
    found: set[str] = set()
    waiting = [(Requirement(one), frozenset[str]()) for one in requirements]
    while waiting:
        requirement, extras = waiting.pop()
        name = canonicalize_name(requirement.name)
        if not _is_meant(requirement, extras) or name in found:
            continue
        found.add(name)
        waiting += [(Requirement(one), frozenset(requirement.extras)) for one in requires(name) or ()]
    return found


def _is_meant(requirement: Requirement, extras: frozenset[str]) -> bool:
    marker = requirement.marker
    return marker is None or any(marker.evaluate({"extra": extra}) for extra in (*extras, ""))


def _others(light: set[str]) -> list[str]:
    """Modules that are installed here, but do not come with these distributions."""
    return [
        module
        for module, distributions in packages_distributions().items()
        if light.isdisjoint(map(canonicalize_name, distributions)) and module != "otel_ax"
    ]


def test_the_server_is_an_extra() -> None:
    light = _closure(PROJECT["dependencies"])
    assert {"opentelemetry-sdk", "genai-prices", "protobuf"} <= light
    assert light & SERVERS == set()
    extra = {canonicalize_name(Requirement(one).name) for one in PROJECT["optional-dependencies"]["collector"]}
    assert {"duckdb", "fastapi", "pyarrow"} <= extra


def test_the_sdk_works_alone() -> None:
    others = _others(_closure(PROJECT["dependencies"]))
    assert {"duckdb", "psutil", "pyarrow", "pytest"} <= set(others)
    done = subprocess.run(
        [sys.executable, "-c", ALONE],
        cwd=ROOT,
        env=ENVIRON,
        input=json.dumps(others),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 0  # priced, too
