"""The server that runs on a data directory, as a command sees it.

In: a data directory. Out: its process and addresses, None where none runs.
"""

import json
import os
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from exporter import figures

_TIMEOUT_S: Final = 5


@dataclass(frozen=True, slots=True)
class Running:
    """A server: its parent's process, HOST:PORT of each endpoint, and when it was ready (Unix nanoseconds)."""

    pid: int
    grpc: str
    http: str
    ui: str

    def health(self) -> Mapping[str, Any]:
        """What `/api/health` says. Raises `OSError` and `ValueError`."""
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(f"http://{self.ui}/api/health", timeout=_TIMEOUT_S) as answer:
            health: Mapping[str, Any] = json.load(answer)
            return health


def find(data: Path) -> Running | None:
    """The server that runs on `data`."""
    try:
        about = json.loads(figures.path_of(data, "server").read_bytes())
        os.kill(about["pid"], 0)
        return Running(about["pid"], about["grpc"][0], about["http"][0], about["ui"][0])
    except (OSError, ValueError, KeyError):
        return None
