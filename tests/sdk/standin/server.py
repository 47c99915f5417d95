"""A local stand-in for OpenAI's and Anthropic's HTTP APIs: what a real client needs to believe it.

In: requests of the real clients. Out: answers that are the same each time: a tool call first, where the request offers
tools that have not answered yet, then text; as JSON or as a stream of server-sent events; or an error that was ordered.
"""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

from tests.sdk.standin import anthropic_api, openai_api

Answer = dict[str, Any] | list[tuple[str | None, dict[str, Any] | str]]
"""A body, or a stream's events: (name or None, data)."""
ROUTES: Final[dict[str, Callable[[dict[str, Any]], Answer]]] = {
    "/v1/chat/completions": openai_api.answer,
    "/v1/embeddings": openai_api.embed,
    "/v1/messages": anthropic_api.answer,
}
ERRORS: Final[dict[str, Callable[[int], dict[str, Any]]]] = {
    "/v1/chat/completions": openai_api.error,
    "/v1/embeddings": openai_api.error,
    "/v1/messages": anthropic_api.error,
}


@dataclass(slots=True)
class StandIn:
    """A provider that listens. `requests` are the bodies it was sent; the first is number 1.

    `errors` are HTTP statuses by the number of the request that fails with them.
    """

    url: str
    requests: list[dict[str, Any]] = field(default_factory=list)
    errors: dict[int, int] = field(default_factory=dict)

    @property
    def openai(self) -> dict[str, Any]:
        """What `openai.OpenAI(...)` is told to come here; it tries once, so that a test orders each retry itself."""
        return {"base_url": f"{self.url}/v1", "api_key": "sk-none", "max_retries": 0}

    @property
    def anthropic(self) -> dict[str, Any]:
        """What `anthropic.Anthropic(...)` is told."""
        return {"base_url": self.url, "api_key": "sk-none", "max_retries": 0}


@contextmanager
def standing_in(errors: dict[int, int] | None = None) -> Iterator[StandIn]:
    """A stand-in on a free port of 127.0.0.1."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    standin = StandIn(f"http://127.0.0.1:{server.server_port}", errors=errors or {})
    server.standin = standin  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield standin
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        standin: StandIn = self.server.standin  # type: ignore[attr-defined]
        path = self.path.partition("?")[0]
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        standin.requests.append(request)
        status = standin.errors.get(len(standin.requests))
        if status is not None:
            self._send(status, "application/json", json.dumps(ERRORS[path](status)).encode())
            return
        answer = ROUTES[path](request)
        if isinstance(answer, dict):
            self._send(200, "application/json", json.dumps(answer).encode())
        else:
            self._stream(answer)

    def _send(self, status: int, kind: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _stream(self, events: list[tuple[str | None, dict[str, Any] | str]]) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for name, data in events:
            said = f"event: {name}\n" if name else ""
            said += f"data: {data if isinstance(data, str) else json.dumps(data)}\n\n"
            self.wfile.write(f"{len(said.encode()):x}\r\n{said}\r\n".encode())
            self.wfile.flush()
        self.wfile.write(b"0\r\n\r\n")

    def log_message(self, *_: object) -> None:
        """A test's output is the test's."""
