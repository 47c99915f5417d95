"""The server that runs on a data directory, as a command sees it.

In: a data directory. Out: its process and addresses, None where none runs; its answers.

A server that needs a token gets the one of OTEL_EXPORTER_OTLP_HEADERS, else the admin token, which is in the data
directory for who may read it; a certificate of no public authority is vouched for by OTEL_EXPORTER_OTLP_CERTIFICATE.
"""

import json
import os
import ssl
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote

from exporter import figures
from exporter.auth import first
from exporter.errors import AxError

HEADERS: Final = "OTEL_EXPORTER_OTLP_HEADERS"
CERTIFICATE: Final = "OTEL_EXPORTER_OTLP_CERTIFICATE"
_TIMEOUT_S: Final = 5
_ANY: Final = {"0.0.0.0": "127.0.0.1", "[::]": "[::1]"}  # noqa: S104 (not bound: asked at)


class NotAllowed(AxError):
    """The server asks for a token that may do this."""


@dataclass(frozen=True, slots=True)
class Running:
    """A server: its parent's process, HOST:PORT of each endpoint as this machine reaches it, and `http` or `https`."""

    pid: int
    grpc: str
    http: str
    ui: str
    data: Path
    scheme: str = "http"
    needs_token: bool = False
    """For what is sent over HTTP."""

    def health(self) -> Mapping[str, Any]:
        """What `/api/health` says. Raises `OSError`, `ValueError` and `NotAllowed`."""
        health: Mapping[str, Any] = self.ask("/api/health")
        return health

    def ask(self, path: str) -> Any:
        """The answer at a path of the UI port, from JSON. Raises as `health` does."""
        request = urllib.request.Request(f"{self.scheme}://{self.ui}{path}", headers=self.headers())  # noqa: S310
        opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=self._context())
        )
        try:
            with opener.open(request, timeout=_TIMEOUT_S) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                if error.code not in {401, 403}:
                    raise
            mend = f"put one into {HEADERS}, as authorization=Bearer%20TOKEN; `ax token create` makes one"
            raise NotAllowed(f"the server asks for a token that may read ({error.code})", mend=mend) from None

    def headers(self) -> dict[str, str]:
        """What tells the server who asks; nothing where nothing is known."""
        told = pairs(os.environ.get(HEADERS, "")).get("authorization")
        if told is not None:
            return {"authorization": told}
        text = first.read(self.data)
        return {} if text is None else {"authorization": f"Bearer {text}"}

    def _context(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=os.environ.get(CERTIFICATE) or None)


def find(data: Path) -> Running | None:
    """The server that runs on `data`."""
    try:
        about = json.loads(figures.path_of(data, "server").read_bytes())
        os.kill(about["pid"], 0)
        grpc, http, ui = (reached(about[name][0]) for name in ("grpc", "http", "ui"))
        return Running(about["pid"], grpc, http, ui, data, about.get("scheme", "http"), bool(about.get("tokens")))
    except (OSError, ValueError, KeyError, IndexError, TypeError):
        return None


def reached(endpoint: str) -> str:
    """HOST:PORT by which this machine reaches what listens there: what listens everywhere is on loopback."""
    host, _, port = endpoint.rpartition(":")
    return f"{_ANY.get(host, host)}:{port}"


def pairs(text: str) -> dict[str, str]:
    """Headers as OTEL_EXPORTER_OTLP_HEADERS has them: `name=value,…`, percent-encoded."""
    split = (one.partition("=") for one in text.split(",") if "=" in one)
    return {name.strip().lower(): unquote(value.strip()) for name, _, value in split}
