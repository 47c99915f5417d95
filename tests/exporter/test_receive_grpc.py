"""What OTLP/gRPC answers."""

import gzip
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.rpc.error_details_pb2 import BadRequest, RetryInfo
from google.rpc.status_pb2 import Status

from exporter.model import Signal
from tests.exporter.receiving import EXPORT, Receiver, empty_spans, receiving, refusal
from tests.factories import logs_request, metrics_request, spans_request

CODE = grpc.StatusCode
PROFILES = "/opentelemetry.proto.collector.profiles.v1development.ProfilesService/Export"


@pytest.fixture(scope="module")
def receiver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Receiver]:
    with receiving(tmp_path_factory.mktemp("data")) as running:
        yield running


def trailers(error: Any) -> dict[str, bytes]:
    return {key: value for key, value in error.trailing_metadata() or () if key.endswith("-bin")}


def details(error: Any) -> dict[str, bytes]:
    """The details of a status, packed, by type."""
    status = Status.FromString(trailers(error)["grpc-status-details-bin"])
    assert (status.code, status.message) == (error.code().value[0], error.details())
    return {detail.type_url.rpartition(".")[2]: detail.value for detail in status.details}


@pytest.mark.parametrize(
    ("signal", "payload", "items"),
    [
        (Signal.TRACES, spans_request(7).SerializeToString(), 7),
        (Signal.METRICS, metrics_request(9).SerializeToString(), 9),
        (Signal.LOGS, logs_request(5).SerializeToString(), 5),
    ],
)
def test_a_full_success_is_an_empty_response_and_the_payload_is_journalled_as_sent(
    receiver: Receiver, signal: Signal, payload: bytes, items: int
) -> None:
    before = receiver.clock.wall()
    assert receiver.call(payload, signal) == b""
    request = receiver.stored()[-1]
    assert (request.signal, request.items, request.payload) == (signal, items, payload)
    assert before <= request.received_at <= receiver.clock.wall()


@pytest.mark.parametrize("payload", [b"", b"\x0a\x00", b"\x0a\x02\x12\x00", b"\x0a\x04\x0a\x02\x10\x01", b"\x50\x05"])
def test_a_request_without_items_is_a_success_and_nothing_is_journalled(receiver: Receiver, payload: bytes) -> None:
    stored = len(receiver.stored())
    assert receiver.call(payload) == b""
    assert len(receiver.stored()) == stored


@pytest.mark.parametrize(
    ("payload", "said"),
    [
        (b"\x0a", "resource_spans[0] ends amidst its length"),
        (b"\x0a\x05a", "resource_spans[0] has a length of 5 bytes, of which 1 are there"),
        (b"\x07", "it holds a field with the number 0"),
        (b'{"resourceSpans":[]}', "looks like JSON"),
        (gzip.compress(b"x", mtime=0), "is gzip"),
        (spans_request(3).SerializeToString()[:-1], "has a length of"),
    ],
)
def test_what_does_not_parse_is_refused_for_good_and_says_what_is_wrong(
    receiver: Receiver, payload: bytes, said: str
) -> None:
    error = refusal(lambda: receiver.call(payload))
    assert error.code() is CODE.INVALID_ARGUMENT
    assert said in error.details()
    assert list(trailers(error)) == ["grpc-status-details-bin"]
    violation = BadRequest.FromString(details(error)["BadRequest"]).field_violations[0]
    assert violation.description == error.details()


def test_50_000_items_are_taken_and_50_001_are_refused_for_good(receiver: Receiver) -> None:
    assert receiver.call(empty_spans(50_000)) == b""
    error = refusal(lambda: receiver.call(empty_spans(50_001)))
    assert error.code() is CODE.RESOURCE_EXHAUSTED
    assert "more than 50000 spans" in error.details()
    assert details(error) == {}
    assert "google.rpc.retryinfo-bin" not in trailers(error)


