"""The dashboard as it was built: of the sources as they are, or the test says how to get it.

In: `exporter/web`. Out: its `dist`; a skip where it is not to be had, which in CI is a failure.
"""

import fcntl
import os
import shutil
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, NoReturn

import pytest

from exporter.web.hatch_build import DIST, WEB, fetch, has_packages, is_fresh, node

COMMAND: Final = f"{sys.executable} exporter/web/hatch_build.py"


def lacking(why: str) -> NoReturn:
    """Skips, or fails in CI, which has all that is needed."""
    if os.environ.get("CI") == "true":
        pytest.fail(why)
    pytest.skip(why)


def dist() -> Path:
    """Where it is."""
    if not DIST.is_dir():
        lacking(f"the dashboard is not built: {COMMAND}")
    if not is_fresh():
        pytest.fail(f"the dashboard is older than its sources; build it by {COMMAND}, or take it by AX_WEB=skip")
    return DIST


def tools() -> Path:
    """The directory of what checks the sources; fetched where it is not there."""
    if shutil.which("node") is None:
        lacking("no Node.js, with which the dashboard is checked: install version 20.19 or newer, with npm")
    with (WEB / "package-lock.json").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # one worker fetches
        if not has_packages(is_for_tests=True):
            with TemporaryDirectory() as room:
                fetch(node(), Path(room), is_for_tests=True)
    return WEB / "node_modules" / ".bin"
