"""What single columns hold, one case a line: the meaning that decode and the oracle share."""

from collections.abc import Mapping
from typing import Any

import pytest

from exporter.config import Limits, Retention
from exporter.decode import decode
from exporter.model import Request
from tests import oracle, oracle_values
from tests.factories import logs_request, metrics_request, spans_request
from tests.otlp import START, Plain, key_values, request_of

MINUTE = 60 * 10**9
DAY = 1_440 * MINUTE


def span_row(attributes: Mapping[str, Plain], limits: Limits | None = None, **fields: Any) -> dict[str, Any]:
    """The row of one span with these attributes and fields, received at `START`."""
    export = spans_request(1)
    span = export.resource_spans[0].scope_spans[0].spans[0]
    del span.attributes[:]
    span.attributes.extend(key_values(attributes))
    for name, value in fields.items():
        setattr(span, name, value)
    return only_row(request_of(export), limits)


def only_row(request: Request, limits: Limits | None = None) -> dict[str, Any]:
    (table,) = decode([request], limits or Limits(), Retention()).tables.values()
    (row,) = oracle.rows(table)
    return row


@pytest.mark.parametrize(
    ("value", "letter", "text"),
    [
        ("x", "s", "x"),
        ("", "s", ""),
        (True, "b", "true"),
        (-5, "i", "-5"),
        (1.0, "d", "1.0"),
        (1e16, "d", "1e+16"),
        (5e-324, "d", "5e-324"),
        (float("-inf"), "d", "-Infinity"),
        (b"\xff\x00", "y", "/wA="),
        (None, "n", None),
        ([1, 1.0, "é", None, True], "a", '[1,1.0,"é",null,true]'),
        ({"b": [], "a": {}}, "k", '{"b":[],"a":{}}'),
        ([1, b"\xff"], "A", '{"values":[{"intValue":"1"},{"bytesValue":"/w=="}]}'),
        ({"a": float("nan")}, "K", '{"values":[{"key":"a","value":{"doubleValue":"NaN"}}]}'),
    ],
)
def test_an_attribute_is_a_letter_and_a_text(value: Plain, letter: str, text: str | None) -> None:
    row = span_row({"a": value})
    assert (row["attribute_types"], row["attributes"]) == (letter, [("a", text)])


def test_a_promoted_attribute_of_the_right_type_is_in_its_column_too() -> None:
    right = span_row({"before": 1, "http.response.status_code": 200})
    assert right["attributes"] == [("before", "1"), ("http.response.status_code", "200")]
    assert right["http_response_status_code"] == 200
    wrong = span_row({"http.response.status_code": "200"})
    assert (wrong["http_response_status_code"], wrong["attribute_types"]) == (None, "s")


def test_the_last_of_equal_keys_stays_and_the_others_count_as_dropped() -> None:
    export = logs_request(1)
    log = export.resource_logs[0].scope_logs[0].log_records[0]
    del log.attributes[:]
    for value in (1, 2, 3):
        log.attributes.extend(key_values({"a": value, f"b{value}": 0}))
    row = only_row(request_of(export))
    assert row["attributes"] == [("b1", "0"), ("b2", "0"), ("a", "3"), ("b3", "0")]
    assert (row["dropped_attributes_count"], row["odd"]) == (2, "duplicate_key")


def test_limits_cut_text_between_characters_and_say_so() -> None:
    row = span_row({"a": "ééé", "input.value": "ééé"}, Limits(value_bytes=5, prompt_bytes=6))
    assert (row["attributes"], row["odd"]) == ([("a", "éé"), ("input.value", "ééé")], "truncated")


def test_an_array_that_is_cut_is_text_but_was_not_sent_as_text() -> None:
    row = span_row({"user.id": ["abc"], "ax.tenant.id": ["abc"]}, Limits(value_bytes=4))
    assert (row["attributes"], row["attribute_types"]) == ([("user.id", '["ab'), ("ax.tenant.id", '["ab')], "ss")
    assert (row["user_id"], row["tenant_id"], row["odd"]) == (None, "default", "truncated")


def test_numbers_are_never_cut() -> None:
    numbers: dict[str, Plain] = {"truth": True, "integer": -(2**63), "double": 1e-300}
    texts = [("truth", "true"), ("integer", "-9223372036854775808"), ("double", "1e-300")]
    export = spans_request(1)
    group = export.resource_spans[0]
    for attributes in (group.resource.attributes, group.scope_spans[0].spans[0].attributes):
        del attributes[:]
        attributes.extend(key_values(numbers))
    row = only_row(request_of(export), Limits(value_bytes=3))
    assert (row["attributes"], row["attribute_types"], row["odd"]) == (texts, "bid", None)
    assert (row["resource_attributes"], row["resource_attribute_types"]) == (oracle_values.literal(texts), "bid")


