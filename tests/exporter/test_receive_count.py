"""Requests are counted without being parsed: items exactly, what they hold and are in closely."""

from typing import Any, Final

import pytest
from google.protobuf.message import Message
from hypothesis import given
from hypothesis import strategies as st

from exporter.errors import Reason, Refused
from exporter.model import Signal
from exporter.receive.count import MOST_PARTS, PARTS_UNCOUNTED_BYTES, check, count, holders, parts
from tests.exporter.receiving import empty_spans, within
from tests.factories import logs_request, metrics_request, spans_request
from tests.otlp import Export, items_of
from tests.strategies import examples, exports

REQUESTS: Final[list[tuple[Signal, Any]]] = [
    (Signal.TRACES, spans_request(500)),
    (Signal.METRICS, metrics_request(500)),
    (Signal.LOGS, logs_request(500)),
]
BROKEN: Final = [b"\x0a", b"\x0a\x05a", b"\x07"]


@examples(30)
@given(data=st.data(), signal=st.sampled_from(Signal))
def test_the_count_is_the_number_of_items(data: st.DataObject, signal: Signal) -> None:
    export = data.draw(exports(signal))
    assert count(signal, export.SerializeToString()) == items_of(export)


def test_the_count_adds_up_what_is_in_different_places() -> None:
    payload = empty_spans(7) + empty_spans(0) + within(b"\x12\x00" * 5 + b"\x1a\x00", 2, 1) + b"\x0a\x00"
    assert count(Signal.TRACES, payload) == 12
    points = [within(b"\x0a\x00" * n, kind, 2, 2, 1) for n, kind in enumerate((5, 7, 9, 10, 11), 1)]
    assert count(Signal.METRICS, b"".join(points)) == 15


def inner(message: Message) -> int:
    """How many messages are in one."""
    found = 0
    for field, value in message.ListFields():
        if field.message_type:
            found += sum(1 + inner(part) for part in (value if field.is_repeated else [value]))
    return found


@pytest.mark.parametrize(("signal", "export"), REQUESTS)
def test_parts_are_counted_closely(signal: Signal, export: Any) -> None:
    found = parts(signal, export.SerializeToString())
    assert inner(export) <= found <= 1.1 * inner(export)


@pytest.mark.parametrize(
    ("signal", "way"),
    [
        (Signal.TRACES, (9, 2, 2, 1)),
        (Signal.TRACES, (11, 2, 2, 1)),
        (Signal.TRACES, (13, 2, 2, 1)),
        (Signal.TRACES, (3, 11, 2, 2, 1)),
        (Signal.TRACES, (1, 5, 2, 9, 2, 2, 1)),
        (Signal.TRACES, (1, 6, 2, 9, 2, 2, 1)),
        (Signal.TRACES, (1, 1, 1)),
        (Signal.TRACES, (3, 1, 2, 1)),
        (Signal.LOGS, (1, 5, 5, 2, 2, 1)),
        (Signal.METRICS, (12, 2, 2, 1)),
        (Signal.METRICS, (5, 1, 5, 2, 2, 1)),
        (Signal.METRICS, (8, 1, 9, 2, 2, 1)),
        (Signal.METRICS, (6, 1, 11, 2, 2, 1)),
    ],
)
@pytest.mark.parametrize("content", [b"", b"\x78\x05"])
def test_parts_are_counted_wherever_they_are(signal: Signal, way: tuple[int, ...], content: bytes) -> None:
    part = within(content, way[0])
    payload = within(part * 3_000, *way[1:])
    assert 2_990 <= parts(signal, payload) <= 3_010


def test_a_request_that_need_not_be_counted_cannot_have_too_many_parts() -> None:
    payload = within(b"\x5a\x00" * (PARTS_UNCOUNTED_BYTES // 2 - 20), 2, 2, 1)
    assert len(payload) <= PARTS_UNCOUNTED_BYTES
    assert parts(Signal.TRACES, payload) <= MOST_PARTS


@pytest.mark.parametrize("way", [(1,), (2, 1)])
def test_what_holds_no_items_is_counted(way: tuple[int, ...]) -> None:
    assert 2_990 <= holders(Signal.TRACES, within(within(b"", way[0]) * 3_000, *way[1:])) <= 3_010


def test_metrics_and_their_data_are_counted_as_what_holds_points() -> None:
    assert 2_990 <= holders(Signal.METRICS, within(b"\x12\x00" * 3_000, 2, 1)) <= 3_010
    assert 5_980 <= holders(Signal.METRICS, within(b"\x12\x02\x2a\x00" * 3_000, 2, 1)) <= 6_020


@pytest.mark.parametrize(("signal", "export"), REQUESTS)
def test_a_request_as_exporters_send_them_is_in_little(signal: Signal, export: Export) -> None:
    assert holders(signal, export.SerializeToString()) < 20


@pytest.mark.parametrize(
    ("payload", "said"),
    [
        (within(b"\x5a\x00" * MOST_PARTS, 2, 2, 1), "what the spans hold, .* is more than 2000000 parts"),
        (within(b"\x12\x00" * 900, 1), "what the spans are in, .* is more than 800 parts"),
        (b"\x0a\x00" * 900, "what the spans are in, .* is more than 800 parts"),
    ],
)
def test_what_is_too_much_for_its_items_is_refused(payload: bytes, said: str) -> None:
    with pytest.raises(Refused, match=said) as refused:
        check(Signal.TRACES, payload, 100)
    assert refused.value.reason is Reason.TOO_MANY_ITEMS


def test_items_that_share_nothing_are_not_refused() -> None:
    one = metrics_request(1).SerializeToString()
    check(Signal.METRICS, one * 500, 500)


@pytest.mark.parametrize(("signal", "export"), REQUESTS)
def test_what_is_usual_is_not_refused(signal: Signal, export: Export) -> None:
    check(signal, export.SerializeToString(), 500)


@pytest.mark.parametrize("payload", BROKEN)
def test_a_broken_request_counts_as_one_item_of_nothing(payload: bytes) -> None:
    assert (count(Signal.TRACES, payload), parts(Signal.TRACES, payload)) == (1, 0)
    assert holders(Signal.TRACES, payload) == 0
    check(Signal.TRACES, payload, 0)


def test_what_nests_beyond_what_protobuf_reads_has_no_parts() -> None:
    assert parts(Signal.TRACES, within(b"", *(1, 5) * 60, 2, 9, 2, 2, 1)) == 0
