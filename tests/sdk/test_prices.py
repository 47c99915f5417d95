"""Prices: equal to genai-prices' own arithmetic, split into parts that add up, never guessed."""

import json
import subprocess
import sys
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import genai_prices
import pytest
from genai_prices.data import providers
from hypothesis import given
from hypothesis import strategies as st

from otel_ax import semconv
from otel_ax.errors import BadSettings
from otel_ax.prices import Price, Unpriced, Usage, price, usage_of
from otel_ax.rates import OUR_TABLE, read_table

DAY = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
AT_NS = int(DAY.timestamp()) * 1_000_000_000

MODELS = [(provider.id, model.id) for provider in providers for model in provider.models]
OURS = ("gpt-4o-audio-preview", "gpt-4o-mini-audio-preview")
"""Priced by our table, which genai-prices prices without their audio."""


def priced(provider: str | None, model: str | None, usage: Usage, at_ns: int = AT_NS) -> Price:
    found = price(provider, model, usage, at_ns)
    assert isinstance(found, Price), found
    return found


@st.composite
def usages(draw: st.DrawFn) -> Usage:
    read, write, rest = (draw(st.integers(0, 400_000)) for _ in range(3))
    reasoning, spoken = draw(st.integers(0, 50_000)), draw(st.integers(0, 50_000))
    return Usage(input=read + write + rest, cache_read=read, cache_write=write, output=reasoning + spoken)


@given(st.sampled_from(MODELS), usages(), st.integers(0, 23))
def test_a_price_is_genai_prices_own_to_the_nano_dollar(named: tuple[str, str], usage: Usage, hour: int) -> None:
    provider, model = named
    at = DAY.replace(hour=hour)
    found = price(provider, model, usage, int(at.timestamp()) * 1_000_000_000)
    theirs = genai_prices.Usage(
        input_tokens=usage.input,
        cache_read_tokens=usage.cache_read,
        cache_write_tokens=usage.cache_write,
        output_tokens=usage.output,
    )
    if model.startswith(OURS):
        return
    try:
        told = genai_prices.calc_price(theirs, model, provider_id=provider, genai_request_timestamp=at)
    except LookupError:  # the id of a model need not be a name that it is called by
        assert found in {Unpriced("unknown model"), Unpriced("no usage")}
        return
    if isinstance(found, Unpriced):
        assert found.reason in {"no rate", "no usage"}
        assert told.total_price == 0 or "requests_kcount" in vars(told.model_price)
        return
    assert abs(Decimal(found.nanos) - told.total_price * 10**9) <= Decimal("0.500001")
    assert sum(found.buckets.values()) == found.nanos


@given(st.sampled_from(MODELS), st.tuples(*[st.integers(0, 300_000)] * 10), st.sampled_from([None, True, False]))
def test_buckets_of_any_usage_are_not_negative_and_add_up(
    named: tuple[str, str],
    counts: tuple[int, ...],
    inclusive: bool | None,  # noqa: FBT001 (drawn)
) -> None:
    usage = Usage(*counts[:7], seconds=counts[7] / 7, characters=counts[8], audio_cache_read=counts[9],
                  inclusive=inclusive)  # fmt: skip
    found = price(*named, usage, AT_NS)
    if isinstance(found, Price):
        assert sum(found.buckets.values()) == found.nanos
        assert all(nanos > 0 for nanos in found.buckets.values())


def test_audio_tokens_have_a_price_of_their_own_and_are_not_counted_as_text() -> None:
    usage = Usage(input=1000, audio_input=400, cache_read=300, output=200, audio_output=150)
    found = priced("openai", "gpt-realtime", usage)
    assert found.buckets == {
        "input": 300 * 4000,
        "cache_read": 300 * 400,
        "audio_input": 400 * 32_000,
        "output": 50 * 16_000,
        "audio_output": 150 * 64_000,
    }


def test_cached_audio_is_not_text_and_not_counted_twice() -> None:
    usage = Usage(input=100, audio_input=100, cache_read=100, audio_cache_read=100)
    assert priced("openai", "gpt-realtime-mini", usage).buckets == {"cache_read": 100 * 300}


def test_gpt_4o_audio_is_priced_as_audio() -> None:
    usage = Usage(input=1000, audio_input=900, output=500, audio_output=500)
    found = priced("openai", "gpt-4o-audio-preview-2025-06-03", usage)
    assert found.buckets == {"input": 250_000, "audio_input": 36_000_000, "audio_output": 40_000_000}
    assert (found.version, found.date) == ("otel-ax 2026-11-21", "2024-12-17")


