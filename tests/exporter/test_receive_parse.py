"""Requests as bytes: inflated, and refused with the place where they cannot be read."""

import random
import tracemalloc
import zlib
from typing import Any

import pytest
from google.protobuf.message import DecodeError
from hypothesis import given
from hypothesis import strategies as st

from exporter.config import Limits
from exporter.errors import Reason, Refused
from exporter.model import Signal
from exporter.receive.inflate import inflate
from exporter.receive.parse import parse
from exporter.receive.wire import to_varint, varint
from tests.exporter.receiving import within
from tests.factories import logs_request, metrics_request, spans_request
from tests.otlp import EXPORTS

MAKERS: dict[Signal, Any] = {
    Signal.TRACES: spans_request,
    Signal.METRICS: metrics_request,
    Signal.LOGS: logs_request,
}
MIB = 2**20


@given(value=st.integers(0, 2**64 - 1))
def test_a_varint_is_read_as_it_was_written(value: int) -> None:
    encoded = to_varint(value)
    assert varint(b"\xff" + encoded + b"\xff", 1) == (value, 1 + len(encoded))
    with pytest.raises(IndexError):
        varint(encoded[:-1], 0)
    with pytest.raises(ValueError, match="10 bytes"):
        varint(b"\x80" * 11, 0)


def spans(content: bytes) -> bytes:
    return within(content, 2, 2, 1)


@pytest.mark.parametrize(
    ("payload", "said"),
    [
        (spans(b"\x2a\x02\xc3\x28"), "resource_spans[0].scope_spans[0].spans[0].name is not UTF-8"),
        (spans(b"\x2a\x05a"), "spans[0].name has a length of 5 bytes, of which 1 are there"),
        (
            spans(b"\x4a\x00\x4a\x04\x12\x02\x0a\x01"),
            "spans[0].attributes[1].value.string_value has a length of 1 bytes",
        ),
        (spans(b"\x39\x00"), "spans[0].start_time_unix_nano has a length of 8 bytes, of which 1 are there"),
        (spans(b"\x30"), "spans[0].kind ends amidst its value"),
        (spans(b"\x30" + b"\xff" * 11), "spans[0].kind ends amidst its value"),
        (spans(b"\xf8"), "spans[0] ends amidst a field's number"),
        (spans(b"\x2c"), "spans[0].name has the wire type 4, which OTLP has no use for"),
        (spans(b"\xfa\x7f\x01"), "spans[0].field 2047 has a length of 1 bytes, of which 0 are there"),
        (spans(b"\x02\x00"), "spans[0] holds a field with the number 0"),
    ],
)
def test_a_fault_is_named_by_its_place(payload: bytes, said: str) -> None:
    with pytest.raises(Refused) as refused:
        parse(Signal.TRACES, payload, 20)
    assert refused.value.reason is Reason.MALFORMED
    assert said in str(refused.value)


def test_a_fault_in_packed_numbers_is_named() -> None:
    bounds = within(bytes(7), 7, 1, 9, 2, 2, 1)
    with pytest.raises(
        Refused, match=r"histogram.data_points\[0\].explicit_bounds\[0\] has 7 bytes, which is no whole"
    ):
        parse(Signal.METRICS, bounds, 20)


@pytest.mark.parametrize("signal", list(Signal))
def test_every_cut_of_a_request_is_read_or_refused_as_protobuf_would(signal: Signal) -> None:
    payload = MAKERS[signal](2).SerializeToString()
    for end in range(len(payload)):
        assert reads(signal, payload[:end]) == protobuf_reads(signal, payload[:end])


@pytest.mark.parametrize("signal", list(Signal))
def test_random_changes_are_read_or_refused_as_protobuf_would(signal: Signal) -> None:
    rng = random.Random(7)
    payload = MAKERS[signal](4).SerializeToString()
    for _ in range(1_500):
        changed = bytearray(payload)
        for _ in range(rng.choice((1, 1, 2, 8))):
            changed[rng.randrange(len(changed))] = rng.choice((0, 1, 10, 18, 42, 50, 127, 128, 255, rng.randrange(256)))
        assert reads(signal, bytes(changed)) == protobuf_reads(signal, bytes(changed))


def reads(signal: Signal, payload: bytes) -> bool:
    try:
        parsed = parse(signal, payload, 20)
    except Refused:
        return False
    assert parsed.payload == payload
    return True


def protobuf_reads(signal: Signal, payload: bytes) -> bool:
    try:
        EXPORTS[signal].FromString(payload)
    except DecodeError:
        return False
    return True


LIMITS = Limits(request_bytes=2 * MIB, inflation_ratio=200)


def compressed(body: bytes, window: int) -> bytes:
    return zlib.compress(body, wbits=window)


@pytest.mark.parametrize(("encoding", "window"), [("gzip", 31), ("deflate", 15), ("deflate", -15), ("deflate", 9)])
def test_bodies_are_inflated_within_limits(encoding: str, window: int) -> None:
    rng = random.Random(3)
    for body in (b"", b"a", rng.randbytes(5_000), bytes(MIB), rng.randbytes(2 * MIB)):
        assert inflate(compressed(body, window), encoding, LIMITS) == body
    for body, setting in ((bytes(MIB + 1), "inflation_ratio"), (rng.randbytes(2 * MIB + 1), "request_bytes")):
        with pytest.raises(Refused, match=f"raise limits.{setting}") as refused:
            inflate(compressed(body, window), encoding, LIMITS)
        assert refused.value.reason is Reason.TOO_LARGE


@pytest.mark.parametrize(("encoding", "window"), [("gzip", 31), ("deflate", 15), ("deflate", -15)])
def test_a_bomb_takes_no_more_memory_than_a_request_may(encoding: str, window: int) -> None:
    bomb = compressed(bytes(64 * MIB), window)
    tracemalloc.start()
    try:
        with pytest.raises(Refused) as refused:
            inflate(bomb, encoding, Limits(request_bytes=4 * MIB, inflation_ratio=10**6))
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert refused.value.reason is Reason.TOO_LARGE
    assert peak_bytes < 3 * 4 * MIB  # the pieces, and the whole


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "too early"),
        (b"\x1f\x8b\x08", "too early"),
        (compressed(b"abc", 31)[:-1], "too early"),
        (compressed(b"abc", 31) + b"x", "1 bytes follow its end"),
        (compressed(b"abc", 31) * 2, "bytes follow its end"),
        (b"no gzip at all", "incorrect header check"),
        (compressed(b"abc", 31)[:-8] + bytes(8), "incorrect data check"),
    ],
)
def test_a_broken_body_is_refused(body: bytes, said: str) -> None:
    with pytest.raises(Refused, match=said) as refused:
        inflate(body, "gzip", LIMITS)
    assert refused.value.reason is Reason.MALFORMED
