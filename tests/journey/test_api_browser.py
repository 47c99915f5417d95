"""What web pages of others, and programs that write odd HTTP, can do to a real server: nothing.

Each attack of a page is tried on a naive server too, where it succeeds: else the test would prove nothing.
"""

import json
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
import uvicorn
from fastapi import FastAPI, Request, WebSocket
from fastapi.middleware.cors import CORSMiddleware

from tests.raw_http import Told, tell
from tests.running import Server, running

CHANGE: Final = b'{"by": "eve", "for": "1h", "matchers": ["alert=Eve"]}'
FORM: Final = b'{"by": "eve", "for": "1h", "matchers": ["alert=Eve"], "note": "="}'
"""As a form whose only field has a curly name is sent with `enctype=text/plain`."""
PORT: Final = "{port}"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Ours; whatever is done to it, it is well afterwards and has complained of nothing."""
    with running(tmp_path_factory.mktemp("browser") / "data") as one:
        yield one
        assert httpx.get(f"{one.ui}/readyz", timeout=10).json() == {"ready": True, "waiting_for": []}
        assert "Traceback" not in one.log()


@pytest.fixture(scope="module")
def naive() -> Iterator[str]:
    """One that does what it is asked to, and lets everybody ask."""
    app = FastAPI()
    app.add_middleware(CORSMiddleware, allow_origins=["*"], allow_methods=["*"], allow_headers=["*"])

    @app.post("/api/silences")
    async def silence(request: Request) -> dict[str, Any]:
        return {"made": json.loads(await request.body())["by"]}

    @app.get("/api/alerts")
    async def alerts() -> list[str]:
        return ["secret"]

    @app.websocket("/api/live")
    async def live(socket: WebSocket) -> None:
        await socket.accept()

    with served(app) as url:
        yield url


@contextmanager
def served(app: FastAPI) -> Iterator[str]:
    """An application in a thread of ours."""
    listening = socket.create_server(("127.0.0.1", 0))
    one = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="off"))
    thread = threading.Thread(target=one.run, args=([listening],))
    thread.start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        one.should_exit = True
        thread.join()


def request(url: str, line: str, headers: Mapping[str, str] | list[tuple[str, str]], body: bytes = b"") -> bytes:
    """A request as it is written; `{port}` in a header is the server's."""
    port = url.rpartition(":")[2]
    pairs = headers.items() if isinstance(headers, Mapping) else headers
    lines = [line, *(f"{name}: {value.replace(PORT, port)}" for name, value in pairs)]
    if body:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode() + body


def asked(url: str, line: str, headers: Mapping[str, str] | list[tuple[str, str]], body: bytes = b"") -> Told:
    """The one answer to it."""
    (answer,) = tell(url, request(url, f"{line} HTTP/1.1", headers, body))
    return answer


# ── A change that the page of another site asks for ───────────────────────────────────────────────────────────────

HERE: Final = {"Host": f"127.0.0.1:{PORT}"}
JSON: Final = {"Content-Type": "application/json"}
CHANGES: Final[dict[str, tuple[int, dict[str, str], bytes]]] = {
    "a form of plain text": (415, {"Content-Type": "text/plain"}, FORM),
    "a form": (415, {"Content-Type": "application/x-www-form-urlencoded"}, CHANGE),
    "a form of parts": (415, {"Content-Type": "multipart/form-data; boundary=x"}, CHANGE),
    "a body of no type": (415, {}, CHANGE),
    "a type that only contains json": (415, {"Content-Type": "text/plain; application/json"}, CHANGE),
    "a script of another site": (403, {**JSON, "Origin": "http://evil.example"}, CHANGE),
    "a page of nowhere": (403, {**JSON, "Origin": "null"}, CHANGE),
    "a host that begins as ours": (403, {**JSON, "Origin": "http://localhost.evil.example"}, CHANGE),
    "a host that ends as ours": (403, {**JSON, "Origin": f"http://evil-127.0.0.1:{PORT}"}, CHANGE),
    "our name in the fragment": (403, {**JSON, "Origin": f"http://evil.example#127.0.0.1:{PORT}"}, CHANGE),
    "our name as the user": (403, {**JSON, "Origin": f"http://127.0.0.1:{PORT}@evil.example"}, CHANGE),
    "another port of this machine": (403, {**JSON, "Origin": "http://127.0.0.1:1"}, CHANGE),
    "another name of this machine": (403, {**JSON, "Origin": f"http://localhost:{PORT}"}, CHANGE),
    "another scheme": (403, {**JSON, "Origin": f"file://127.0.0.1:{PORT}"}, CHANGE),
    "an origin that cannot be read": (403, {**JSON, "Origin": "http://[::"}, CHANGE),
    "an empty origin": (403, {**JSON, "Origin": ""}, CHANGE),
    "a browser that says so": (403, {**JSON, "Sec-Fetch-Site": "cross-site"}, CHANGE),
    "a neighbour of the same site": (403, {**JSON, "Sec-Fetch-Site": "same-site"}, CHANGE),
}