def test_a_producer_that_leaves_cached_tokens_out_costs_the_same_as_one_that_includes_them() -> None:
    included = Usage(input=5200, cache_read=5000, cache_write=100, output=10)
    left_out = Usage(input=100, cache_read=5000, cache_write=100, output=10)
    both = [priced("anthropic", "claude-sonnet-4-5", usage) for usage in (included, left_out)]
    assert both[0] == both[1]
    assert both[0].buckets == {"input": 300_000, "cache_read": 1_500_000, "cache_write": 375_000, "output": 150_000}


def test_a_total_tells_whether_cached_tokens_are_included_where_their_number_does_not() -> None:
    counts = {semconv.INPUT_TOKENS: 1000, semconv.OUTPUT_TOKENS: 10, semconv.CACHE_READ_TOKENS: 400}
    untold = usage_of(counts)
    outside = usage_of({**counts, "gen_ai.usage.total_tokens": 1410})
    inside = usage_of({**counts, "gen_ai.usage.total_tokens": 1010})
    assert (untold.inclusive, outside.inclusive, inside.inclusive) == (None, False, True)  # type: ignore[union-attr]
    assert [usage.tokens for usage in (untold, outside, inside) if usage] == [(1000, 10), (1400, 10), (1000, 10)]


def test_reasoning_is_within_the_output_unless_it_cannot_be() -> None:
    assert Usage(output=100, reasoning=80).tokens == (0, 100)
    assert Usage(output=20, reasoning=80).tokens == (0, 100)


@pytest.mark.parametrize(
    ("provider", "model", "usage", "nanos"),
    [
        ("deepgram", "nova-3-general", Usage(seconds=60), 4_800_000),
        ("deepgram", "nova-3-multilingual", Usage(seconds=0.1), 9_667),
        ("deepgram", "aura-2-thalia-en", Usage(characters=10), 300_000),
        ("AssemblyAI", "universal-streaming", Usage(seconds=3600), 150_000_000),
        ("cartesia", "sonic-2-2025-06-11", Usage(characters=100), 5_000_000),
        ("elevenlabs", "eleven_flash_v2_5", Usage(characters=100), 5_000_000),
        ("elevenlabs", "scribe_v2_realtime", Usage(seconds=3600), 390_000_000),
        ("openai", "whisper-1", Usage(seconds=60), 6_000_000),
        ("groq", "whisper-large-v3", Usage(seconds=3), 308_333),
    ],
)
def test_speech_is_priced_by_second_and_character(provider: str, model: str, usage: Usage, nanos: int) -> None:
    found = priced(provider, model, usage)
    assert (found.nanos, dict(found.buckets)) == (nanos, {"speech": nanos})


@pytest.mark.parametrize(
    ("provider", "model", "usage", "reason"),
    [
        ("openai", None, Usage(input=1), "no model"),
        ("openai", "gpt-4o", Usage(), "no usage"),
        ("openai", "gpt-9000-imaginary", Usage(input=1), "unknown model"),
        ("acme", "gpt-4o", Usage(input=1), "unknown provider"),
        ("deepgram", "nova-3", Usage(input=1), "no rate"),
        ("ollama", "llama3", Usage(input=1), "unknown provider"),
    ],
)
def test_what_is_not_known_is_unpriced_and_says_why(
    provider: str, model: str | None, usage: Usage, reason: str
) -> None:
    assert price(provider, model, usage, AT_NS) == Unpriced(reason)


def test_a_voice_call_from_before_its_price_is_known_is_unpriced() -> None:
    assert price("deepgram", "nova-3", Usage(seconds=60), 1_700_000_000 * 10**9) == Unpriced("no price at that time")


@pytest.mark.parametrize("name", ["gcp.vertex_ai", "gcp.gemini", "gcp.gen_ai", "vertex_ai", "gemini"])
def test_opentelemetrys_names_of_providers_are_understood(name: str) -> None:
    assert priced(name, "gemini-2.5-flash", Usage(input=1000)).nanos == 300_000


@pytest.mark.parametrize(
    ("name", "model"),
    [("azure.ai.openai", "gpt-4o"), ("aws.bedrock", "amazon.nova-lite-v1:0"), ("x_ai", "grok-3"),
     ("mistral_ai", "mistral-large-latest"), ("moonshot_ai", "kimi-k2-0905-preview"), ("groq", "llama-3.1-8b-instant"),
     ("deepseek", "deepseek-chat"), ("cohere", "command-r"), ("perplexity", "sonar")],
)  # fmt: skip
def test_every_provider_of_the_conventions_that_has_prices_is_found(name: str, model: str) -> None:
    assert priced(name, model, Usage(input=1_000_000)).nanos > 0


