"""Frames: what comes back is what was written, where it was written, or nothing."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.journal import frame
from exporter.model import Request, Signal

REQUESTS = st.builds(
    Request,
    signal=st.sampled_from(Signal),
    tenant=st.text(max_size=20),
    received_at=st.integers(0, 2**63 - 1),
    items=st.integers(0, 2**32 - 1),
    payload=st.binary(max_size=200),
)
POSITIONS = st.integers(0, 2**63)


def framed(*requests: Request, base: int = 0, epoch: int = 0, mark: int = 7) -> bytes:
    buffer = b""
    for request in requests:
        header = frame.encode(frame.record(request), position=base + len(buffer), epoch=epoch, mark=mark)
        buffer += header + request.payload
    return buffer


def request_of(payload: bytes) -> Request:
    return Request(Signal.LOGS, "default", 1_000, 1, payload)


def payloads(buffer: bytes, *, base: int = 0, durable: int = 0) -> list[bytes]:
    headers = frame.scan(buffer, base, durable)
    return [buffer[header.end - base - header.payload_bytes : header.end - base] for header in headers]


def read(buffer: bytes, position: int) -> Request | None:
    header = frame.parse(buffer, 0, position)
    if header is None:
        return None
    payload_at = frame.HEADER_BYTES + header.tenant_bytes
    return frame.request_of(header, buffer[frame.HEADER_BYTES : payload_at], buffer[payload_at : header.end - position])


@given(REQUESTS, POSITIONS)
def test_a_request_comes_back_from_its_frame(request: Request, position: int) -> None:
    buffer = framed(request, base=position)
    assert read(buffer, position) == request
    assert len(buffer) == frame.record(request).size_bytes


@given(REQUESTS, POSITIONS, st.data())
def test_a_frame_with_a_flipped_bit_is_not_read(request: Request, position: int, data: st.DataObject) -> None:
    buffer = bytearray(framed(request, base=position))
    bit = data.draw(st.integers(0, len(buffer) * 8 - 1))
    buffer[bit // 8] ^= 1 << bit % 8
    assert read(bytes(buffer), position) is None
    assert list(frame.scan(bytes(buffer), position, position + len(buffer))) == []


@given(REQUESTS, POSITIONS, st.data())
def test_a_frame_that_is_cut_is_not_read(request: Request, position: int, data: st.DataObject) -> None:
    buffer = framed(request, base=position)
    cut = buffer[: data.draw(st.integers(0, len(buffer) - 1))]
    assert read(cut, position) is None
    assert list(frame.scan(cut, position, position + len(buffer))) == []


@given(REQUESTS, POSITIONS, POSITIONS)
def test_a_frame_is_read_only_at_its_position(request: Request, written: int, looked_for: int) -> None:
    assert (read(framed(request, base=written), looked_for) is None) == (written != looked_for)


@given(REQUESTS, REQUESTS)
def test_digests_are_equal_for_equal_signal_tenant_and_payload_only(one: Request, other: Request) -> None:
    same = (one.signal, one.tenant, one.payload) == (other.signal, other.tenant, other.payload)
    assert (frame.record(one).digest == frame.record(other).digest) == same
    again = replace(one, received_at=5, items=6)
    assert frame.record(one).digest == frame.record(again).digest


def test_a_digest_tells_where_the_tenant_ends() -> None:
    one = Request(Signal.LOGS, "ab", 0, 1, b"c")
    other = Request(Signal.LOGS, "a", 0, 1, b"bc")
    assert frame.record(one).digest != frame.record(other).digest


@given(st.lists(REQUESTS, max_size=6), POSITIONS, st.binary(max_size=100))
def test_a_file_gives_its_frames_in_order_and_ends_where_they_end(
    requests: list[Request], base: int, rest: bytes
) -> None:
    buffer = framed(*requests, base=base)
    assert payloads(buffer + rest, base=base) == [request.payload for request in requests]


@given(st.integers(1, 4), st.data())
def test_frames_behind_a_damaged_one_are_found(damaged: int, data: st.DataObject) -> None:
    written = [request_of(bytes([i]) * 30) for i in range(6)]
    buffer = bytearray(framed(*written))
    size = len(buffer) // 6
    buffer[damaged * size + data.draw(st.integers(0, size - 1))] ^= 0x40
    assert payloads(bytes(buffer)) == [request.payload for i, request in enumerate(written) if i != damaged]


def test_a_damaged_first_frame_is_passed_over_where_it_was_durable() -> None:
    buffer = framed(request_of(b"one"), request_of(b"two"))
    damaged = b"x" + buffer[1:]
    assert payloads(damaged, durable=len(buffer)) == [b"two"]


def test_old_bytes_of_a_recycled_file_are_not_read() -> None:
    old = framed(*(request_of(b"old %d" % i) for i in range(5)), base=0)
    new = framed(request_of(b"new"), base=10_000)
    assert payloads(new + old[len(new) :], base=10_000) == [b"new"]
    assert payloads(old, base=10_000, durable=10_000) == []


def test_a_frame_that_was_sent_inside_a_payload_is_not_read() -> None:
    live = framed(request_of(b"live"), base=10_000)
    offset = 3 * len(live)
    forged = framed(request_of(b"forged"), base=10_000 + offset, mark=8)
    recycled = live + bytes(offset - len(live)) + forged
    assert payloads(recycled, base=10_000) == [b"live"]
    assert payloads(bytes(offset) + forged, base=10_000, durable=10_000) == []


def test_the_rest_of_a_failed_group_is_not_read_behind_what_was_written_over_it() -> None:
    failed = framed(request_of(b"a"), request_of(b"b"), request_of(b"c"), epoch=3)
    over = framed(request_of(b"d"), epoch=4)
    assert payloads(over + failed[len(over) :]) == [b"d"]


@pytest.mark.parametrize("signal", [0, 4, 255])
def test_a_signal_of_a_later_version_is_not_read(signal: int) -> None:
    buffer = bytearray(framed(request_of(b"x")))
    buffer[38] = signal
    assert frame.parse(bytes(buffer), 0, 0) is None
