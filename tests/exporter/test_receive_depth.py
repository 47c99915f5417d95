"""Values that nest too deeply: their records are cut out of a request, and the rest is stored."""

import json
from collections.abc import Iterator
from typing import Any, Final

import grpc
import httpx
import pytest
from google.protobuf import json_format
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.common.v1.common_pb2 import AnyValue

from exporter.errors import Reason, Refused
from exporter.model import Signal
from exporter.receive import parse as parsing
from exporter.receive.messages import REJECTED, RESPONSES
from exporter.receive.parse import Parsed, parse
from tests.exporter.receiving import JSON, PROTOBUF, URLS, Receiver, deep_bytes, deep_json, receiving, refusal, within
from tests.factories import spans_request
from tests.otlp import EXPORTS, Export, any_value, items_of
from tests.strategies import examples, exports

DEPTH: Final = 20

# Where a value can be, in a request of four items of two resources, and how many of the items it belongs to.
# A number is a place in a list, + a new element of it.
PLACES: Final = [
    (Signal.TRACES, "resource_spans.0.resource.attributes.+.value", 2),
    (Signal.TRACES, "resource_spans.0.scope_spans.0.scope.attributes.+.value", 2),
    (Signal.TRACES, "resource_spans.0.scope_spans.0.spans.0.attributes.+.value", 1),
    (Signal.TRACES, "resource_spans.0.scope_spans.0.spans.1.events.+.attributes.+.value", 1),
    (Signal.TRACES, "resource_spans.1.scope_spans.0.spans.0.links.+.attributes.+.value", 1),
    (Signal.LOGS, "resource_logs.0.resource.attributes.+.value", 2),
    (Signal.LOGS, "resource_logs.0.scope_logs.0.scope.attributes.+.value", 2),
    (Signal.LOGS, "resource_logs.0.scope_logs.0.log_records.1.attributes.+.value", 1),
    (Signal.LOGS, "resource_logs.1.scope_logs.0.log_records.0.body", 1),
    (Signal.METRICS, "resource_metrics.0.resource.attributes.+.value", 2),
    (Signal.METRICS, "resource_metrics.0.scope_metrics.0.scope.attributes.+.value", 2),
    (Signal.METRICS, "resource_metrics.0.scope_metrics.0.metrics.0.metadata.+.value", 1),
    (Signal.METRICS, "resource_metrics.0.scope_metrics.0.metrics.0.gauge.data_points.0.attributes.+.value", 1),
    (Signal.METRICS, "resource_metrics.1.scope_metrics.0.metrics.1.summary.data_points.0.attributes.+.value", 1),
    *(
        (Signal.METRICS, f"resource_metrics.1.scope_metrics.+.metrics.+.{kind}.data_points.+.{attributes}.+.value", 1)
        for kind in ("sum", "histogram", "exponential_histogram")
        for attributes in ("attributes", "exemplars.+.filtered_attributes")
    ),
]


@pytest.fixture(scope="module")
def receiver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Receiver]:
    with receiving(tmp_path_factory.mktemp("data")) as running:
        yield running


def four_items(signal: Signal) -> Export:
    export = EXPORTS[signal]()
    for group in range(2):
        for item in range(2):
            name = f"resource_{'spans' if signal is Signal.TRACES else signal.label}"
            base = f"{name}.{group}.{name.replace('resource', 'scope')}.0"
            match signal:
                case Signal.TRACES:
                    reach(export, f"{base}.spans.{item}").name = "a"
                case Signal.LOGS:
                    reach(export, f"{base}.log_records.{item}").severity_text = "a"
                case Signal.METRICS:
                    kind = ("gauge", "summary")[item]
                    reach(export, f"{base}.metrics.{item}.{kind}.data_points.0").time_unix_nano = 1
    return export


def reach(message: Any, path: str) -> Any:
    """The part of a message at `path`; what is missing on the way is made."""
    for step in path.split("."):
        if step == "+" or (step.isdigit() and len(message) == int(step)):
            message = message.add()
        else:
            message = message[int(step)] if step.isdigit() else getattr(message, step)
    return message


