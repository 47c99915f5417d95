"""Two members of a oneof on the wire: protobuf lets the last one count, and so do we, though ptars keeps both."""

from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.metrics.v1.metrics_pb2 import Gauge, Metric, NumberDataPoint, Sum
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from exporter.config import Limits, Retention
from exporter.decode import decode
from exporter.model import DEFAULT_TENANT, Request, Signal
from tests.otlp import START
from tests.properties.test_decode_oracle import assert_equal_to_the_oracle

INT_AFTER_TEXT = b"\x0a\x01x\x18\x05"
"""An AnyValue with string_value "x" and then int_value 5."""


def nested(field: int, payload: bytes) -> bytes:
    """`payload` as a sub-message of fewer than 128 bytes."""
    return bytes([field << 3 | 2, len(payload)]) + payload


def request(signal: Signal, record: bytes) -> Request:
    """One record in a scope in a resource."""
    return Request(signal, DEFAULT_TENANT, START, 1, nested(1, nested(2, nested(2, record))))


def test_the_last_kind_of_an_attribute_counts() -> None:
    attribute = nested(1, b"a") + nested(2, INT_AFTER_TEXT)
    sent = request(Signal.TRACES, Span(name="s").SerializeToString() + nested(9, attribute))
    assert_equal_to_the_oracle([sent])
    assert decode([sent], Limits(), Retention()).tables["spans"]["attribute_types"].to_pylist() == ["i"]


def test_the_last_kind_of_a_body_counts() -> None:
    sent = request(Signal.LOGS, LogRecord(severity_text="INFO").SerializeToString() + nested(5, INT_AFTER_TEXT))
    assert_equal_to_the_oracle([sent])
    assert decode([sent], Limits(), Retention()).tables["logs"]["body"].to_pylist() == ["5"]


def test_the_last_data_of_a_metric_counts() -> None:
    point = NumberDataPoint(as_int=1, time_unix_nano=START)
    metric = Metric(name="m", gauge=Gauge(data_points=[point])).SerializeToString()
    metric += Metric(sum=Sum(data_points=[point])).SerializeToString()
    sent = request(Signal.METRICS, metric)
    assert_equal_to_the_oracle([sent])
    assert list(decode([sent], Limits(), Retention()).tables) == ["metrics_sum"]


def test_the_last_value_of_a_point_counts() -> None:
    point = NumberDataPoint(as_int=1).SerializeToString() + NumberDataPoint(as_double=2.5).SerializeToString()
    sent = request(Signal.METRICS, nested(5, nested(1, point)))
    assert_equal_to_the_oracle([sent])
    table = decode([sent], Limits(), Retention()).tables["metrics_gauge"]
    assert table.select(["value", "value_int"]).to_pylist() == [{"value": 2.5, "value_int": None}]
