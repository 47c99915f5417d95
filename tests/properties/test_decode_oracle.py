"""decode gives what the plain-Python oracle gives, row for row."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.config import Limits, Retention
from exporter.decode import decode
from exporter.model import TABLES, Request, Signal, arrow_schema
from tests import oracle
from tests.factories import logs_request, metrics_request, spans_request
from tests.otlp import EXPORTS, key_values, request_of
from tests.strategies import RETENTION, TINY, VAST, batches, examples, promoted_requests
from tests.wire import rewritten

SIGNALS = [(Signal.TRACES,), (Signal.METRICS,), (Signal.LOGS,), tuple(Signal)]
EXAMPLES = 50


def assert_equal_to_the_oracle(
    requests: Sequence[Request], limits: Limits = VAST, retention: Retention = RETENTION
) -> int:
    """How many rows were compared."""
    expected = oracle.decode(requests, limits, retention)
    decoded = decode(requests, limits, retention)
    assert decoded.tables.keys() == {name for name, found in expected.items() if found}
    for name, table in decoded.tables.items():
        table.validate(full=True)
        assert table.schema.equals(arrow_schema(TABLES[name])), name
        found = oracle.rows(table)
        for place, (row, wanted) in enumerate(zip(found, expected[name], strict=False)):
            wrong = {key: (row[key], value) for key, value in wanted.items() if [row[key]] != [value]}
            assert not wrong, f"{name}[{place}]: column: (decoded, oracle's)"
        assert len(found) == len(expected[name])
    sent: Counter[Signal] = Counter()
    for request in requests:
        sent[request.signal] += request.items
    assert +decoded.stored == +sent
    return sum(len(found) for found in expected.values())


@pytest.mark.parametrize("signals", SIGNALS, ids=lambda signals: "+".join(signal.label for signal in signals))
def test_generated_requests_decode_as_the_oracle_says(
    signals: tuple[Signal, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    counts: Counter[str] = Counter()

    @examples(EXAMPLES)
    @given(requests=batches(*signals), limits=st.sampled_from((Limits(), TINY)))
    def check(requests: list[Request], limits: Limits) -> None:
        counts["rows"] += assert_equal_to_the_oracle(requests, limits)
        counts["examples"] += 1

    check()
    with capsys.disabled():
        said = "+".join(signal.label for signal in signals)
        print(f"\n{said}: {counts['examples']} examples, {counts['rows']} rows")  # noqa: T201 - says how much was tried


@pytest.mark.parametrize(
    "signal", [Signal.TRACES, *(pytest.param(one, marks=pytest.mark.slow) for one in (Signal.METRICS, Signal.LOGS))]
)
def test_bytes_that_no_usual_encoder_writes_decode_as_the_oracle_says(signal: Signal) -> None:
    @examples(EXAMPLES // 4)
    @given(requests=batches(signal), seed=st.integers(0, 2**32))
    def check(requests: list[Request], seed: int) -> None:
        rng = Random(seed)
        kind = EXPORTS[signal]
        assert_equal_to_the_oracle(
            [replace(request, payload=rewritten(kind.FromString(request.payload), rng)) for request in requests]
        )

    check()


@pytest.mark.parametrize("make", [spans_request, logs_request, metrics_request], ids=lambda make: make.__name__)
def test_realistic_requests_decode_as_the_oracle_says(make: type) -> None:
    requests = [request_of(make(200, seed)) for seed in (1, 2)]
    assert assert_equal_to_the_oracle(requests, Limits(), Retention()) == 400


def test_promoted_attributes_of_every_type_decode_as_the_oracle_says() -> None:
    assert assert_equal_to_the_oracle(promoted_requests()) == 70


@pytest.mark.parametrize("signal", Signal, ids=lambda signal: signal.label)
def test_requests_without_records_give_no_tables(signal: Signal) -> None:
    export = EXPORTS[signal]()
    assert not decode([request_of(export)], Limits(), Retention()).tables
    export.ParseFromString(b"\x0a\x00\x0a\x02\x12\x00")  # one empty group, and one with an empty scope
    assert not decode([request_of(export)], Limits(), Retention()).tables


def test_no_requests_give_no_tables() -> None:
    assert not decode([], Limits(), Retention()).tables


@pytest.mark.slow
def test_very_many_distinct_keys_decode_as_the_oracle_says() -> None:
    export = spans_request(9_000)
    for place, span in enumerate(export.resource_spans[0].scope_spans[0].spans):
        del span.attributes[2:]
        span.attributes.extend(key_values({f"key-{place}": place, "again": 1}))
        span.attributes.extend(key_values({"again": 3}))
    assert assert_equal_to_the_oracle([request_of(export)], Limits(), Retention()) == 9_000