@pytest.mark.parametrize(("status", "headers", "body"), CHANGES.values(), ids=CHANGES)
def test_a_page_of_another_site_changes_nothing(
    server: Server, naive: str, status: int, headers: dict[str, str], body: bytes
) -> None:
    refused = asked(server.ui, "POST /api/silences", HERE | headers, body)
    assert (refused.status, refused.headers["content-type"]) == (status, "application/problem+json"), refused
    assert json.loads(refused.body)["mend"]
    assert [one for one in httpx.get(f"{server.ui}/api/silences", timeout=10).json() if one["by"] == "eve"] == []
    assert asked(naive, "POST /api/silences", HERE | headers, body).status == 200


def test_our_own_page_and_a_program_may(server: Server) -> None:
    for headers in ({}, {"Origin": f"http://127.0.0.1:{PORT}", "Sec-Fetch-Site": "same-origin"}):
        made = asked(server.ui, "POST /api/silences", HERE | JSON | headers, CHANGE)
        assert made.status == 201, made
        gone = httpx.delete(f"{server.ui}/api/silences/{json.loads(made.body)['id']}", timeout=10)
        assert gone.status_code == 200


# ── DNS rebinding: the name of another site means our address ─────────────────────────────────────────────────────

REBOUND: Final[dict[str, list[tuple[str, str]]]] = {
    "another name": [("Host", "evil.example")],
    "another name with our port": [("Host", f"evil.example:{PORT}")],
    "a name that begins as ours": [("Host", f"localhost.evil.example:{PORT}")],
    "a name that ends as ours": [("Host", "evil.localhost")],
    "an address of the network": [("Host", "192.168.0.7")],
    "a public name of loopback": [("Host", "127.0.0.1.nip.example")],
    "all addresses": [("Host", f"0.0.0.0:{PORT}")],
    "loopback as a number": [("Host", "2130706433")],
    "another loopback": [("Host", "127.0.0.2")],
    "ours as the user": [("Host", "localhost@evil.example")],
    "ours as user and password": [("Host", "localhost:1@evil.example")],
    "ours before a slash": [("Host", "localhost/evil.example")],
    "ours in brackets": [("Host", "[localhost]")],
    "ours before a port that is none": [("Host", "localhost:evil.example")],
    "ours with more behind brackets": [("Host", "[::1].evil.example")],
    "a list": [("Host", "localhost, evil.example")],
    "nothing": [("Host", "")],
    "a proxy's word": [("Host", "evil.example"), ("X-Forwarded-Host", "localhost")],
    "a proxy's newer word": [("Host", "evil.example"), ("Forwarded", "host=localhost")],
    "its own page": [("Host", "evil.example"), ("Origin", "http://evil.example")],
}


@pytest.mark.parametrize("headers", REBOUND.values(), ids=REBOUND)
def test_another_name_for_our_address_reads_nothing(server: Server, naive: str, headers: list[tuple[str, str]]) -> None:
    refused = asked(server.ui, "GET /api/alerts", headers)
    assert (refused.status, b"items" in refused.body) == (421, False), refused
    assert asked(naive, "GET /api/alerts", headers).status == 200


