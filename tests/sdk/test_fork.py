"""On a clean end nothing is lost and nothing sent twice, whatever processes a program is made of."""

import os
import re
import signal
import socket
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest

from tests.running import kill_group, until
from tests.sdk.receiving import environment, program, receiving

SETUP: Final = """
import os, sys
import otel_ax
otel_ax.configure(service_name="forks", schedule_delay_s=30, exit_timeout_s=20)
from opentelemetry import metrics, trace
counter = metrics.get_meter("test").create_counter("count")

def work(name):
    counter.add(1)
    with trace.get_tracer("test").start_as_current_span(name):
        pass

"""
"""A span waits for half a minute, so that what arrives was sent at an end; a busy machine has time for it."""

FORKS: Final = {
    "os.fork and sys.exit": """
work("before")
if os.fork() == 0:
    work("child")
    sys.exit(0)
os.wait()
work("after")
""",
    "os.fork in a child": """
work("before")
if os.fork() == 0:
    work("child")
    if os.fork() == 0:
        work("grandchild")
        sys.exit(0)
    os.wait()
    sys.exit(0)
os.wait()
""",
    "multiprocessing, fork": """
import multiprocessing
work("before")
child = multiprocessing.get_context("fork").Process(target=work, args=("child",))
child.start()
child.join()
work("after")
""",
    "a pool": """
import multiprocessing
with multiprocessing.get_context("fork").Pool(2) as pool:
    pool.map(work, ["child 1", "child 2", "child 3"])
    pool.close()
    pool.join()
work("after")
""",
    "after a flush": """
work("before")
otel_ax.flush(5)
if os.fork() == 0:
    work("child")
    sys.exit(0)
os.wait()
work("after")
""",
}
"""What runs after the setup; its spans are those that it names."""


@pytest.mark.parametrize("code", FORKS.values(), ids=FORKS)
def test_parents_and_children_send_their_own(code: str) -> None:
    wanted = sorted(re.findall(r'work\("([^"]+)"\)|args=\("([^"]+)"', code) or [])
    names = sorted("".join(found) for found in wanted) + sorted(re.findall(r'"(child \d)"', code))
    with receiving() as receiver:
        done = program(SETUP + code, receiver.url)
        assert (done.status, done.err) == (0, "")
        assert receiver.names() == sorted(names)
        assert receiver.total("count") == len(names)


def test_a_spawned_process_sends_its_own(tmp_path: Path) -> None:
    file = tmp_path / "spawning.py"
    file.write_text(
        SETUP + "import multiprocessing\n"
        "if __name__ == '__main__':\n"
        "    for way in ('spawn', 'forkserver'):\n"
        "        child = multiprocessing.get_context(way).Process(target=work, args=(way,))\n"
        "        child.start()\n"
        "        child.join()\n"
        "    work('parent')\n"
    )
    with receiving() as receiver:
        done = program(file, receiver.url)
        assert (done.status, done.err) == (0, "")
        assert receiver.names() == ["forkserver", "parent", "spawn"]
        assert receiver.total("count") == 3


def test_sigterm_sends_what_waits_and_ends_the_program_as_it_would_have() -> None:
    with receiving() as receiver:
        done = program(
            SETUP + "import signal\nwork('last')\nos.kill(os.getpid(), signal.SIGTERM)\nwork('never')", receiver.url
        )
        assert done.status == -signal.SIGTERM
        assert receiver.names() == ["last"]


def test_a_program_that_handles_sigterm_keeps_its_handler() -> None:
    code = "import signal, sys\nsignal.signal(signal.SIGTERM, lambda *_: sys.exit(7))\n" + SETUP
    with receiving() as receiver:
        done = program(code + "work('last')\nos.kill(os.getpid(), signal.SIGTERM)\nwork('never')", receiver.url)
        assert done.status == 7
        assert receiver.names() == ["last"]


APP: Final = """

def wsgi(environ, start_response):
    work(environ["PATH_INFO"])
    start_response("200 OK", [("Content-Length", "2")])
    return [b"ok"]

async def asgi(scope, receive, send):
    assert scope["type"] == "http"
    work(scope["path"])
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})
"""


@contextmanager
def server(command: list[str], room: Path, endpoint: str) -> Iterator[tuple["subprocess.Popen[str]", list[str], str]]:
    """A web server that listens; the lines of its log; its address."""
    environ = environment(endpoint) | {"PYTHONUNBUFFERED": "1"}
    process = subprocess.Popen(
        [sys.executable, "-m", *command],
        cwd=room,
        env=environ,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    lines: list[str] = []
    assert process.stderr is not None
    reader = threading.Thread(target=lines.extend, args=(process.stderr,), daemon=True)
    reader.start()
    address = re.compile(r"https?://127\.0\.0\.1:\d+")
    try:
        until(lambda: any(map(address.search, lines)), f"{command} listens", seconds=30)
        found = next(filter(None, map(address.search, lines)))
        yield process, lines, found[0]
    finally:
        kill_group(process)
        reader.join(5)
        process.stderr.close()


def get(url: str) -> None:
    """Until the server answers."""

    def answered() -> bool:
        try:
            with urllib.request.urlopen(url, timeout=5) as response:
                return bool(response.status == 200)
        except OSError:
            return False

    until(answered, url)


def test_gunicorn_with_a_preloaded_application_loses_nothing(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(SETUP + APP)
    command = ["gunicorn", "--preload", "--workers=2", "--bind=127.0.0.1:0", "app:wsgi"]
    with receiving() as receiver:
        with server(command, tmp_path, receiver.url) as (process, lines, url):
            for number in range(20):
                get(f"{url}/{number}")
            process.send_signal(signal.SIGTERM)
            assert process.wait(15) == 0, lines
        assert receiver.names() == sorted(f"/{number}" for number in range(20))
        assert receiver.total("count") == 20


def test_uvicorn_that_reloads_loses_nothing(tmp_path: Path) -> None:
    app = tmp_path / "app.py"
    app.write_text(SETUP + APP)
    command = ["uvicorn", "--reload", "--host=127.0.0.1", f"--port={_free_port()}", "app:asgi"]
    with receiving() as receiver:
        with server(command, tmp_path, receiver.url) as (process, lines, url):
            get(f"{url}/before")
            until(lambda: any("startup complete" in line for line in lines), "started")
            app.write_text(SETUP + APP + "\n# changed\n")
            until(lambda: "/before" in receiver.names(), "the old process sent its spans", seconds=20)
            get(f"{url}/after")
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(15)
        assert receiver.names() == ["/after", "/before"]


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])
