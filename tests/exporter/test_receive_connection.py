"""Connections, and the end of them: heads that are too large or too slow, ports, and what a stop does."""

import socket
from pathlib import Path

import grpc
import pytest

from exporter.errors import BadConfig
from exporter.model import Signal
from tests.exporter.receiving import EXPORT, PROTOBUF, SECOND, Receiver, receiving, refusal, until
from tests.factories import spans_request

SPANS = spans_request(4).SerializeToString()


def connect(receiver: Receiver) -> socket.socket:
    host, _, port = receiver.listening.http[0].rpartition(":")
    return socket.create_connection((host, int(port)), timeout=20)


def post(body: bytes, *lines: str) -> bytes:
    head = ("POST /v1/traces HTTP/1.1", "Host: a", f"Content-Type: {PROTOBUF['content-type']}", *lines)
    return "\r\n".join((*head, f"Content-Length: {len(body)}", "", "")).encode() + body


def everything_from(connection: socket.socket) -> bytes:
    """All bytes until the receiver closes the connection."""
    received = b""
    try:
        while more := connection.recv(2**16):
            received += more
    except ConnectionResetError:
        pass
    return received


@pytest.mark.parametrize(
    "sent",
    [
        post(SPANS, "X: " + "a" * 20_000),
        post(SPANS, *(f"X-{place}: a" for place in range(4_000))),
        b"POST /" + b"a" * 20_000 + b" HTTP/1.1\r\n\r\n",
        b"POST / HTTP/1.1\r\nX: " + b"a" * 300_000,
        b"nonsense\r\n\r\n",
    ],
    ids=["header", "headers", "path", "endless header", "nonsense"],
)
def test_a_head_that_is_too_large_or_none_ends_the_connection(tmp_path: Path, sent: bytes) -> None:
    with receiving(tmp_path) as receiver, connect(receiver) as connection:
        connection.sendall(sent)
        answer = everything_from(connection)
        assert answer == b"" or answer.startswith(b"HTTP/1.1 400 ")  # unread bytes can make the kernel drop the answer


def test_a_head_of_16_kib_is_read_wherever_it_is_cut(tmp_path: Path) -> None:
    with receiving(tmp_path) as receiver, connect(receiver) as connection:
        request = post(SPANS, "X: " + "a" * 16_000)
        for place in range(0, len(request), 1_000):
            connection.sendall(request[place : place + 1_000])
        assert connection.recv(2**16).startswith(b"HTTP/1.1 200 ")


def test_requests_that_follow_at_once_are_all_answered(tmp_path: Path) -> None:
    bodies = [spans_request(200, seed).SerializeToString() for seed in range(5)]
    with receiving(tmp_path) as receiver, connect(receiver) as connection:
        connection.sendall(b"".join(map(post, bodies)) + post(b"", "Connection: close"))
        assert everything_from(connection).count(b"HTTP/1.1 200 ") == 6
        assert [request.payload for request in receiver.stored()] == bodies


def test_a_head_that_does_not_come_ends_the_connection(tmp_path: Path) -> None:
    with receiving(tmp_path, receive={"read_timeout": "100ms"}) as receiver:
        with connect(receiver) as silent, connect(receiver) as slow:
            slow.sendall(post(SPANS)[:30])
            assert everything_from(silent) == everything_from(slow) == b""
        with connect(receiver) as connection:  # idle between requests is no crime
            connection.sendall(post(SPANS))
            assert connection.recv(2**16).startswith(b"HTTP/1.1 200 ")
            connection.sendall(post(SPANS))
            assert connection.recv(2**16).startswith(b"HTTP/1.1 200 ")


def test_localhost_is_both_families_on_one_port(tmp_path: Path) -> None:
    with receiving(tmp_path, receive={"grpc": "localhost:0", "http": "localhost:0"}) as receiver:
        for names in (receiver.listening.grpc, receiver.listening.http):
            assert names[0].startswith("127.0.0.1:")
            assert names[1:] in {(), (names[0].replace("127.0.0.1", "[::1]"),)}
        for name in receiver.listening.grpc:
            with grpc.insecure_channel(name) as channel:
                assert channel.unary_unary(EXPORT[Signal.TRACES])(SPANS, timeout=20) == b""


