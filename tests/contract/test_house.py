"""The house rules of style.md, checked by the tools that `.pre-commit-config.yaml` runs."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("exporter", "otel_ax")
ON_ONE_PAGE = {"exporter/model.py", "exporter/decode/mapping.py"}
"""Tables of data, which are easier to read whole."""
BIN = Path(sys.executable).parent


@pytest.mark.parametrize(
    "command",
    [
        ("ruff", "check", "--output-format=concise"),
        ("ruff", "format", "--check"),
        ("mypy",),
        ("lint-imports", "--no-cache"),
        ("codespell",),
    ],
    ids=lambda command: command[0] + "-" + command[1] if len(command) > 1 else command[0],
)
def test_the_tools_have_nothing_to_say(command: tuple[str, ...]) -> None:
    done = subprocess.run([BIN / command[0], *command[1:]], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def _modules() -> list[Path]:
    return sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))


def _folders() -> list[Path]:
    return sorted(path for path in _modules() if path.name == "__init__.py" and path.parent.parent != ROOT)


def test_every_folder_of_the_exporter_says_what_goes_in_and_what_comes_out() -> None:
    silent = []
    for path in _folders():
        docstring = ast.get_docstring(ast.parse(path.read_text())) or ""
        if "In: " not in docstring or "Out: " not in docstring:
            silent.append(str(path.relative_to(ROOT)))
    assert silent == []


def test_every_folder_exports_its_public_names_in_order() -> None:
    wrong = []
    for path in _folders():
        names = _exported(ast.parse(path.read_text()))
        if names != sorted(
            names, key=lambda name: (not name.isupper(), not name[0].isupper(), name)
        ):  # as ruff's RUF022
            wrong.append(str(path.relative_to(ROOT)))
    assert wrong == []


def _exported(module: ast.Module) -> list[str]:
    for node in module.body:
        if isinstance(node, ast.Assign) and any(isinstance(t, ast.Name) and t.id == "__all__" for t in node.targets):
            names = ast.literal_eval(node.value)
            return list(names)
    return []


def test_rooms_are_small() -> None:
    lines = {str(path.relative_to(ROOT)): path.read_text().count("\n") for path in _modules()}
    assert {path: count for path, count in lines.items() if count > 350 and path not in ON_ONE_PAGE} == {}


def test_nothing_is_named_for_managing() -> None:
    vague = ("Manager", "Service", "Engine", "Helper", "Util", "Utils")
    named = [
        f"{path.relative_to(ROOT)}: {node.name}"
        for path in _modules()
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ClassDef) and node.name.endswith(vague)
    ]
    assert named == []


def test_the_top_level_holds_what_was_agreed() -> None:
    agreed = {"otel_ax", "exporter", "tests", "pyproject.toml", "collector-config.yaml", "README.md", "LICENSE"}
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode != 0:
        pytest.skip("not a git checkout")
    top = {line.split("/")[0] for line in listed.stdout.splitlines()}
    assert {name for name in top if not name.startswith(".")} <= agreed
