"""The dashboard: its sources are in order, its types are the API's, and what is built of them is as promised."""

import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from exporter.web.hatch_build import SOURCES, STAMP, WEB, digest
from tests.running import ENVIRON
from tests.web import built, openapi

ROOT: Final = Path(__file__).parents[2]
FIRST_VIEW: Final = ("index.html", "src/pages/overview/index.tsx")
"""What a browser loads to show `/`."""
FIRST_VIEW_BYTES: Final = 250_000
"""Of JavaScript, compressed."""
NAMED: Final = {"www.w3.org", "react.dev", "mantine.dev", "json-schema.org"}
"""Hosts in namespaces and messages, from which nothing is loaded; the policy of the pages would not let it."""
NOWHERE: Final = {"npm_config_registry": "http://127.0.0.1:9", "npm_config_fetch_retries": "0"}


# ── Sources ───────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def tools() -> Path:
    """The directory of the tools; types are those of the API as it is."""
    tools = built.tools()
    openapi.write()
    run(tools / "openapi-typescript", "openapi.json", "-o", "src/api/schema.d.ts")
    return tools


def run(*command: object) -> None:
    """Runs it in the dashboard's directory; it has nothing to say."""
    done = subprocess.run([*map(str, command)], cwd=WEB, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


CHECKS: Final = ("oxlint src vite.config.ts", "prettier --check .", "vitest run --no-isolate")


@pytest.mark.parametrize("command", CHECKS)
def test_the_tools_have_nothing_to_say(tools: Path, command: str) -> None:
    name, *arguments = command.split()
    run(tools / name, *arguments)


def test_one_command_checks_all_of_it() -> None:
    scripts = json.loads((WEB / "package.json").read_text())["scripts"]
    assert scripts["check"] == " && ".join(CHECKS)


def test_nothing_built_and_nothing_of_others_is_committed() -> None:
    listed = subprocess.run(["git", "ls-files", "exporter/web"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode != 0:
        pytest.skip("not a git checkout")
    ours = re.compile(r"exporter/web/([\w.-]+|public/icon\.svg|src/.+\.(ts|tsx|css))")
    files = listed.stdout.splitlines()
    assert [name for name in files if not ours.fullmatch(name) or name.endswith(("schema.d.ts", "openapi.json"))] == []


def test_no_text_is_written_as_html() -> None:
    written = re.compile(r"dangerouslySetInnerHTML|\b(inner|outer)HTML\b|insertAdjacentHTML|document\.write|\beval\(")
    assert [path.name for path in (WEB / "src").rglob("*.ts*") if written.search(path.read_text())] == []


# ── What is built ─────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def dist() -> Path:
    """What the server hands out."""
    return built.dist()


def test_the_first_view_is_small(dist: Path) -> None:
    chunks = json.loads((dist / ".vite" / "manifest.json").read_text())
    files = {chunks[key]["file"] for key in _loaded(chunks, FIRST_VIEW)}
    sizes = {name: (dist / f"{name}.br").stat().st_size for name in files if name.endswith(".js")}
    assert sum(sizes.values()) <= FIRST_VIEW_BYTES, sizes


def _loaded(chunks: dict[str, Any], keys: Iterator[str] | tuple[str, ...]) -> set[str]:
    """These chunks, and those that they import from the start."""
    found: set[str] = set()
    left = list(keys)
    while left:
        key = left.pop()
        if key not in found:
            found.add(key)
            left += chunks[key].get("imports", [])
    return found


def test_each_text_lies_there_compressed(dist: Path) -> None:
    texts = [path for path in (dist / "assets").iterdir() if path.suffix in {".js", ".css", ".svg"}]
    assert texts
    assert [path.name for path in texts for end in (".br", ".gz") if not Path(f"{path}{end}").is_file()] == []


def test_nothing_is_loaded_from_elsewhere(dist: Path) -> None:
    named: dict[str, set[str]] = {}
    for path in dist.rglob("*"):
        if path.suffix in {".js", ".css", ".html", ".svg"}:
            for host in re.findall(r"(?:https?:|[\"'(])//([\w-]+(?:\.[\w-]+)+)", path.read_text()):
                named.setdefault(host, set()).add(path.name)
    assert {host: names for host, names in named.items() if host not in NAMED} == {}


def test_no_script_is_in_the_page_and_none_makes_another(dist: Path) -> None:
    page = (dist / "index.html").read_text()
    assert re.findall(r"<script\b(?![^>]*\bsrc=)|<style|\bon\w+=|\bstyle=", page) == []
    making = re.compile(r"\bnew Function\(|(?<![\w.$])eval\(|(?<![\w.$])Function\(")
    assert [path.name for path in (dist / "assets").glob("*.js") if making.search(path.read_text())] == []


def test_licences_of_what_is_bundled_come_with_it(dist: Path) -> None:
    told = (dist / "licenses.txt").read_text()
    imported = re.compile(r"^(?:import|} from)(?! type\b)[^;]*?\"((?:@[\w-]+/)?[\w-]+)[^\"]*\";", re.MULTILINE)
    sources = [path for path in (WEB / "src").rglob("*.ts*") if ".test." not in path.name]
    used = {name for path in sources for name in imported.findall(path.read_text())}
    assert {"react", "uplot", "@mantine/core", "@fontsource-variable/inter"} <= used
    assert [name for name in sorted(used) if f"## {name} - " not in told] == []


# ── How it is built ───────────────────────────────────────────────────────────────────────────────────────────────


def test_a_wheel_carries_what_is_built_and_a_source_distribution_its_sources_too(dist: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "hatchling", "build", "-d", str(tmp_path)]
    subprocess.run(command, cwd=ROOT, env=ENVIRON | {"AX_WEB": "skip"}, capture_output=True, timeout=120, check=True)
    made = {f"exporter/web/dist/{path.relative_to(dist).as_posix()}" for path in dist.rglob("*") if path.is_file()}
    with zipfile.ZipFile(next(tmp_path.glob("*.whl"))) as wheel:
        assert {name for name in wheel.namelist() if name.startswith("exporter/web/")} == made
    shutil.unpack_archive(next(tmp_path.glob("*.tar.gz")), tmp_path / "unpacked", filter="data")
    (top,) = (tmp_path / "unpacked").iterdir()
    web = top / "exporter" / "web"
    assert {*SOURCES, "dist", "hatch_build.py"} <= {path.name for path in web.iterdir()}
    assert (web / "dist" / STAMP).read_text() == (dist / STAMP).read_text()
    assert not (web / "node_modules").exists()


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Another, of which nothing is built."""
    web = tmp_path / "exporter" / "web"
    web.mkdir(parents=True)
    shutil.copy(WEB / "hatch_build.py", web)
    for name in SOURCES:
        (shutil.copytree if (WEB / name).is_dir() else shutil.copy)(WEB / name, web / name)
    return web


def build(web: Path, **environ: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, str(web / "hatch_build.py")]
    given = {name: value for name, value in os.environ.items() if name != "AX_WEB"} | environ
    return subprocess.run(command, env=given, capture_output=True, text=True, timeout=120, check=False)


def test_where_nothing_can_be_fetched_the_mend_is_told(checkout: Path) -> None:
    if shutil.which("node") is None:
        built.lacking("no Node.js")
    done = build(checkout, **NOWHERE)
    assert done.returncode == 1
    assert "let npm reach its registry" in done.stderr
    assert "AX_WEB=skip pip install" in done.stderr
    assert "Traceback" not in done.stderr
    assert [path.name for path in checkout.iterdir() if path.name.startswith(".")] == []


def test_where_there_is_no_node_the_mend_is_told(checkout: Path, tmp_path: Path) -> None:
    done = build(checkout, PATH=str(tmp_path))
    assert done.returncode == 1
    assert "Node.js 20.19 or newer" in done.stderr
    assert "Traceback" not in done.stderr


def test_nothing_is_built_where_that_is_asked_or_nothing_changed(checkout: Path, dist: Path, tmp_path: Path) -> None:
    assert build(checkout, PATH=str(tmp_path), AX_WEB="skip").returncode == 0
    assert not (checkout / "dist").exists()
    shutil.copytree(dist, checkout / "dist")
    (checkout / "dist" / STAMP).write_text(digest(checkout))
    assert build(checkout, PATH=str(tmp_path)).returncode == 0
    (checkout / "src" / "trusted.ts").write_text("// another")
    assert build(checkout, PATH=str(tmp_path)).returncode == 1
