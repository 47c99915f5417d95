"""OTLP/JSON, in all the forms that senders give it."""

import json
from contextlib import suppress
from typing import Any

import pytest
from google.protobuf import json_format
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from exporter.errors import Reason, Refused
from exporter.model import Signal
from exporter.receive.otlp_json import to_protobuf
from tests.exporter.receiving import to_json
from tests.otlp import EXPORTS
from tests.strategies import examples, exports

TRACE_ID = "0af7651916cd43dd8448eb211c80319c"


@examples(40)
@given(data=st.data(), signal=st.sampled_from(Signal), form=st.sampled_from(["json", "proto", "numbers"]))
def test_every_request_is_read_back_from_its_json(data: st.DataObject, signal: Signal, form: str) -> None:
    export = data.draw(exports(signal))
    body = to_json(export, preserving_proto_field_name=form == "proto", use_integers_for_enums=form == "numbers")
    read = EXPORTS[signal].FromString(to_protobuf(signal, body))
    assert json_format.MessageToDict(read) == json_format.MessageToDict(export)  # in which one NaN is like another


def span_of(fields: str) -> Span:
    body = f'{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{{{fields}}}]}}]}}]}}'
    payload = to_protobuf(Signal.TRACES, body.encode())
    return EXPORTS[Signal.TRACES].FromString(payload).resource_spans[0].scope_spans[0].spans[0]


def value(text: str) -> str:
    return f'"attributes":[{{"key":"k","value":{text}}}]'


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        (f'"traceId":"{TRACE_ID}"', Span(trace_id=bytes.fromhex(TRACE_ID))),
        (f'"traceId":"{TRACE_ID.upper()}"', Span(trace_id=bytes.fromhex(TRACE_ID))),
        ('"spanId":"","parentSpanId":"aB"', Span(parent_span_id=b"\xab")),
        ('"kind":2', Span(kind=2)),
        ('"kind":"2"', Span(kind=2)),
        ('"kind":"SPAN_KIND_SERVER"', Span(kind=2)),
        ('"kind":77', Span(kind=77)),
        ('"startTimeUnixNano":"18446744073709551615"', Span(start_time_unix_nano=2**64 - 1)),
        ('"startTimeUnixNano":18446744073709551615', Span(start_time_unix_nano=2**64 - 1)),
        ('"startTimeUnixNano":1.5e9,"flags":1.0', Span(start_time_unix_nano=1_500_000_000, flags=1)),
        ('"start_time_unix_nano":7', Span(start_time_unix_nano=7)),
        ('"name":null,"events":null,"status":{}', Span(status={})),
        ('"name":"\\u00e9\\ud83d\\ude00","unknown":{"a":[1]}', Span(name="é😀")),
    ],
)
def test_odd_forms_are_read(fields: str, expected: Span) -> None:
    assert span_of(fields) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"intValue":"-9223372036854775808"}', "int_value: -9223372036854775808"),
        ('{"intValue":5}', "int_value: 5"),
        ('{"doubleValue":"NaN"}', "double_value: nan"),
        ('{"doubleValue":"-Infinity"}', "double_value: -inf"),
        ('{"doubleValue":NaN}', "double_value: nan"),
        ('{"doubleValue":"1.5"}', "double_value: 1.5"),
        ('{"doubleValue":3}', "double_value: 3"),
        ('{"bytesValue":"AP8="}', 'bytes_value: "\\000\\377"'),
        ('{"bytesValue":"-_8"}', 'bytes_value: "\\373\\377"'),
        ('{"boolValue":true,"stringValue":null}', "bool_value: true"),
        ('{"arrayValue":{}}', "array_value { }"),
        ("{}", ""),
    ],
)
def test_odd_values_are_read(text: str, expected: str) -> None:
    read = span_of(value(text)).attributes[0].value
    assert " ".join(str(read).split()) == expected


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ('"traceId":"xyz"', "traceId is not hex: 'xyz'"),
        ('"traceId":"abc"', "traceId is not hex: 'abc'"),
        ('"spanId":"ab cd"', "spanId is not hex: 'ab cd'"),
        ('"parentSpanId":7', "parentSpanId is not hex: 7"),
        ('"links":[{"traceId":"00"},{"spanId":"q0"}]', "links[1].spanId is not hex: 'q0'"),
        ('"name":5', "name is not a string: 5"),
        ('"name":"\\ud800"', "name is not text: it holds half of a surrogate pair"),
        ('"kind":"SERVER"', "kind is not a whole number from -2147483648 to 2147483647: 'SERVER'"),
        ('"kind":true', "kind is not a whole number"),
        ('"flags":-1', "flags is not a whole number from 0 to 4294967295: -1"),
        ('"flags":1.5', "flags is not a whole number"),
        ('"flags":"1_0"', "flags is not a whole number"),
        ('"flags":NaN', "flags is not a whole number"),
        ('"startTimeUnixNano":""', "startTimeUnixNano is not a whole number"),
        (f'"startTimeUnixNano":{2**64}', "startTimeUnixNano is not a whole number"),
        ('"status":[]', "status is not an object: []"),
        ('"status":"ok"', "status is not an object: 'ok'"),
        ('"attributes":{}', "attributes is not a list: {}"),
        ('"attributes":[null]', "attributes[0] is not an object: None"),
        (value('"x"'), "attributes[0].value is not an object: 'x'"),
        (value('{"intValue":"9223372036854775808"}'), "attributes[0].value.intValue is not a whole number"),
        (value('{"doubleValue":"fast"}'), "value.doubleValue is not a number: 'fast'"),
        (value(f'{{"doubleValue":1{"0" * 400}}}'), "value.doubleValue is not a number: 1000"),
        (value('{"boolValue":"true"}'), "value.boolValue is not true or false: 'true'"),
        (value('{"bytesValue":"!"}'), "value.bytesValue is not base64: '!'"),
        (value('{"arrayValue":{"values":[{},3]}}'), "value.arrayValue.values[1] is not an object: 3"),
        (value('{"intValue":1,"stringValue":"a"}'), "value is not a value of one kind: ['intValue', 'stringValue']"),
    ],
)
def test_a_wrong_shape_is_refused_by_the_name_of_its_field(fields: str, said: str) -> None:
    with pytest.raises(Refused) as refused:
        span_of(fields)
    assert refused.value.reason is Reason.MALFORMED
    assert str(refused.value).startswith("resourceSpans[0].scopeSpans[0].spans[0].")
    assert said in str(refused.value)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "the body is not JSON: Expecting value"),
        (b"{", "the body is not JSON"),
        (b"\xff\xfe{", "the body is not JSON"),
        (b'{"resourceSpans":[]} x', "the body is not JSON: Extra data"),
        (b"[]", "the body is not an object: []"),
        (b'"text"', "the body is not an object: 'text'"),
        (b"null", "the body is not an object: None"),
        (b'{"resourceSpans":{}}', "resourceSpans is not a list: {}"),
        (b'{"resourceSpans":[1]}', "resourceSpans[0] is not an object: 1"),
        (b'{"resourceSpans":' + b"1" * 5_000 + b"}", "the body is not JSON"),
    ],
)
def test_a_body_that_is_no_request_is_refused(body: bytes, said: str) -> None:
    with pytest.raises(Refused) as refused:
        to_protobuf(Signal.TRACES, body)
    assert (refused.value.reason, said in str(refused.value)) == (Reason.MALFORMED, True), str(refused.value)


