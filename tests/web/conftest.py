"""What tests of the dashboard share: one server for each file, with what the demo sent, and a browser on it.

    def test_it(page: Page, server: Server) -> None:
        page.goto("/traces")
        expect(page.get_by_role("heading", level=1)).to_have_text("Traces")

`AX_SCREENSHOTS=DIR` keeps pictures. `AX_WEB=skip` takes the dashboard as it was built, however old that is.
"""

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from tests.demonstrated import SETTINGS, demonstration
from tests.running import ENVIRON, Server, running
from tests.web import browsing
from tests.web.browsing import Faults
from tests.web.built import dist


@pytest.fixture(scope="session")
def built() -> None:
    """The dashboard, of the sources as they are."""
    dist()


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory with all that can be shown, of a server that has stopped."""
    return demonstration(tmp_path_factory)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, built: None, template: Path) -> Iterator[Server]:  # noqa: ARG001
    """A server of this file's own, which it may change."""
    data = tmp_path_factory.mktemp("web") / "data"
    shutil.copytree(template, data)
    with running(data, environ=SETTINGS) as one:
        yield one
        assert [line for line in one.log().splitlines() if "Traceback" in line] == []


@pytest.fixture
def traffic(server: Server) -> Iterator[None]:
    """The demo's help desk goes on talking to the server, as it happens."""
    command = [sys.executable, "-m", "exporter.cli.demo_app", server.http, "--live"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=ENVIRON) as desk:
        assert desk.stdin is not None
        assert desk.stdout is not None
        desk.stdout.readline()
        yield
        desk.stdin.close()
        for _ in desk.stdout:  # or it would block
            pass


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium, for this file: Playwright's loop would be in the way of those of other tests."""
    with browsing.browsing() as one:
        yield one


@pytest.fixture
def faults() -> Faults:
    """Of the page; the test fails when some are left."""
    return Faults()


@pytest.fixture
def page(browser: Browser, server: Server, faults: Faults) -> Iterator[Page]:
    """A page on the server, 1440 by 900, light, without motion."""
    with browsing.opened(browser, server.ui, faults) as one:
        yield one
        assert faults.left() == []


@pytest.fixture
def axe() -> Callable[[Page], None]:
    """Fails where axe finds something in what is shown now."""

    def check(page: Page) -> None:
        assert browsing.violations(page) == []

    return check


@pytest.fixture
def examine() -> Callable[[Page, str], None]:
    """Looks at what is shown now in each size and theme; the name is that of the pictures."""
    return browsing.examine