def test_attributes_beyond_the_limits_count_as_dropped() -> None:
    row = span_row({"too long": 1, "a": 1, "b": 2, "c": 3}, Limits(attributes=2, key_bytes=3))
    assert (row["attributes"], row["dropped_attributes_count"], row["odd"]) == ([("a", "1"), ("b", "2")], 2, "dropped")


@pytest.mark.parametrize(
    ("fields", "odd"),
    [
        ({}, None),
        ({"trace_id": b""}, "trace_id"),
        ({"trace_id": bytes(16), "span_id": b"\x01"}, "trace_id,span_id"),
        ({"parent_span_id": b"\x01" * 9}, "parent_span_id"),
        ({"parent_span_id": bytes(8)}, None),
        ({"end_time_unix_nano": START - 1}, "time"),
        ({"end_time_unix_nano": 2**63}, "time"),
    ],
)
def test_what_is_odd_about_a_span_is_said(fields: dict[str, Any], odd: str | None) -> None:
    assert span_row({}, **fields)["odd"] == odd


@pytest.mark.parametrize(
    ("end", "skewed"),
    [
        (START + 10 * MINUTE, False),
        (START + 10 * MINUTE + 1, True),
        (START - 7 * DAY, False),
        (START - 7 * DAY - 1, True),
        (0, False),  # then its start counts
        (2**64 - 1, True),
    ],
)
def test_a_span_is_skewed_when_its_end_is_not_in_the_time_that_is_kept(end: int, skewed: bool) -> None:  # noqa: FBT001 - a column's value
    assert span_row({}, end_time_unix_nano=end)["clock_skew"] is skewed


def test_times_are_kept_to_the_bit() -> None:
    row = span_row({}, start_time_unix_nano=2**64 - 1, end_time_unix_nano=1)
    assert (row["start_time_unix_nano"], row["start_time"], row["duration_ns"]) == (-1, (2**64 - 1) // 1000, 2)


@pytest.mark.parametrize(("kind", "text"), [(0, "UNSPECIFIED"), (5, "CONSUMER"), (6, "6"), (-1, "-1")])
def test_an_unknown_enum_number_is_text(kind: int, text: str) -> None:
    assert span_row({}, kind=kind)["kind"] == text


@pytest.mark.parametrize(
    ("token", "own", "of_resource", "tenant"),
    [
        ("acme", "own", "shared", "acme"),
        ("default", "own", "shared", "own"),
        ("default", 5, "shared", "shared"),
        ("default", "", "shared", ""),
        ("default", None, "", ""),
        ("default", None, None, "default"),
    ],
)
def test_the_tenant_is_that_of_the_token_then_of_the_record_then_of_the_resource(
    token: str, own: Plain, of_resource: Plain, tenant: str
) -> None:
    export = metrics_request(1)
    group = export.resource_metrics[0]
    group.resource.attributes.extend(key_values({"ax.tenant.id": of_resource}))
    group.scope_metrics[0].metrics[0].gauge.data_points[0].attributes.extend(key_values({"ax.tenant.id": own}))
    assert only_row(request_of(export, tenant=token))["tenant_id"] == tenant


def test_resource_attributes_are_the_literal_of_a_map() -> None:
    export = spans_request(1)
    resource = export.resource_spans[0].resource
    resource.Clear()
    resource.attributes.extend(key_values({"service.name": 'a "b" \\', "empty": None, "service.version": 2}))
    row = only_row(request_of(export))
    assert row["resource_attributes"] == r'{"service.name"="a \"b\" \\", "empty"=NULL, "service.version"="2"}'
    assert (row["resource_attribute_types"], row["service_name"], row["service_version"]) == ("sni", 'a "b" \\', "2")


def test_a_pending_span_has_a_table_of_its_own() -> None:
    export = spans_request(3)
    spans = export.resource_spans[0].scope_spans[0].spans
    spans[1].attributes.extend(key_values({"ax.span.pending": True}))
    spans[2].attributes.extend(key_values({"ax.span.pending": False}))
    tables = decode([request_of(export)], Limits(), Retention()).tables
    assert {name: table.num_rows for name, table in tables.items()} == {"spans": 2, "spans_pending": 1}
