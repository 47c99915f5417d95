"""What OTLP/HTTP answers."""

import gzip
import json
import socket
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from google.rpc.code_pb2 import Code
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status

from exporter.model import Signal
from tests.exporter.receiving import JSON, PROTOBUF, SECOND, Receiver, receiving, until
from tests.factories import logs_request, metrics_request, spans_request

SPANS = spans_request(4).SerializeToString()
SPANS_JSON = b'{"resourceSpans":[{"scopeSpans":[{"spans":[{"name":"@"}]}]}]}'
MIB = 2**20


@pytest.fixture(scope="module")
def receiver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Receiver]:
    with receiving(tmp_path_factory.mktemp("data"), limits={"request_bytes": "2MiB", "compressed_bytes": "1MiB"}) as it:
        yield it


@pytest.fixture(scope="module")
def client(receiver: Receiver) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=receiver.http, timeout=20) as client:
        yield client


def status_of(response: httpx.Response) -> Any:
    if response.headers["content-type"] == PROTOBUF["content-type"]:
        return Status.FromString(response.content)
    assert response.headers["content-type"] == JSON["content-type"]
    body = response.json()
    return Status(code=body["code"], message=body["message"])


def packed(body: bytes, encoding: str) -> bytes:
    match encoding.lower():
        case "gzip":
            return gzip.compress(body)
        case "deflate":
            return zlib.compress(body)
        case "deflate raw":
            return zlib.compress(body, wbits=-15)
    return body


@pytest.mark.parametrize("encoding", ["", "identity", "none", "gzip", "GZIP", "deflate", "deflate raw"])
@pytest.mark.parametrize("media", ["application/x-protobuf", "application/json; charset=utf-8", "Application/JSON"])
def test_a_success_is_answered_in_the_encoding_of_the_request(
    receiver: Receiver, client: httpx.Client, media: str, encoding: str
) -> None:
    is_json = "json" in media.lower()
    name = f"{media} {encoding}".encode()
    body = SPANS_JSON.replace(b"@", name) if is_json else spans_request(3, zlib.crc32(name)).SerializeToString()
    headers = {"content-type": media, "content-encoding": encoding.removesuffix(" raw")}
    response = client.post("/v1/traces", content=packed(body, encoding), headers=headers)
    assert (response.status_code, response.content) == (200, b"{}" if is_json else b"")
    assert response.headers["content-type"] == (JSON if is_json else PROTOBUF)["content-type"]
    assert receiver.stored()[-1].items == (1 if is_json else 3)


@pytest.mark.parametrize(
    ("path", "signal", "payload"),
    [
        ("/v1/traces", Signal.TRACES, spans_request(11).SerializeToString()),
        ("/v1/metrics", Signal.METRICS, metrics_request(12).SerializeToString()),
        ("/v1/logs", Signal.LOGS, logs_request(13).SerializeToString()),
    ],
)
def test_every_signal_has_its_path(
    receiver: Receiver, client: httpx.Client, path: str, signal: Signal, payload: bytes
) -> None:
    assert client.post(path, content=payload, headers=PROTOBUF).status_code == 200
    stored = receiver.stored()[-1]
    assert (stored.signal, stored.payload) == (signal, payload)


def in_gzip(body: bytes) -> dict[str, Any]:
    return {"content": body, "headers": PROTOBUF | {"content-encoding": "gzip"}}


REFUSALS: list[tuple[str, dict[str, Any], int, int, str]] = [
    ("not protobuf", {"content": b"\x0a\x05a", "headers": PROTOBUF}, 400, Code.INVALID_ARGUMENT, "resource_spans[0]"),
    ("not JSON", {"content": b"{", "headers": JSON}, 400, Code.INVALID_ARGUMENT, "not JSON"),
    ("JSON, no object", {"content": b"[]", "headers": JSON}, 400, Code.INVALID_ARGUMENT, "the body is not an object"),
    ("JSON as protobuf", {"content": b"{}", "headers": PROTOBUF}, 400, Code.INVALID_ARGUMENT, "looks like JSON"),
    ("no type", {"content": SPANS}, 415, Code.INVALID_ARGUMENT, "Content-Type ''"),
    ("a form", {"data": {"a": "b"}}, 415, Code.INVALID_ARGUMENT, "application/x-www-form-urlencoded"),
    ("text", {"content": b"{}", "headers": {"content-type": "text/plain"}}, 415, Code.INVALID_ARGUMENT, "text/plain"),
    ("brotli", {"content": b"", "headers": PROTOBUF | {"content-encoding": "br"}}, 415, Code.INVALID_ARGUMENT, "'br'"),
    ("no gzip", in_gzip(SPANS), 400, Code.INVALID_ARGUMENT, "gzip"),
    ("cut gzip", in_gzip(gzip.compress(SPANS)[:-9]), 400, Code.INVALID_ARGUMENT, "too early"),
    (
        "large",
        {"content": bytes(2 * MIB + 1), "headers": PROTOBUF},
        413,
        Code.RESOURCE_EXHAUSTED,
        "limits.request_bytes",
    ),
    (
        "large, in chunks",
        {"content": iter([bytes(MIB)] * 3), "headers": PROTOBUF},
        413,
        Code.RESOURCE_EXHAUSTED,
        "bytes",
    ),
    ("large gzip", in_gzip(bytes(MIB + 1)), 413, Code.RESOURCE_EXHAUSTED, "limits.compressed_bytes"),
    ("bomb", in_gzip(gzip.compress(bytes(64 * MIB))), 413, Code.RESOURCE_EXHAUSTED, "limits.request_bytes"),
    ("ratio", in_gzip(gzip.compress(bytes(MIB + 1))), 413, Code.RESOURCE_EXHAUSTED, "limits.inflation_ratio"),
]


