"""What spans mean: decode gives what the oracle gives for every vendor's names, and stored rows are computed anew."""

from random import Random
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from exporter.config import Limits
from exporter.decode import decode
from exporter.decode.anew import COMPUTED, is_current, normalised
from exporter.decode.mapping import CANONICAL, COUNTED, FIRST_CHUNK_EVENTS, OF_NAMES, SOURCES, TOTALS, Source
from exporter.model import INT, REAL, TABLES, arrow_schema, parquet_schema
from otel_ax import semconv
from tests import oracle
from tests.otlp import START, Plain, key_values, request_of
from tests.properties.test_decode_oracle import assert_equal_to_the_oracle
from tests.strategies import RETENTION, VAST, examples

MODELS: Final = (
    "gpt-4o-mini",
    "gpt-4o-2024-08-06",
    "claude-sonnet-4-5",
    "gemini-2.5-pro",
    "gemini-2.5-flash",
    "gpt-4o-audio-preview",
    "deepseek-chat",
    "text-embedding-3-small",
    "nova-3",
    "sonic-2",
    "nobody-knows",
    "",
)
PROVIDERS: Final = ("openai", "OpenAI", "anthropic", "gemini", "openai.chat", "deepgram", "cartesia", "nobody", "")
COUNTS: Final = (0, 1, 7, 1_000, 199_999, 250_000, 2**26 + 1, 2**40, -5)
NAMES: Final = ("turn", "conversation", "agent_turn", "tts_request", "step", "chat gpt")
OPERATIONS: Final = (*sorted(COUNTED), "execute_tool", "invoke_agent", "invoke_workflow", "chain", "embedding")


def attributes(rng: Random) -> dict[str, Plain]:
    """Some of all names that anybody has for anything, with values that fit, mostly."""
    chosen: dict[str, Plain] = {}
    if rng.random() < 0.6:
        chosen[semconv.OPERATION_NAME] = rng.choice(OPERATIONS)
        chosen[semconv.PROVIDER_NAME] = rng.choice(PROVIDERS)
        chosen[rng.choice((semconv.REQUEST_MODEL, semconv.RESPONSE_MODEL))] = rng.choice(MODELS)
        for name in (semconv.INPUT_TOKENS, semconv.OUTPUT_TOKENS):
            chosen[name] = rng.choice(COUNTS)
    for canonical in rng.sample(sorted(CANONICAL), rng.randrange(5)):
        asked = (*SOURCES.get(canonical, ()), Source(canonical))
        source = rng.choice(asked)
        chosen[source.attribute] = value_for(rng, canonical, source)
    if rng.random() < 0.2:
        total = rng.choice(TOTALS)
        chosen[total.attribute] = value_for(rng, semconv.INPUT_TOKENS, total)
    if rng.random() < 0.1:
        chosen[semconv.COST_UNPRICED] = rng.choice((semconv.NESTED, "unknown model"))
    if rng.random() < 0.3:
        chosen["gen_ai.response.id"] = rng.choice(("one", "two"))
    return chosen


def value_for(rng: Random, canonical: str, source: Source) -> Plain:
    """A value of the type of a canonical attribute; now and then of another."""
    kind = CANONICAL[canonical]
    value: Any
    if kind == INT:
        value = rng.choice(COUNTS)
    elif kind == REAL:
        value = rng.choice((0.0, 0.25, 1.5, 1e12, float("nan"), -1.0))
    else:
        value = rng.choice(("", "x", "workflow", "planner", *PROVIDERS, *MODELS))
    if source.names:
        value = rng.choice((*source.names, "nothing"))
    if source.path:
        value = within(rng.choice(source.path), value)
    if rng.random() < 1 / 20:
        return rng.choice((True, 3.0, 2.5, "12", "1e3", 7, [1, 2]))
    return value


def within(path: str, value: Any) -> str:
    """JSON in which a value stands at a path; or a dict as Python prints it."""
    made: Any = value
    for place in reversed(path.split(".")):
        made = {"a": 1.5, "b": value} if place == "*" else {place: made}
    return str(made).replace("'", '"')


def request(rng: Random) -> ExportTraceServiceRequest:
    """Spans of a few scopes and traces whose ids are few, so that they nest."""
    export = ExportTraceServiceRequest()
    for scope in rng.choices((*OF_NAMES, "ai", "pipecat", "other"), k=rng.randint(1, 3)):
        group = export.resource_spans.add().scope_spans.add()
        group.scope.name = scope
        for place in range(rng.randrange(7)):
            start = START + rng.choice((0, 0, place, place * 86_400 * 10**9))
            span = group.spans.add(
                trace_id=bytes([1 + rng.randrange(2)]) * 16,
                span_id=bytes([1 + rng.randrange(8)]) * 8,
                parent_span_id=rng.choice((b"", bytes([1 + rng.randrange(8)]) * 8)),
                name=rng.choice(NAMES),
                start_time_unix_nano=start,
                end_time_unix_nano=start + rng.choice((0, 5, 10)),
                attributes=key_values(attributes(rng)),
            )
            span.status.code = rng.choice((0, 2))
            for event in rng.sample(("exception", "other", *sorted(FIRST_CHUNK_EVENTS)), rng.randrange(3)):
                told: dict[str, Plain] = {"exception.type": rng.choice(("ValueError", 3))} if rng.random() < 0.8 else {}
                span.events.add(name=event, time_unix_nano=start + rng.choice((-5, 0, 3)), attributes=key_values(told))
    return export


def test_spans_of_every_vendor_mean_what_the_oracle_says() -> None:
    @examples(100)
    @given(seed=st.integers(0, 2**64), limits=st.sampled_from((VAST, Limits())))
    def check(seed: int, limits: Limits) -> None:
        rng = Random(seed)
        assert_equal_to_the_oracle([request_of(request(rng)) for _ in range(rng.randint(1, 3))], limits, RETENTION)

    check()


def test_stored_rows_are_understood_anew_as_they_were_decoded() -> None:
    @examples(60)
    @given(seed=st.integers(0, 2**64))
    def check(seed: int) -> None:
        rng = Random(seed)
        decoded = decode([request_of(request(rng)) for _ in range(rng.randint(1, 3))], Limits(), RETENTION).tables
        for name in decoded.keys() & {"spans", "spans_pending"}:
            stored = stored_by_nobody(decoded[name], rng)
            assert oracle.rows(normalised(stored)) == oracle.rows(decoded[name])
            assert is_current(normalised(stored))
            assert normalised(decoded[name]) is decoded[name]

    check()


def stored_by_nobody(rows: pa.Table, rng: Random) -> pa.Table:
    """The rows after a segment, without what is computed, as an older version would have written them."""
    table = TABLES["spans"]
    file = pa.BufferOutputStream()
    with pq.ParquetWriter(file, parquet_schema(table)) as writer:
        writer.write_table(rows.cast(parquet_schema(table)), row_group_size=rng.randint(1, 10))
    read = pq.read_table(pa.BufferReader(file.getvalue())).cast(arrow_schema(table))
    for column in COMPUTED:
        place = read.schema.get_field_index(column)
        read = read.set_column(place, read.schema.field(place), pa.nulls(read.num_rows, read.schema.field(place).type))
    return read