@pytest.mark.parametrize(
    "body", [b"[" * 100_000, b'{"a":' * 100_000, b'{"resourceSpans":' + b"[" * 5_000 + b"]" * 5_000]
)
def test_deep_json_is_refused_for_its_depth(body: bytes) -> None:
    with pytest.raises(Refused) as refused:
        to_protobuf(Signal.TRACES, body)
    assert refused.value.reason in {Reason.TOO_DEEP, Reason.MALFORMED}


def test_a_bomb_of_empty_objects_is_refused_unread() -> None:
    with pytest.raises(Refused, match="more than 1000000 objects and lists"):
        to_protobuf(Signal.LOGS, b'{"a":[' + b"{}," * 1_000_000 + b"{}]}")


def test_a_bomb_of_numbers_is_refused_unread() -> None:
    with pytest.raises(Refused, match="more than 3000000 values"):
        to_protobuf(Signal.METRICS, b'{"a":[' + b"1," * 3_000_001 + b"1]}")


@examples(60)
@given(
    body=st.recursive(
        st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text()),
        lambda inner: st.one_of(
            st.lists(inner),
            st.dictionaries(
                st.sampled_from(
                    [
                        "resourceSpans",
                        "scopeSpans",
                        "spans",
                        "traceId",
                        "attributes",
                        "value",
                        "arrayValue",
                        "values",
                        "intValue",
                        "doubleValue",
                        "kind",
                        "x",
                    ]
                ),
                inner,
            ),
        ),
    )
)
def test_any_json_is_read_or_refused(body: Any) -> None:
    with suppress(Refused):
        to_protobuf(Signal.TRACES, json.dumps(body).encode())
