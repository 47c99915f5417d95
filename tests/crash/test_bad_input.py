"""Odd records, case by case, against a whole server: each is stored as it is, and the good one beside it is kept.

The cases are those of the issue "The spine proved". An odd record is sent beside a good one, by gRPC, as protobuf over
HTTP and as JSON; one whose values nest too deeply is left out, and the sender is told.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count
from typing import Any, Final

import pytest
from google.rpc.code_pb2 import OK

from exporter.config import Limits
from exporter.model import Signal
from tests.crash.bad_input import Answer, attacked, bounded, by_grpc, by_http
from tests.exporter.receiving import JSON, PROTOBUF, to_json
from tests.factories import metrics_request, spans_request
from tests.otlp import START, Export, key_values
from tests.running import Server, until

NUMBERS: Final = count()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with attacked(tmp_path_factory.mktemp("odd") / "data") as started, bounded(started):
        yield started


@dataclass(frozen=True, slots=True)
class Odd:
    """A record that is odd: what is done to it, what is asked of its row, and what the answer is to be."""

    name: str
    spoil: Callable[[Any], object]
    columns: str
    row: tuple[object, ...]
    signal: Signal = Signal.TRACES
    rejected: int = 0


def fields(**values: object) -> Callable[[Any], None]:
    """Sets fields of a record."""

    def spoil(record: Any) -> None:
        for name, value in values.items():
            setattr(record, name, value)

    return spoil


def attributes(*pairs: dict[str, Any]) -> Callable[[Any], None]:
    """Gives a record these attributes, and no others."""

    def spoil(record: Any) -> None:
        del record.attributes[:]
        for pair in pairs:
            record.attributes.extend(key_values(pair))

    return spoil


def nested(depth: int) -> Any:
    value: Any = "x"
    for _ in range(depth):
        value = [value]
    return value


NAME: Final = 'a "metric"; DROP TABLE spans; --\n\'x\'\r\t\\ \u2028{label="1"} 1\n# TYPE'
TIMES: Final = "start_time_unix_nano, duration_ns, odd, clock_skew"
IDS: Final = "trace_id, span_id, odd"
MAP: Final = "attributes['a'], attribute_types, dropped_attributes_count, odd"

ODD: Final = [
    Odd("ids too short", fields(trace_id=b"\x01" * 3, span_id=b"\x02"), IDS, ("010101", "02", "trace_id,span_id")),
    Odd(
        "ids too long",
        fields(trace_id=b"\x01" * 17, span_id=b"\x02" * 9),
        IDS,
        ("01" * 17, "02" * 9, "trace_id,span_id"),
    ),
    Odd("ids all zero", fields(trace_id=bytes(16), span_id=bytes(8)), IDS, ("00" * 16, "00" * 8, "trace_id,span_id")),
    Odd("no ids", fields(trace_id=b"", span_id=b""), IDS, (None, None, "trace_id,span_id")),
    Odd("time 0", fields(start_time_unix_nano=0, end_time_unix_nano=0), TIMES, (0, 0, None, True)),
    Odd("1970", fields(start_time_unix_nano=1, end_time_unix_nano=10**9), TIMES, (1, 10**9 - 1, None, True)),
    Odd(
        "2262",
        fields(start_time_unix_nano=2**63 - 2, end_time_unix_nano=2**63 - 1),
        TIMES,
        (2**63 - 2, 1, None, True),
    ),
    Odd(
        "beyond 2262",
        fields(start_time_unix_nano=2**64 - 2, end_time_unix_nano=2**64 - 1),
        TIMES,
        (-2, 1, "time", True),
    ),
    Odd(
        "end before start",
        lambda span: fields(end_time_unix_nano=span.start_time_unix_nano - 5)(span),
        "duration_ns, odd",
        (-5, "time"),
    ),
    Odd("duplicate keys", attributes({"a": 1, "b": 2}, {"a": 3}, {"a": "4"}), MAP, ("4", "is", 2, "duplicate_key")),
    Odd(
        "10,000 attributes",
        attributes({f"a{i}" if i else "a": i for i in range(10_000)}),
        "cardinality(attributes), dropped_attributes_count, odd",
        (Limits().attributes, 10_000 - Limits().attributes, "dropped"),
    ),
    Odd("NaN", attributes({"a": float("nan")}), MAP, ("NaN", "d", 0, None)),
    Odd(
        "infinite",
        attributes({"a": float("inf"), "b": float("-inf")}),
        f"attributes['b'], {MAP}",
        ("-Infinity", "Infinity", "dd", 0, None),
    ),
    Odd("nested 20 deep", attributes({"a": nested(20)}), MAP, ("[" * 20 + '"x"' + "]" * 20, "a", 0, None)),
    Odd("nested 21 deep", attributes({"a": nested(21)}), "1", (), rejected=1),
    Odd("nested 47 deep", attributes({"a": nested(47)}), "1", (), rejected=1),
    Odd(
        "NaN point",
        lambda metric: fields(as_double=float("nan"))(metric.gauge.data_points[0]),
        "isnan(value)",
        (True,),
        Signal.METRICS,
    ),
    Odd(
        "infinite point",
        lambda metric: fields(as_double=float("-inf"))(metric.gauge.data_points[0]),
        "value",
        (float("-inf"),),
        Signal.METRICS,
    ),
    Odd("metric name", fields(name=NAME), "metric_name", (NAME,), Signal.METRICS),
]


def good_and_odd(case: Odd, service: str) -> Export:
    """Two records of `service`: one as it should be, one as the case has it."""
    number = next(NUMBERS)
    start = START + number * 10**9  # else spans of one id would be doubles
    if case.signal is Signal.TRACES:
        traces = spans_request(2, number, start, service=service)
        good, odd = traces.resource_spans[0].scope_spans[0].spans
        good.name = "good"
        case.spoil(odd)
        return traces
    points = metrics_request(1, number, start, service=service)
    metrics = points.resource_metrics[0].scope_metrics[0].metrics
    metrics.add().CopyFrom(metrics[0])
    assert metrics[0].HasField("gauge")
    metrics[0].name = "good"
    case.spoil(metrics[1])
    return points


def send(server: Server, signal: Signal, export: Export, way: str) -> Answer:
    if way == "grpc":
        return by_grpc(server, signal, export.SerializeToString())
    if way == "protobuf":
        return by_http(server, signal, export.SerializeToString(), PROTOBUF)
    return by_http(server, signal, to_json(export), JSON)


def stored(server: Server, case: Odd, service: str) -> list[tuple[Any, ...]]:
    """What was asked of the rows of `service`: the good one's name, then the odd one's columns."""
    view, name = ("spans", "name") if case.signal is Signal.TRACES else ("metrics_gauge", "metric_name")
    good = server.sql(f"SELECT {name} FROM {view} WHERE service_name = ? AND {name} = 'good'", service)
    odd = server.sql(f"SELECT {case.columns} FROM {view} WHERE service_name = ? AND {name} <> 'good'", service)
    return good + odd


@pytest.mark.parametrize("way", ["grpc", pytest.param("protobuf", marks=pytest.mark.slow), "json"])
@pytest.mark.parametrize("case", ODD, ids=[case.name for case in ODD])
def test_an_odd_record_is_stored_as_it_is_or_left_out_and_the_good_one_beside_it_is_kept(
    server: Server, case: Odd, way: str
) -> None:
    service = f"{case.name}, {way}"
    answer = send(server, case.signal, good_and_odd(case, service), way)
    assert (answer.code, answer.rejected, "not stored" in answer.said) == (OK, case.rejected, case.rejected > 0)
    expected = [("good",), *([] if case.rejected else [case.row])]
    until(lambda: len(stored(server, case, service)) >= len(expected), f"{case.name} is stored", every=0.03)
    assert stored(server, case, service) == expected
