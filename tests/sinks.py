"""Real places for notices to go: an HTTP server that does as it is told, an SMTP relay with STARTTLS.

In: what to answer. Out: what came, as it came.
"""

import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import default
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword

_GIGABYTE: Final = 2**30
_PART: Final = b"x" * 2**16


@dataclass(frozen=True, slots=True)
class Got:
    """One request; header names are lower-case."""

    path: str
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        """The body."""
        return json.loads(self.body)


@dataclass(frozen=True, slots=True)
class Reply:
    """What is answered. `hangs` never answers; `is_endless` sends a gigabyte; `drips` sends a byte now and then."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b"ok"
    hangs: bool = False
    is_endless: bool = False
    drips: bool = False


class HttpSink:
    """A server on a free port; `replies` are given one by one, the last for ever."""

    def __init__(self, *replies: Reply, trust: "Trust | None" = None, host: str = "127.0.0.1") -> None:
        self.got: list[Got] = []
        self.sent_bytes = 0
        self.replies = list(replies) or [Reply()]
        self._changed = threading.Condition()
        self._released = threading.Event()
        sink = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                sink.take(self, self.rfile.read(int(self.headers.get("Content-Length", 0))))

            def do_GET(self) -> None:
                sink.take(self, b"")

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer((host, 0), Handler)
        self._server.daemon_threads = True
        self._server.block_on_close = False
        if trust is not None:
            self._server.socket = trust.server.wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False
            )
        self.port = self._server.server_address[1]
        self.url = f"{'http' if trust is None else 'https'}://{host if trust is None else 'localhost'}:{self.port}/hook"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    def take(self, handler: BaseHTTPRequestHandler, body: bytes) -> None:
        headers = {name.lower(): value for name, value in handler.headers.items()}
        with self._changed:
            reply = self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]
            self.got.append(Got(handler.path, headers, body))
            self._changed.notify_all()
        with suppress(OSError):
            self._answer(handler, reply)

    def _answer(self, handler: BaseHTTPRequestHandler, reply: Reply) -> None:
        if reply.hangs:
            self._released.wait(60)
            handler.close_connection = True
            return
        size = _GIGABYTE if reply.is_endless else len(reply.body)
        handler.send_response(reply.status)
        for name, value in reply.headers.items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(size))
        handler.end_headers()
        if reply.is_endless:
            for _ in range(_GIGABYTE // len(_PART)):
                handler.wfile.write(_PART)
                self.sent_bytes += len(_PART)
        elif reply.drips:
            while not self._released.wait(0.05):
                handler.wfile.write(b"x")
        else:
            handler.wfile.write(reply.body)

    def wait(self, count: int, seconds: float = 10.0) -> list[Got]:
        """What came, once there are so many; fails when they do not come."""
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.got) >= count, seconds), f"{len(self.got)} of {count} came"
            return list(self.got)

    def close(self) -> None:
        self._released.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)


@contextmanager
def http_sink(*replies: Reply, trust: "Trust | None" = None) -> Iterator[HttpSink]:
    """A server that is gone afterwards."""
    sink = HttpSink(*replies, trust=trust)
    try:
        yield sink
    finally:
        sink.close()


class Trust:
    """A certificate authority of the test's own, a server of its, and who trusts it."""

    def __init__(self, *names: str) -> None:
        authority = trustme.CA()
        self.server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        authority.issue_cert(*(names or ("localhost", "127.0.0.1"))).configure_cert(self.server)
        self.client = ssl.create_default_context()
        authority.configure_trust(self.client)


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail as the relay took it."""

    sender: str
    recipients: list[str]
    content: bytes
    is_encrypted: bool

    @property
    def message(self) -> EmailMessage:
        """Parsed."""
        parsed = BytesParser(policy=default).parsebytes(self.content)
        assert isinstance(parsed, EmailMessage)
        return parsed


class SmtpSink:
    """A relay on a free port that wants STARTTLS and a login."""

    def __init__(self, trust: Trust, answer: Callable[[], str], *, offers_tls: bool = True) -> None:
        self.got: list[Mail] = []
        sink = self

        class Handler:
            async def handle_DATA(self, server: SMTP, session: Any, envelope: Envelope) -> str:  # noqa: N802, ARG002
                said = answer()
                if said.startswith("250"):
                    content = envelope.content if isinstance(envelope.content, bytes) else b""
                    is_encrypted = session.ssl is not None
                    sink.got.append(Mail(envelope.mail_from or "", envelope.rcpt_tos, content, is_encrypted))
                return said

        def login(*about: Any) -> AuthResult:
            given = about[-1]
            good = isinstance(given, LoginPassword) and given.password == b"s3cret"
            return AuthResult(success=good, handled=good)

        self._controller = Controller(
            Handler(),
            hostname="127.0.0.1",
            port=free_port(),
            tls_context=trust.server if offers_tls else None,
            require_starttls=offers_tls,
            authenticator=login,
        )
        self._controller.start()
        self.port = self._controller.port

    def close(self) -> None:
        self._controller.stop()


@contextmanager
def smtp_sink(trust: Trust, *answers: str, offers_tls: bool = True) -> Iterator[SmtpSink]:
    """A relay that is gone afterwards; `answers` to DATA are given one by one, the last for ever."""
    left = list(answers) or ["250 taken"]
    sink = SmtpSink(trust, lambda: left.pop(0) if len(left) > 1 else left[0], offers_tls=offers_tls)
    try:
        yield sink
    finally:
        sink.close()


def free_port() -> int:
    """A port that nobody has; aiosmtpd cannot say which one it was given."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
