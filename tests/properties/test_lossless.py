"""What is stored can be written back as the OTLP that it came from."""

from collections import Counter
from collections.abc import Sequence
from io import BytesIO

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given

from exporter.config import Limits
from exporter.decode import decode, encode
from exporter.model import LOW, TABLES, Request, Signal, Table, parquet_schema
from tests.canonical import canonical
from tests.factories import logs_request, metrics_request, spans_request
from tests.otlp import EXPORTS, Plain, any_value, items_of, key_values, request_of
from tests.strategies import RETENTION, VAST, batches, examples, promoted_requests

EXAMPLES = 35


def as_read_from_a_segment(table: Table, rows: pa.Table) -> pa.Table:
    """The rows after they went through a Parquet file that is written as segments are."""
    schema = parquet_schema(table)
    low = [name for name, kind in table.columns.items() if kind == LOW]
    file = BytesIO()
    with pq.ParquetWriter(file, schema, compression="zstd", use_dictionary=low, write_page_checksum=True) as writer:
        writer.write_table(rows.cast(schema))
    return pq.read_table(BytesIO(file.getvalue()), page_checksum_verification=True)


def written_back(requests: Sequence[Request], limits: Limits = VAST) -> dict[Signal, list[bytes]]:
    """The requests' records after they were decoded, stored, read and encoded."""
    payloads: dict[Signal, list[bytes]] = {signal: [] for signal in Signal}
    for name, rows in decode(requests, limits, RETENTION).tables.items():
        table = TABLES[name]
        payloads[table.signal] += encode(table, as_read_from_a_segment(table, rows))
    return payloads


@pytest.mark.parametrize("signal", Signal, ids=lambda signal: signal.label)
def test_generated_requests_come_back_as_they_were_sent(signal: Signal, capsys: pytest.CaptureFixture[str]) -> None:
    counts: Counter[str] = Counter()

    @examples(EXAMPLES)
    @given(requests=batches(signal))
    def check(requests: list[Request]) -> None:
        sent = canonical([request.payload for request in requests], signal)
        assert canonical(written_back(requests)[signal], signal) == sent
        counts["records"] += len(sent)
        counts["examples"] += 1

    check()
    with capsys.disabled():
        tried = f"{counts['examples']} examples, {counts['records']} records"
        print(f"\n{signal.label}: {tried}")  # noqa: T201 - says how much was tried


@pytest.mark.parametrize("make", [spans_request, logs_request, metrics_request], ids=lambda make: make.__name__)
def test_realistic_requests_come_back_as_they_were_sent(make: type) -> None:
    request = request_of(make(200))
    back = written_back([request], Limits())[request.signal]
    assert canonical(back, request.signal) == canonical([request.payload], request.signal)
    assert sum(items_of(EXPORTS[request.signal].FromString(payload)) for payload in back) == 200


def test_promoted_attributes_of_every_type_come_back_as_they_were_sent() -> None:
    requests = promoted_requests()
    back = written_back(requests)
    for signal in Signal:
        sent = [request.payload for request in requests if request.signal is signal]
        assert canonical(back[signal], signal) == canonical(sent, signal)


@pytest.mark.parametrize("most", [2**32 - 2, 2**32 - 1])
def test_dropped_counts_stop_at_the_most_that_otlp_can_say(most: int) -> None:
    export = spans_request(1)
    group = export.resource_spans[0]
    span = group.scope_spans[0].spans[0]
    event, link = span.events.add(), span.links.add()
    for message in (group.resource, group.scope_spans[0].scope, span, event, link):
        message.dropped_attributes_count = most
        message.attributes.extend([*key_values({"twice": 1}), *key_values({"twice": 2})])
    back = written_back([request_of(export)])[Signal.TRACES]
    assert canonical(back, Signal.TRACES) == canonical([export.SerializeToString()], Signal.TRACES)


VALUES: dict[str, Plain] = {
    "whole double": 1.0,
    "integer": 1,
    "digits": "1",
    "truth": True,
    "text of a truth": "true",
    "nothing": None,
    "empty text": "",
    "no bytes": b"",
    "empty list": [],
    "empty object": {},
    "list of nothing": [None],
    "JSON in text": '{"values":[]}',
    "OTLP's own JSON as an object": {"values": [{"intValue": "1"}]},
    "OTLP's own JSON with bytes": {"values": [{"bytesValue": b"\x00"}]},
    "bytes inside": [b"\x00", {"deep": [b"\xff"]}],
    "NaN inside": [float("nan"), float("inf"), -0.0],
    "large integer inside": [2**63 - 1, -(2**63), 2**53 + 1],
    "doubles that look whole inside": [1.0, 1e16, 1e22, -0.0],
    "five levels": {"a": [{"b": [{"c": None}]}]},
}


@pytest.mark.parametrize("value", VALUES.values(), ids=VALUES)
def test_a_value_keeps_its_type(value: Plain) -> None:
    export = spans_request(1)
    group = export.resource_spans[0]
    span = group.scope_spans[0].spans[0]
    for attributes in (group.resource.attributes, group.scope_spans[0].scope.attributes, span.attributes):
        attributes.extend(key_values({"value": value}))
    log = logs_request(1)
    log.resource_logs[0].scope_logs[0].log_records[0].body.CopyFrom(any_value(value))
    back = written_back([request_of(export), request_of(log)])
    for sent, signal in ((export, Signal.TRACES), (log, Signal.LOGS)):
        assert canonical(back[signal], signal) == canonical([sent.SerializeToString()], signal)