def span_with(value: AnyValue) -> Export:
    export = EXPORTS[Signal.TRACES]()
    reach(export, "resource_spans.+.scope_spans.+.spans.+.attributes.+.value").CopyFrom(value)
    return export


def arrays(depth: int) -> AnyValue:
    value: Any = "x"
    for _ in range(depth):
        value = [value]
    return any_value(value)


def lists(depth: int) -> AnyValue:
    value: Any = "x"
    for _ in range(depth):
        value = {"k": value}
    return any_value(value)


def test_the_installed_protobuf_reads_100_messages_one_in_another() -> None:
    assert parsing._MOST_NESTED == 100  # noqa: SLF001 - what the check of depth is built on


@pytest.mark.parametrize("nest", [arrays, lists])
@pytest.mark.parametrize(("signal", "place", "cut"), PLACES, ids=[place for _, place, _ in PLACES])
def test_a_deep_value_takes_what_it_belongs_to_out_of_the_request_wherever_it_is(
    signal: Signal, place: str, cut: int, nest: Any
) -> None:
    export = four_items(signal)
    reach(export, place).CopyFrom(nest(DEPTH))
    items = items_of(export)
    allowed = parse(signal, export.SerializeToString(), DEPTH)
    assert (allowed.items, allowed.cut) == (items, 0)
    assert EXPORTS[signal].FromString(allowed.payload) == export

    export = four_items(signal)
    reach(export, place).CopyFrom(nest(DEPTH + 1))
    left = parse(signal, export.SerializeToString(), DEPTH)
    assert (left.items, left.cut) == (items - cut, cut)
    kept = EXPORTS[signal].FromString(left.payload)
    assert items_of(kept) == left.items
    assert parse(signal, left.payload, DEPTH) == Parsed(left.payload, left.items)


@pytest.mark.parametrize("depth", [0, 1, 5, 20, 30, 46])
@pytest.mark.parametrize("signal", [Signal.TRACES, Signal.LOGS])
def test_every_limit_is_kept_to_the_level(depth: int, signal: Signal) -> None:
    place = next(place for kind, place, cut in PLACES if kind is signal and cut == 1)
    for nested in (depth, depth + 1):
        export = four_items(signal)
        reach(export, place).CopyFrom(arrays(nested))
        assert parse(signal, export.SerializeToString(), depth).cut == nested - depth


@pytest.mark.parametrize("depth", [48, 100, 10_000, 200_000])
def test_what_protobuf_itself_does_not_read_is_refused_and_depth_is_named(receiver: Receiver, depth: int) -> None:
    error = refusal(lambda: receiver.call(deep_bytes(depth)))
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert "nests values deeper than protobuf is read" in error.details()
    answer = httpx.post(f"{receiver.http}/v1/traces", content=deep_json(depth), headers=JSON, timeout=20)
    assert (answer.status_code, "deep" in answer.json()["message"]) == (400, True)


@pytest.mark.parametrize("depth", [21, 47])
def test_what_is_cut_is_told_as_a_partial_success(receiver: Receiver, depth: int) -> None:
    said = "1 of 2 spans are not stored: a value nests deeper than 20; send it as a string of JSON"
    before = {name: receiver.counted(name) for name in ("received_items", "accepted_items", "refused_items")}
    sent = span_with(arrays(depth))
    reach(sent, "resource_spans.0.scope_spans.0.spans.+").name = f"kept {depth}"
    expected = RESPONSES[Signal.TRACES]()
    expected.partial_success.rejected_spans, expected.partial_success.error_message = 1, said

    assert RESPONSES[Signal.TRACES].FromString(receiver.call(sent.SerializeToString())) == expected
    stored = EXPORTS[Signal.TRACES].FromString(receiver.stored()[-1].payload)
    assert (items_of(stored), receiver.stored()[-1].items) == (1, 1)
    assert reach(stored, "resource_spans.0.scope_spans.0.spans.0.name") == f"kept {depth}"
    answer = httpx.post(f"{receiver.http}/v1/traces", content=deep_json(depth), headers=JSON)
    assert answer.status_code == 200
    assert answer.json() == json_format.MessageToDict(expected)
    after = {name: receiver.counted(name) for name in before}
    assert [after[name] - before[name] for name in before] == [4, 2, 2]
    assert receiver.counted("refused_items", reason="too_deep") >= 2