@pytest.mark.parametrize(
    ("line", "headers"),
    [
        ("GET /api/alerts", [("Host", "localhost"), ("Host", "evil.example")]),
        ("GET /api/alerts", [("Host", "evil.example"), ("Host", "localhost")]),
        ("GET /api/alerts", []),
        ("GET http://evil.example/api/alerts", [("Host", "localhost")]),
        ("GET http://localhost/api/alerts", [("Host", "evil.example")]),
    ],
    ids=["two hosts", "two hosts turned round", "no host", "a target elsewhere", "a target here for a host elsewhere"],
)
def test_a_request_says_once_whom_it_is_for(
    server: Server, naive: str, line: str, headers: list[tuple[str, str]]
) -> None:
    refused = asked(server.ui, line, headers)
    assert refused.status in {400, 421}, refused
    assert b"items" not in refused.body
    assert asked(naive, line, headers).status == 200


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST", f"localhost:{PORT}", "127.0.0.1", f"[::1]:{PORT}", "[::1]"])
def test_our_own_names_are_answered(server: Server, host: str) -> None:
    assert asked(server.ui, "GET /api/alerts", {"Host": host}).status == 200


# ── WebSocket hijack ──────────────────────────────────────────────────────────────────────────────────────────────

UPGRADE: Final = {
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}
HIJACKS: Final[dict[str, tuple[int, dict[str, str]]]] = {
    "a page of another site": (403, HERE | {"Origin": "http://evil.example"}),
    "a page of nowhere": (403, HERE | {"Origin": "null"}),
    "a host that begins as ours": (403, HERE | {"Origin": f"http://127.0.0.1:{PORT}.evil.example"}),
    "another port of this machine": (403, HERE | {"Origin": "http://127.0.0.1:1"}),
    "a browser that says so": (403, HERE | {"Sec-Fetch-Site": "cross-site"}),
    "another name for our address": (421, {"Host": "evil.example"}),
    "its own page": (421, {"Host": "evil.example", "Origin": "http://evil.example"}),
}


@pytest.mark.parametrize(("status", "headers"), HIJACKS.values(), ids=HIJACKS)
def test_a_page_of_another_site_opens_no_websocket(
    server: Server, naive: str, status: int, headers: dict[str, str]
) -> None:
    assert asked(server.ui, "GET /api/live", UPGRADE | headers).status == status
    assert asked(naive, "GET /api/live", UPGRADE | headers).status == 101


@pytest.mark.parametrize("headers", [{}, {"Origin": f"http://127.0.0.1:{PORT}"}], ids=["a program", "our page"])
def test_our_own_page_and_a_program_open_one(server: Server, headers: dict[str, str]) -> None:
    assert asked(server.ui, "GET /api/live", UPGRADE | HERE | headers).status == 101


# ── CORS, and what every answer carries ───────────────────────────────────────────────────────────────────────────