def test_a_price_that_changed_is_that_of_the_day_of_the_call() -> None:
    usage = Usage(input=1_000_000)
    before = priced(
        "google", "gemini-3.8-flash-tts", usage, int(datetime(2026, 12, 31, tzinfo=UTC).timestamp()) * 10**9
    )
    after = priced("google", "gemini-3.8-flash-tts", usage, int(datetime(2027, 1, 1, tzinfo=UTC).timestamp()) * 10**9)
    assert (before.nanos, before.date) == (500_000_000, "2026-12-31")
    assert (after.nanos, after.date) == (1_000_000_000, "2027-01-01")


TOML = """
version = "q3"
[[price]]
provider = "openai"
model = "gpt-4o"
from = 2026-07-01
input_mtok = 1.0
output_mtok = 2.0

[[price]]
provider = "openai"
model = "gpt-4o"
from = 2026-10-01
input_mtok = 0.5
output_mtok = 2.0

[[price]]
model = "house-*"
input_mtok = 0
"""


def test_a_users_file_comes_first_and_is_dated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "prices.toml"
    file.write_text(TOML)
    monkeypatch.setenv("AX_PRICES", str(file))
    usage = Usage(input=1_000_000)
    assert priced("openai", "gpt-4o", usage) == Price(500_000_000, {"input": 500_000_000}, "user q3", "2026-10-01")
    august = int(datetime(2026, 8, 1, tzinfo=UTC).timestamp()) * 10**9
    assert priced("openai", "gpt-4o", usage, august).nanos == 1_000_000_000
    june = int(datetime(2026, 6, 1, tzinfo=UTC).timestamp()) * 10**9
    assert priced("openai", "gpt-4o", usage, june).version.startswith("genai-prices ")
    assert priced("anything", "house-7b", usage).nanos == 0
    assert priced("openai", "gpt-4o-mini", usage).version.startswith("genai-prices ")


def test_it_is_the_sum_that_is_rounded_and_the_parts_still_add_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "prices.toml"
    file.write_text('[[price]]\nmodel = "tiny"\ninput_mtok = 0.0004\ncache_read_mtok = 0.0004\noutput_mtok = 0.0004\n')
    monkeypatch.setenv("AX_PRICES", str(file))
    found = priced("x", "tiny", Usage(input=2, cache_read=1, output=1))  # three times 0.4 nano-dollars
    assert (found.nanos, found.buckets) == (1, {"cache_read": 1})


def test_a_users_file_may_be_json(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "prices.json"
    file.write_text(json.dumps({"price": [{"provider": "x", "model": "y", "from": "2026-01-01", "kchars": 0.1}]}))
    monkeypatch.setenv("AX_PRICES", str(file))
    assert priced("x", "y", Usage(characters=30)) == Price(3_000_000, {"speech": 3_000_000}, "user", "2026-01-01")


@pytest.mark.parametrize("text", ["[[price]", '[[price]]\nmodel = "x"\ninput = 3', "[[price]]\ninput_mtok = 1",
                                  '[[price]]\nmodel = "x"\ninput_mtok = -1'])  # fmt: skip
def test_a_file_that_cannot_be_meant_says_how_to_mend_it(tmp_path: Path, text: str) -> None:
    file = tmp_path / "prices.toml"
    file.write_text(text)
    with pytest.raises(BadSettings, match=r"prices\.toml"):
        read_table(file, "user")


def test_a_bad_file_leaves_our_prices(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("AX_PRICES", str(tmp_path / "missing.toml"))
    assert priced("deepgram", "nova-3", Usage(seconds=60)).nanos == 4_800_000
    assert "missing.toml" in caplog.text


def test_every_entry_of_our_table_names_its_source_and_its_day() -> None:
    table = read_table(OUR_TABLE, "otel-ax")
    assert {name for entry in table.entries for name in entry.providers} >= {
        "deepgram", "assemblyai", "cartesia", "elevenlabs", "openai"
    }  # fmt: skip
    assert all(entry.since for entry in table.entries)
    text = OUR_TABLE.read_text()
    assert text.count("[[price]]") == text.count("source = ") == len(table.entries)


def test_prices_load_no_sdk_and_genai_prices_late() -> None:
    code = (
        "import sys; import otel_ax.prices; print(sorted(m for m in sys.modules "
        "if m.startswith(('opentelemetry', 'genai_prices', 'pydantic'))))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
