"""The help desk as a program of its own, against a plain OTLP receiver: its past, its present, its end."""

import json
import subprocess
import sys
from typing import Any, Final

from exporter.cli.demo_app import CONVERSATIONS
from tests.running import ENVIRON, until
from tests.sdk.receiving import Receiver, receiving

DESK: Final = (sys.executable, "-m", "exporter.cli.demo_app")
LIVE: Final = 4
"""Conversations that are waited for."""


def _told(desk: "subprocess.Popen[str]", lines: int) -> dict[str, Any]:
    assert desk.stdout is not None
    last: dict[str, Any] = json.loads([desk.stdout.readline() for _ in range(lines)][-1])
    return last


def _story(receiver: Receiver) -> list[tuple[str, int]]:
    """Names of spans and their ns, which are the story's."""
    return sorted((span.name, span.end_time_unix_nano - span.start_time_unix_nano) for span in receiver.spans())


def test_the_present_is_seen_while_it_happens() -> None:
    with (
        receiving() as receiver,
        subprocess.Popen(
            [*DESK, receiver.url, "--live"], env=ENVIRON, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as desk,
    ):
        try:
            past = _told(desk, CONVERSATIONS)
            assert (past["told"], past["of"]) == (CONVERSATIONS, CONVERSATIONS)
            assert (len(receiver.spans()), len(receiver.logs())) == (past["spans"], past["logs"])
            of_the_past = len(receiver.spans(pending=True))
            present = _told(desk, LIVE)
            assert (present["told"], present["of"]) == (CONVERSATIONS + LIVE, CONVERSATIONS)
            until(lambda: len(receiver.spans(pending=True)) > of_the_past, "spans that still run")
            assert desk.stdin is not None
            desk.stdin.close()
            assert desk.wait(15) == 0
        finally:
            desk.kill()


def test_the_past_is_the_same_each_time() -> None:
    stories = []
    for _ in range(2):
        with receiving() as receiver:
            subprocess.run([*DESK, receiver.url], env=ENVIRON, stdout=subprocess.DEVNULL, timeout=60, check=True)
            stories.append(_story(receiver))
    assert len(stories[0]) > 300
    assert stories[0] == stories[1]


def test_it_fails_where_it_is_not_taken() -> None:
    with receiving(status=400) as receiver:
        done = subprocess.run(
            [*DESK, receiver.url], env=ENVIRON, capture_output=True, text=True, timeout=60, check=False
        )
    assert done.returncode == 1
    assert "could not be sent" in done.stderr
    assert "Traceback" not in done.stderr