ORIGIN: Final = {"Origin": "http://evil.example"}
PREFLIGHT: Final = ORIGIN | {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type"}


def allowed(answer: Told) -> list[str]:
    """What an answer lets pages of other sites do."""
    return [name for name in answer.headers if name.startswith("access-control-")]


def test_a_preflight_is_refused_and_nothing_is_allowed_to_other_origins(server: Server, naive: str) -> None:
    for path in ("/api/silences", "/api/sql", "/api/alerts", "/api/openapi.json", "/metrics"):
        refused = asked(server.ui, f"OPTIONS {path}", HERE | PREFLIGHT)
        assert (refused.status, allowed(refused)) == (405, [])
        assert allowed(asked(server.ui, f"GET {path}", HERE | ORIGIN)) == []
    assert asked(naive, "OPTIONS /api/silences", HERE | PREFLIGHT).status == 200
    assert allowed(asked(naive, "GET /api/alerts", HERE | ORIGIN)) != []


ANSWERS: Final[dict[str, tuple[int, str, dict[str, str], bytes]]] = {
    "health": (200, "GET /healthz", HERE, b""),
    "metrics": (200, "GET /metrics", HERE, b""),
    "openapi": (200, "GET /api/openapi.json", HERE, b""),
    "a list": (200, "GET /api/alerts", HERE, b""),
    "a wrong parameter": (400, "GET /api/alerts?limit=0", HERE, b""),
    "a wrong body": (400, "POST /api/sql", HERE | JSON, b"{"),
    "no HTTP": (400, "GET", HERE, b""),
    "another site": (403, "POST /api/sql", HERE | JSON | ORIGIN, b"{}"),
    "nothing there": (404, "GET /api/nothing", HERE, b""),
    "nothing of that id": (404, "GET /api/alerts/none", HERE, b""),
    "another method": (405, "DELETE /api/sql", HERE, b""),
    "another form": (406, "GET /api/traces", HERE | {"Accept": "image/png"}, b""),
    "no length": (411, "POST /api/sql", HERE | JSON | {"Transfer-Encoding": "chunked"}, b""),
    "no JSON": (415, "POST /api/sql", HERE, b"{}"),
    "another host": (421, "GET /healthz", {"Host": "evil.example"}, b""),
    "a WebSocket of another site": (403, "GET /api/live", HERE | UPGRADE | ORIGIN, b""),
}


@pytest.mark.parametrize(("status", "line", "headers", "body"), ANSWERS.values(), ids=ANSWERS)
def test_every_answer_carries_the_headers_of_a_careful_server(
    server: Server, status: int, line: str, headers: dict[str, str], body: bytes
) -> None:
    answer = asked(server.ui, line, headers, body)
    assert answer.status == status, answer
    assert answer.headers["content-security-policy"].startswith("default-src 'none'; script-src 'self'; ")
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
    assert (answer.headers["x-content-type-options"], answer.headers["referrer-policy"]) == ("nosniff", "no-referrer")
    assert "server" not in answer.headers
    if status >= 400:
        assert answer.headers["content-type"] == "application/problem+json"
        assert json.loads(answer.body)["status"] == status


# ── HTTP as nobody writes it ──────────────────────────────────────────────────────────────────────────────────────

SECOND: Final = b"GET /api/alerts HTTP/1.1\r\nHost: localhost\r\n\r\n"
"""What a smuggler hopes to have taken for a request of somebody else."""


def posted(*headers: str) -> bytes:
    """A change with these headers, and what is hidden behind it."""
    lines = ["POST /api/silences HTTP/1.1", "Host: localhost", "Content-Type: application/json", *headers, "", ""]
    return "\r\n".join(lines).encode()


SMUGGLED: Final[dict[str, bytes]] = {
    "a length and chunks": posted("Content-Length: 4", "Transfer-Encoding: chunked") + b"0\r\n\r\n" + SECOND,
    "chunks and a length": posted("Transfer-Encoding: chunked", "Content-Length: 4") + b"0\r\n\r\n" + SECOND,
    "an encoding that is none": posted("Transfer-Encoding: xchunked") + b"0\r\n\r\n" + SECOND,
    "chunks, and then as they are": posted("Transfer-Encoding: chunked, identity") + b"0\r\n\r\n" + SECOND,
    "an encoding behind a tab": posted("Transfer-Encoding:\tchunked", "Content-Length: 3") + b"0\r\n\r\n" + SECOND,
    "an encoding before a space": posted("Transfer-Encoding : chunked", "Content-Length: 3") + b"0\r\n\r\n" + SECOND,
    "two lengths": posted("Content-Length: 2", "Content-Length: 49") + b"{}" + SECOND,
    "two equal lengths": posted("Content-Length: 2", "Content-Length: 2") + b"{}" + SECOND,
    "lengths in a list": posted("Content-Length: 2, 2") + b"{}" + SECOND,
    "a length with a sign": posted("Content-Length: +2") + b"{}" + SECOND,
    "a length below zero": posted("Content-Length: -1") + b"{}" + SECOND,
    "a length of many digits": posted("Content-Length: " + "9" * 30) + b"{}" + SECOND,
    "a length in another base": posted("Content-Length: 0x2") + b"{}" + SECOND,
    "a folded header": posted("X: a", " Content-Length: 2") + SECOND,
    "a bare line feed": b"POST /api/silences HTTP/1.1\nHost: localhost\nContent-Length: 2\n\n{}" + SECOND,
    "a bare carriage return": posted("X: a\rContent-Length: 2") + b"{}" + SECOND,
    "a zero byte": posted("X: a\0b") + SECOND,
    "a colon too few": posted("Content-Length 2") + SECOND,
    "no version": b"GET /api/alerts\r\n\r\n" + SECOND,
    "a version that there is not": b"GET /healthz HTTP/3.7\r\nHost: localhost\r\n\r\n" + SECOND,
    "a method that there is not": b"GETT /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n" + SECOND,
    "a tunnel": b"CONNECT localhost:1 HTTP/1.1\r\nHost: localhost\r\n\r\n" + SECOND,
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + SECOND,
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(200) + b"\r\n\r\n" + SECOND,
}


@pytest.mark.parametrize("sent", SMUGGLED.values(), ids=SMUGGLED)
def test_what_can_be_read_in_two_ways_is_refused_and_what_hides_behind_it_is_not_read(
    server: Server, sent: bytes
) -> None:
    """One refusal, and the connection ends; the parser of the naive server refuses most of these too."""
    answers = tell(server.ui, sent, answers=3)
    assert [one.status in {400, 411, 413, 421} for one in answers] == [True], answers
    assert answers[0].headers["connection"] == "close"


@pytest.mark.parametrize(
    "head",
    [
        b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: " + b"a" * 2**17 + b"\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n" + b"X: aaaaaaaa\r\n" * 2**13 + b"\r\n",
        b"GET /healthz?" + b"a" * 2**15 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
    ],
    ids=["a large header", "many headers", "a large path"],
)
def test_a_large_head_is_refused(server: Server, head: bytes) -> None:
    (refused,) = tell(server.ui, head, answers=2)
    assert (refused.status, refused.headers["content-type"]) == (400, "application/problem+json")


def test_a_naive_server_takes_a_large_head(naive: str) -> None:
    assert asked(naive, "GET /api/alerts", {"Host": "localhost", "X": "a" * 2**17}).status == 200


def test_a_head_or_body_that_never_ends_is_not_waited_for(tmp_path: Path) -> None:
    begun = (b"GET /healthz HTTP/1.1\r\nHost: local", posted("Content-Length: 10") + b"{")
    with running(tmp_path / "data", environ={"AX_RECEIVE_READ_TIMEOUT": "1s"}) as one:
        for part in begun:
            started = time.monotonic()
            assert tell(one.ui, part) == []
            assert time.monotonic() - started < 4
        assert httpx.get(f"{one.ui}/healthz", timeout=10).status_code == 200


def test_http_1_0_and_requests_in_a_row_are_answered_in_their_order(server: Server) -> None:
    row = [b"GET /%s HTTP/1.1\r\nHost: localhost\r\n\r\n" % path for path in (b"healthz", b"api/none", b"readyz")]
    assert [one.status for one in tell(server.ui, b"".join(row), answers=3)] == [200, 404, 200]
    old = b"GET /healthz HTTP/1.0\r\nHost: localhost\r\n\r\n"
    assert [one.status for one in tell(server.ui, old * 2, answers=2)] == [200]
    assert [one.status for one in tell(server.ui, b"GET /healthz HTTP/1.0\r\n\r\n")] == [421]


def test_a_body_where_none_belongs_is_not_taken_for_a_request(server: Server) -> None:
    hidden = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n" % len(SECOND) + SECOND
    assert [one.status for one in tell(server.ui, hidden, answers=2)] == [200]
