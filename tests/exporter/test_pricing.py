"""Cost in columns: hand-computed prices of every kind of usage, and what is not priced."""

from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from exporter.config import Limits, Retention
from exporter.decode import decode
from exporter.decode.pricing import forget_prices
from otel_ax import semconv
from tests.otlp import START, Plain, key_values, request_of

# US dollars a million tokens on 2026-11-21 (genai-prices 0.2.3): input, cache read, cache write, output.
SONNET = {"gen_ai.provider.name": "anthropic", "gen_ai.request.model": "claude-sonnet-4-5"}  # 3, 0.3, 3.75, 15
MINI = {"gen_ai.provider.name": "openai", "gen_ai.request.model": "gpt-5-mini"}  # 0.25, 0.025, -, 2
CACHED = {"gen_ai.usage.cache_read.input_tokens": 2000, "gen_ai.usage.cache_write.input_tokens": 500}


def spans(*calls: dict[str, Plain]) -> pa.Table:
    """The rows of some calls of chat."""
    export = ExportTraceServiceRequest()
    group = export.resource_spans.add().scope_spans.add()
    for place, attributes in enumerate(calls, 1):
        told = key_values({"gen_ai.operation.name": "chat", **attributes})
        group.spans.add(trace_id=bytes([place]) * 16, span_id=b"s" * 8, start_time_unix_nano=START, attributes=told)
    return decode([request_of(export)], Limits(), Retention()).tables["spans"]


def usd(nanos: int | None) -> Decimal | None:
    return None if nanos is None else Decimal(nanos) / 10**9


@pytest.mark.parametrize(
    ("call", "tokens_input", "cost"),
    [
        ({**SONNET, **CACHED, "gen_ai.usage.input_tokens": 2600}, 2600, "0.002775"),  # 100, 2000 and 500
        ({**SONNET, **CACHED, "gen_ai.usage.input_tokens": 100}, 2600, "0.002775"),  # the same, told apart
        ({**MINI, "gen_ai.usage.input_tokens": 2000, "gen_ai.usage.output_tokens": 300}, 2000, "0.0011"),
        (
            {
                **MINI,
                "gen_ai.usage.input_tokens": 2000,
                "gen_ai.usage.cache_read.input_tokens": 1536,
                "gen_ai.usage.output_tokens": 300,
                "gen_ai.usage.reasoning.output_tokens": 192,
            },
            2000,
            "0.0007544",
        ),
        ({"gen_ai.request.model": "nobody-knows", "gen_ai.usage.input_tokens": 5}, 5, None),
    ],
)
def test_usage_costs_what_the_table_says(call: dict[str, Plain], tokens_input: int, cost: str | None) -> None:
    (row,) = spans(call).to_pylist()
    assert row["gen_ai_usage_input_tokens"] == tokens_input
    assert usd(row["cost_nanos"]) == (None if cost is None else Decimal(cost))
    parts = [row[f"cost_{part}_nanos"] for part in ("input", "cache_read", "cache_write", "output", "other")]
    assert parts == [None] * 5 if cost is None else sum(parts) == row["cost_nanos"]
    assert (row["price_version"] is None) == (cost is None)
    assert (row["unpriced"] is None) == (cost is not None)


def test_a_total_tells_that_cached_tokens_are_left_out() -> None:
    told = {**SONNET, "gen_ai.usage.input_tokens": 3000, "gen_ai.usage.cache_read.input_tokens": 2000}
    left_out, among = spans(
        {**told, "gen_ai.usage.total_tokens": 5000}, {**told, "gen_ai.usage.total_tokens": 3000}
    ).to_pylist()
    assert (left_out["gen_ai_usage_input_tokens"], usd(left_out["cost_nanos"])) == (5000, Decimal("0.0096"))
    assert (among["gen_ai_usage_input_tokens"], usd(among["cost_nanos"])) == (3000, Decimal("0.0036"))
    assert (left_out["tokens_inclusive"], among["tokens_inclusive"]) == (False, True)


def test_what_the_sender_says_is_kept_beside() -> None:
    (row,) = spans({**MINI, "gen_ai.usage.input_tokens": 4, semconv.COST: 0.5}).to_pylist()
    assert (usd(row["cost_nanos"]), usd(row["cost_reported_nanos"])) == (Decimal("0.000001"), Decimal("0.5"))


def test_audio_has_a_part_of_its_own() -> None:
    call = {
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "gpt-4o-audio-preview",  # 2.5 and 10 for text, 40 and 80 for audio
        "gen_ai.usage.input_tokens": 1000,
        "gen_ai.usage.audio.input_tokens": 400,
        "gen_ai.usage.output_tokens": 100,
        "gen_ai.usage.audio.output_tokens": 60,
    }
    (row,) = spans(call).to_pylist()
    assert usd(row["cost_input_nanos"]) == Decimal("0.0015")
    assert usd(row["cost_output_nanos"]) == Decimal("0.0004")
    assert usd(row["cost_other_nanos"]) == Decimal("0.016") + Decimal("0.0048")


def test_speech_is_priced_by_the_second_and_by_the_character() -> None:
    heard = {"gen_ai.operation.name": "stt", "gen_ai.provider.name": "deepgram", "gen_ai.request.model": "nova-3"}
    spoken = {"gen_ai.operation.name": "tts", "gen_ai.provider.name": "deepgram", "gen_ai.request.model": "aura-2"}
    listened, said = spans(
        {**heard, semconv.SPEECH_SECONDS: 30.0}, {**spoken, semconv.SPEECH_CHARACTERS: 2000}
    ).to_pylist()
    assert usd(listened["cost_other_nanos"]) == usd(listened["cost_nanos"]) == Decimal("0.0024")
    assert said["cost_nanos"] is not None
    assert said["cost_other_nanos"] == said["cost_nanos"] > 0


@pytest.mark.parametrize(
    "text",
    [
        'price = ["x"]',
        '[[price]]\nmodel = "x"\ninput_mtok = "abc"',
        '[[price]]\nmodel = "x"\ninput_mtok = 1\nfrom = "soon"',
        '[[price]]\nmodel = "x"\ninput_mtok = 1\nfrom = 5',
        '[[price]]\nmodel = "x"\ninput_mtok = 1\nfrom = 2020-01-01T00:00:00',
        '[[price]]\nmodel = "x"\ninput_mtok = 1\nprovider = 5',
        '[[price]]\nmodel = "x"\ninput_mtok = 1e-30',
        '[[price]]\nmodel = "x"\ninput_mtok = 1e-30\noutput_mtok = 1e30',
    ],
)
def test_whatever_the_users_prices_say_spans_are_decoded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    (tmp_path / "prices.toml").write_text(text)
    monkeypatch.setenv("AX_PRICES", str(tmp_path / "prices.toml"))
    forget_prices()
    usage = {"gen_ai.usage.input_tokens": 2000, "gen_ai.usage.output_tokens": 300}
    rows = spans({**MINI, **usage}, {"gen_ai.request.model": "x", **usage}).to_pylist()
    monkeypatch.undo()
    forget_prices()
    assert usd(rows[0]["cost_nanos"]) == Decimal("0.0011")
    assert len(rows) == 2