@pytest.mark.parametrize("setting", ["grpc", "http"])
def test_a_port_that_is_taken_is_an_error_that_names_it(tmp_path: Path, setting: str) -> None:
    with receiving(tmp_path / "first") as first:
        taken = getattr(first.listening, setting)[0]
        said = rf"cannot listen on {taken} \(receive.{setting}\): .* choose another"
        with pytest.raises(BadConfig, match=said), receiving(tmp_path / "second", receive={setting: taken}):
            pass


@pytest.mark.parametrize("host", ["0.0.0.0", "[::]", "example.com"])  # noqa: S104 - what must not be bound
@pytest.mark.parametrize("setting", ["grpc", "http"])
def test_others_do_not_reach_us_unless_told_so(tmp_path: Path, setting: str, host: str) -> None:
    said = "set tls.cert and tls.key, use localhost, or add --insecure-i-know"
    with pytest.raises(BadConfig, match=said), receiving(tmp_path, receive={setting: f"{host}:0"}):
        pass


def test_others_reach_us_when_told_so(tmp_path: Path) -> None:
    everywhere = "0.0.0.0:0"
    with receiving(tmp_path, insecure=True, receive={"grpc": everywhere, "http": everywhere}) as receiver:
        assert receiver.listening.grpc[0].startswith("0.0.0.0:")
        port = receiver.grpc.rpartition(":")[2]
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:  # and are asked who they are
            refused = refusal(lambda: channel.unary_unary(EXPORT[Signal.TRACES])(SPANS, timeout=20))
            assert refused.code() is grpc.StatusCode.UNAUTHENTICATED


@pytest.mark.parametrize(
    "endpoint", ["4317", "localhost", "localhost:", "localhost:x", "localhost:70000", "::1:4317", ":1"]
)
def test_an_endpoint_that_cannot_be_read_is_an_error_with_examples(tmp_path: Path, endpoint: str) -> None:
    said = r"cannot read receive.grpc '.*'; write HOST:PORT, such as localhost:4317"
    with pytest.raises(BadConfig, match=said), receiving(tmp_path, receive={"grpc": endpoint}):
        pass


def test_a_stop_refuses_half_a_body_ends_idle_connections_and_frees_the_ports(tmp_path: Path) -> None:
    with receiving(tmp_path) as receiver, connect(receiver) as idle, connect(receiver) as half:
        idle.sendall(post(SPANS))
        assert idle.recv(2**16).startswith(b"HTTP/1.1 200 ")
        half.sendall(post(SPANS)[:-1])
        until(lambda: receiver.in_flight_bytes() > 0)
        receiver.run(receiver.listening.stop(SECOND))

        answer = everything_from(half)
        assert answer.startswith(b"HTTP/1.1 503 ")
        assert b"retry-after: " in answer
        assert everything_from(idle) == b""
        with pytest.raises(ConnectionRefusedError):
            connect(receiver)
        assert refusal(lambda: receiver.call(SPANS)).code() is grpc.StatusCode.UNAVAILABLE
        assert receiver.counted("refused_items", reason="shutting_down") == 1
        with receiving(tmp_path / "next", receive={"grpc": receiver.grpc, "http": receiver.listening.http[0]}) as after:
            assert after.call(SPANS) == b""


def test_who_is_refused_before_the_body_came_can_read_the_answer_and_go_on(
    tmp_path: Path,
) -> None:
    with receiving(tmp_path, limits={"request_bytes": "1MiB"}, receive={"read_timeout": "300ms"}) as receiver:
        with connect(receiver) as connection:
            connection.sendall(post(bytes(8 * 2**20)))
            assert connection.recv(2**16).startswith(b"HTTP/1.1 413 ")
            connection.sendall(post(SPANS))
            assert connection.recv(2**16).startswith(b"HTTP/1.1 200 ")
        with connect(receiver) as connection:
            connection.sendall(post(bytes(8 * 2**20))[:-1])
            assert everything_from(connection).startswith(b"HTTP/1.1 413 ")  # after 300 ms, though a byte is missing