@pytest.mark.parametrize("items", [300_000, 8_000_000])
def test_millions_of_empty_spans_are_refused_unparsed(receiver: Receiver, items: int) -> None:
    error = refusal(lambda: receiver.call(empty_spans(items)))
    assert error.code() is CODE.RESOURCE_EXHAUSTED
    assert "google.rpc.retryinfo-bin" not in trailers(error)


@pytest.mark.parametrize("compression", list(grpc.Compression))
def test_what_inflates_beyond_the_limit_is_refused_for_good(receiver: Receiver, compression: grpc.Compression) -> None:
    error = refusal(lambda: receiver.call(bytes(64 * 2**20), compression=compression))
    assert error.code() is CODE.RESOURCE_EXHAUSTED
    assert "google.rpc.retryinfo-bin" not in trailers(error)


@pytest.mark.parametrize(
    ("settings", "code", "reason"),
    [
        ({"journal": {"backlog_bytes": "0B"}}, CODE.RESOURCE_EXHAUSTED, "overloaded"),
        ({"receive": {"in_flight_bytes": "1kB"}}, CODE.RESOURCE_EXHAUSTED, "overloaded"),
        ({"journal": {"min_free_bytes": 2**62}}, CODE.UNAVAILABLE, "disk_full"),
    ],
)
def test_what_may_pass_is_refused_with_a_delay_in_both_places(
    tmp_path: Path, settings: dict[str, Any], code: grpc.StatusCode, reason: str
) -> None:
    payload = spans_request(8).SerializeToString()
    with receiving(tmp_path, **settings) as receiver:
        if "backlog_bytes" in settings.get("journal", {}):
            receiver.call(spans_request(1).SerializeToString())
        delays = set()
        for _ in range(5):
            error = refusal(lambda: receiver.call(payload))
            assert error.code() is code
            info = RetryInfo.FromString(trailers(error)["google.rpc.retryinfo-bin"])
            assert info == RetryInfo.FromString(details(error)["RetryInfo"])
            delays.add(info.retry_delay.ToNanoseconds())
        assert all(5 * 10**8 <= delay <= 2 * 10**9 for delay in delays)
        assert len(delays) > 1
        assert receiver.counted("refused_items", signal="traces", reason=reason) == 5 * 8
        assert receiver.counted("requests", protocol="grpc", outcome=reason) == 5
        assert receiver.in_flight_bytes() == 0


@pytest.mark.parametrize("method", [PROFILES, EXPORT[Signal.TRACES] + "All", "/a.b/c"])
def test_profiles_and_other_methods_are_not_implemented(receiver: Receiver, method: str) -> None:
    with grpc.insecure_channel(receiver.grpc) as channel:
        error = refusal(lambda: channel.unary_unary(method)(b"", timeout=20))
    assert error.code() is CODE.UNIMPLEMENTED


def test_a_retry_is_acknowledged_and_counted_and_not_journalled_again(tmp_path: Path) -> None:
    payload = spans_request(6).SerializeToString()
    with receiving(tmp_path) as receiver:
        assert [receiver.call(payload) for _ in range(3)] == [b""] * 3
        assert len(receiver.stored()) == 1
        assert receiver.counted("accepted_items", signal="traces") == 18
        assert receiver.counted("deduplicated_items", signal="traces", stage="request") == 12
        assert receiver.counted("requests", outcome="deduplicated") == 2


def test_calls_that_their_clients_give_up_are_counted_as_what_became_of_them(tmp_path: Path) -> None:
    payloads = [spans_request(20, seed).SerializeToString() for seed in range(200)]
    with receiving(tmp_path) as receiver, grpc.insecure_channel(receiver.grpc) as channel:
        export = channel.unary_unary(EXPORT[Signal.TRACES])
        calls = [export.future(payload, timeout=1 + place % 7 / 1e4) for place, payload in enumerate(payloads)]
        for call in calls[::2]:
            call.cancel()
        for call in calls[1::2]:
            call.exception()
        receiver.run(receiver.listening.stop(10**9))
        assert receiver.counted("accepted_items") == sum(request.items for request in receiver.stored())
        assert receiver.counted("received_items") == receiver.counted("accepted_items")
        assert receiver.in_flight_bytes() == 0