@pytest.mark.parametrize(
    ("request_", "code", "status", "said"), [r[1:] for r in REFUSALS], ids=[r[0] for r in REFUSALS]
)
def test_a_refusal_for_good_is_a_status_in_the_encoding_of_the_request(
    client: httpx.Client, request_: dict[str, Any], code: int, status: int, said: str
) -> None:
    response = client.post("/v1/traces", **request_)
    assert response.status_code == code
    assert "retry-after" not in response.headers
    assert (status_of(response).code, said in status_of(response).message) == (status, True), response.text


def test_a_415_says_what_would_be_taken(client: httpx.Client) -> None:
    assert client.post("/v1/logs", content=b"").headers["accept"] == "application/x-protobuf, application/json"
    response = client.post("/v1/logs", content=b"", headers=JSON | {"content-encoding": "zstd"})
    assert response.headers["accept-encoding"] == "deflate, gzip"


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "OPTIONS"])
def test_other_methods_are_refused_and_a_browser_is_told_nothing_that_would_let_it_send(
    client: httpx.Client, method: str
) -> None:
    asked = {"origin": "https://example.com", "access-control-request-method": "POST"}
    response = client.request(method, "/v1/traces", headers=asked)
    assert (response.status_code, response.headers["allow"]) == (405, "POST")
    assert not [name for name in response.headers if name.startswith("access-control")]


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/", "/v1/traces, /v1/metrics, /v1/logs"),
        ("/v1/traces/", "nothing at /v1/traces/"),
        ("/v1/%0a%1b", "nothing at /v1/��"),
        ("/v1development/profiles", "profiles are not stored"),
    ],
)
@pytest.mark.parametrize("headers", [PROTOBUF, JSON, {}])
def test_other_paths_are_not_found(client: httpx.Client, path: str, said: str, headers: dict[str, str]) -> None:
    response = client.post(path, content=b"", headers=headers)
    assert response.status_code == 404
    assert said in status_of(response).message


@pytest.mark.parametrize(
    ("settings", "code", "reason"),
    [
        ({"journal": {"backlog_bytes": "0B"}}, 429, "overloaded"),
        ({"receive": {"in_flight_bytes": "1kB"}}, 429, "overloaded"),
        ({"journal": {"min_free_bytes": 2**62}}, 503, "disk_full"),
    ],
)
def test_what_may_pass_is_refused_with_retry_after_in_whole_seconds(
    tmp_path: Path, settings: dict[str, Any], code: int, reason: str
) -> None:
    with receiving(tmp_path, **settings) as receiver:
        if "backlog_bytes" in settings.get("journal", {}):
            receiver.call(spans_request(1).SerializeToString())
        for media, body in ((PROTOBUF, SPANS), (JSON, SPANS_JSON.replace(b"@", b"@" * 1_000))):
            response = httpx.post(f"{receiver.http}/v1/traces", content=body, headers=media)
            assert (response.status_code, response.headers["retry-after"] in {"1", "2"}) == (code, True)
            if media is JSON:
                assert response.json()["details"][0]["@type"] == "type.googleapis.com/google.rpc.RetryInfo"
                assert json.loads(response.content)["details"][0]["retryDelay"].endswith("s")
            else:
                info = RetryInfo()
                assert status_of(response).details[0].Unpack(info)
                assert 5 * 10**8 <= info.retry_delay.ToNanoseconds() <= 2 * SECOND
        assert receiver.counted("requests", outcome=reason) == 2
        assert receiver.counted("received_items") == receiver.counted("refused_items") + receiver.counted(
            "accepted_items"
        )
        assert receiver.in_flight_bytes() == 0


def head_of(receiver: Receiver, *lines: str) -> tuple[socket.socket, bytes]:
    """A connection, and the head of a POST for it."""
    host, _, port = receiver.listening.http[0].rpartition(":")
    connection = socket.create_connection((host, int(port)), timeout=20)
    head = ("POST /v1/traces HTTP/1.1", f"Host: {host}", "Content-Type: application/x-protobuf", *lines, "", "")
    return connection, "\r\n".join(head).encode()


def test_a_body_that_is_announced_too_large_is_refused_before_it_is_sent(receiver: Receiver) -> None:
    connection, head = head_of(receiver, f"Content-Length: {2**40}", "Expect: 100-continue")
    with connection:
        connection.sendall(head)
        assert connection.recv(2**16).startswith(b"HTTP/1.1 413 ")


def test_who_asks_whether_to_send_a_body_is_told_to(receiver: Receiver) -> None:
    connection, head = head_of(receiver, f"Content-Length: {len(SPANS)}", "Expect: 100-continue")
    with connection:
        connection.sendall(head)
        assert connection.recv(2**16) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(SPANS)
        assert connection.recv(2**16).startswith(b"HTTP/1.1 200 ")


def test_a_body_that_does_not_come_is_refused_in_time_and_one_whose_sender_goes_is_forgotten(tmp_path: Path) -> None:
    with receiving(tmp_path, receive={"read_timeout": "200ms"}) as receiver:
        connection, head = head_of(receiver, "Content-Length: 100000")
        with connection:
            connection.sendall(head + SPANS[:100])
            until(lambda: receiver.in_flight_bytes() == 100)
            answer = connection.recv(2**16)
            assert answer.startswith(b"HTTP/1.1 408 ")
            assert b"connection: close" in answer
        connection, head = head_of(receiver, "Content-Length: 100000")
        with connection:
            connection.sendall(head + SPANS[:100])
        until(lambda: receiver.counted("requests", outcome="cancelled") == 1)
        assert receiver.counted("refused_items", reason="timeout") == receiver.counted("received_items") == 1
        assert receiver.in_flight_bytes() == 0