@pytest.mark.parametrize("signal", list(Signal))
def test_where_all_is_cut_nothing_is_journalled(receiver: Receiver, signal: Signal) -> None:
    place, cut = next((place, cut) for kind, place, cut in PLACES if kind is signal)
    export = four_items(signal)
    reach(export, place).CopyFrom(arrays(DEPTH + 1))
    reach(export, place.replace(".0.", ".1.", 1)).CopyFrom(lists(DEPTH + 1))
    stored = len(receiver.stored())
    answer = httpx.post(receiver.http + URLS[signal], content=export.SerializeToString(), headers=PROTOBUF)
    partial = RESPONSES[signal].FromString(answer.content).partial_success
    assert (answer.status_code, getattr(partial, REJECTED[signal])) == (200, 2 * cut)
    assert len(receiver.stored()) == stored


def values(depth: int) -> st.SearchStrategy[Any]:
    """Values that nest up to about `depth`, in which something deep may hide behind something shallow."""
    return st.recursive(
        st.one_of(st.none(), st.just("s"), st.integers(1, depth).map(lambda n: json.loads("[" * n + "]" * n))),
        lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text("ab"), inner, max_size=3)),
        max_leaves=6,
    )


def depth_of(value: Any) -> int:
    if not isinstance(value, list | dict):
        return 0
    return 1 + max(map(depth_of, value.values() if isinstance(value, dict) else value), default=0)


@examples(200)
@given(value=values(12), limit=st.integers(0, 12))
def test_a_value_is_cut_exactly_when_it_nests_deeper_than_the_limit(value: Any, limit: int) -> None:
    parsed = parse(Signal.TRACES, span_with(any_value(value)).SerializeToString(), limit)
    assert parsed.cut == (depth_of(value) > limit)


@examples(30)
@given(data=st.data(), signal=st.sampled_from(Signal))
def test_what_is_not_deep_is_kept_to_the_byte(data: st.DataObject, signal: Signal) -> None:
    export = data.draw(exports(signal))
    payload = export.SerializeToString()
    assert parse(signal, payload, DEPTH) == Parsed(payload, items_of(export))


def test_a_deep_value_that_a_later_one_replaces_does_not_reach_the_journal() -> None:
    deep = arrays(DEPTH + 1).SerializeToString() + AnyValue(string_value="x").SerializeToString()
    parsed = parse(Signal.TRACES, within(deep, 2, 9, 2, 2, 1), DEPTH)
    assert parsed == Parsed(span_with(AnyValue(string_value="x")).SerializeToString(), 1)


def test_one_deep_span_among_thousands_is_found() -> None:
    export = spans_request(3_000)
    reach(export, "resource_spans.0.scope_spans.0.spans.2109.attributes.+.value").CopyFrom(lists(DEPTH + 1))
    parsed = parse(Signal.TRACES, export.SerializeToString(), DEPTH)
    assert (parsed.items, parsed.cut) == (2_999, 1)


def test_thousands_of_deep_spans_are_refused_as_one_rather_than_looked_at() -> None:
    export = EXPORTS[Signal.TRACES]()
    spans = reach(export, "resource_spans.+.scope_spans.+.spans")
    for _ in range(5_000):
        reach(spans, "+.attributes.+.value").CopyFrom(arrays(DEPTH + 1))
    with pytest.raises(Refused, match="in too many places") as refused:
        parse(Signal.TRACES, export.SerializeToString(), DEPTH)
    assert refused.value.reason is Reason.TOO_DEEP


def test_a_refusal_for_depth_has_its_own_reason() -> None:
    with pytest.raises(Refused) as refused:
        parse(Signal.TRACES, deep_bytes(60), DEPTH)
    assert refused.value.reason is Reason.TOO_DEEP
