"""What all processes together have spent of a budget: the server knows, and is asked in the background.

In: names of budgets, the server's address (AX_BUDGET_SERVER, else http://localhost:4319), its token and certificate as
they are told for OTLP. Out: the last answer to `GET /api/budgets/NAME`, at once. No caller ever waits: one thread asks
every few seconds while somebody checks, an answer that is too old or not there counts as none, and then a gate knows
its own process's spend alone.
"""

import http.client
import json
import os
import ssl
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, unquote, urlsplit

from otel_ax.guard import guarding, report

__all__ = ["DEFAULT", "SERVER_VARIABLE", "Said", "Shared"]

SERVER_VARIABLE: Final = "AX_BUDGET_SERVER"
_SERVER: Final = "http://localhost:4319"
_HEADERS: Final = ("AX_HEADERS", "OTEL_EXPORTER_OTLP_HEADERS")
_CERTIFICATE: Final = "OTEL_EXPORTER_OTLP_CERTIFICATE"
_OURS: Final = "bearer ax_"
"""How a token of the server begins."""
EVERY_S: Final = 5.0
_TIMEOUT_S: Final = 2.0
_OLD_S: Final = 60.0
"""An answer is believed for so long; and who has not been asked about for so long is not asked about any more."""
_MOST_BYTES: Final = 64 << 10
_MOST_WATCHED: Final = 1_000
_OK: Final = 200


@dataclass(frozen=True, slots=True)
class Said:
    """Nano-dollars of the period that began at `start_ns`, when this process itself had counted `own_then`."""

    nanos: int
    start_ns: int
    own_then: int
    at_s: float


@dataclass(slots=True)
class _Watched:
    own: Callable[[], int]
    wanted_s: float
    said: Said | None = None


class Shared:
    """Answers of one server, by the name of the budget. Thread-safe; begins anew after a fork.

    Args:
        server: Its URL; None reads the variable when it is first asked.
        every_s: Seconds between two questions about a budget.
        timeout_s: Seconds that each step of a question may take.
        old_s: Seconds for which an answer is believed.
        clock: Monotonic seconds.
    """

    def __init__(  # (what can be chosen, by name)
        self,
        server: str | None = None,
        *,
        every_s: float = EVERY_S,
        timeout_s: float = _TIMEOUT_S,
        old_s: float = _OLD_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._server, self._every_s, self._timeout_s, self._old_s, self._clock = (
            server,
            every_s,
            timeout_s,
            old_s,
            clock,
        )
        self._begin()

    def _begin(self) -> None:
        self._pid = os.getpid()
        self._lock = threading.Lock()
        self._wanted = threading.Event()
        self._watched: dict[str, _Watched] = {}
        self._thread: threading.Thread | None = None

    def said(self, name: str, own: Callable[[], int]) -> Said | None:
        """The last answer about a budget, where there is one that is not too old; asks for the next, and returns.

        `own` gives the nano-dollars that this process has counted itself.
        """
        if self._pid != os.getpid():
            self._begin()  # the thread is the parent's
        now = self._clock()
        with self._lock:
            watched = self._watched.get(name)
            if watched is None:
                if len(self._watched) >= _MOST_WATCHED:
                    return None
                watched = self._watched[name] = _Watched(own, now)
            watched.own, watched.wanted_s = own, now
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="otel-ax budgets", daemon=True)
                self._thread.start()
        self._wanted.set()
        said = watched.said
        return said if said is not None and now - said.at_s <= self._old_s else None

    def _run(self) -> None:
        while True:
            due = self._due()
            if not due:  # nobody has checked for a while
                self._wanted.wait()
                self._wanted.clear()
                continue
            for name, watched in due:
                with guarding("asking for the spend of a budget"):
                    watched.said = self._ask(name, watched) or watched.said
            time.sleep(self._every_s)

    def _due(self) -> list[tuple[str, _Watched]]:
        now = self._clock()
        with self._lock:
            self._watched = {name: one for name, one in self._watched.items() if now - one.wanted_s <= self._old_s}
            return list(self._watched.items())

    def _ask(self, name: str, watched: _Watched) -> Said | None:
        server = self._server or os.environ.get(SERVER_VARIABLE) or _SERVER
        own_then, at_s = watched.own(), self._clock()
        try:
            nanos, start_ns = _answer(server, name, self._timeout_s)
        except (OSError, http.client.HTTPException, ValueError, KeyError, TypeError) as error:
            report(
                f"otel_ax: {server} does not tell the spend of budget {name!r} ({type(error).__name__}: {error}); "
                "this process's own spend counts"
            )
            return None
        return Said(nanos, start_ns, own_then, at_s)


def _answer(server: str, name: str, timeout_s: float) -> tuple[int, int]:
    """Nano-dollars and the period's start. Redirects are no answers."""
    url = urlsplit(server)
    connection = http.client.HTTPConnection(url.hostname or "localhost", url.port, timeout=timeout_s)
    if url.scheme == "https":
        trusted = ssl.create_default_context(cafile=os.environ.get(_CERTIFICATE) or None)
        connection = http.client.HTTPSConnection(
            url.hostname or "localhost", url.port, timeout=timeout_s, context=trusted
        )
    try:
        connection.request("GET", f"{url.path.rstrip('/')}/api/budgets/{quote(name, safe='')}", headers=_token())
        response = connection.getresponse()
        if response.status != _OK:
            raise ValueError(f"HTTP {response.status}")
        body = response.read(_MOST_BYTES + 1)
        if len(body) > _MOST_BYTES:
            raise ValueError("too long an answer")
        told = json.loads(body)
        return int(told["spent_nanos"]), int(told["period_start_unix_nano"])
    finally:
        connection.close()


def _token() -> dict[str, str]:
    """Ours among the headers that are sent with OTLP; another's is not for the server of budgets."""
    for variable in _HEADERS:
        for pair in os.environ.get(variable, "").split(","):
            name, _, value = pair.partition("=")
            told = unquote(value).strip()
            if name.strip().lower() == "authorization" and told.lower().startswith(_OURS):
                return {"authorization": told}
    return {}


DEFAULT: Final = Shared()
"""The process's own; its thread starts when the first budget that is shared is checked."""
