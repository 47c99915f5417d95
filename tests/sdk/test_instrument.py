"""`instrument(...)`: one instrumentor on each library, what is missing is told, budgets are asked first."""

import asyncio
import logging
from collections.abc import Iterator
from pathlib import Path

import anthropic
import openai
import pytest
from opentelemetry.instrumentation.genai.anthropic import AnthropicInstrumentor
from opentelemetry.instrumentation.genai.langchain import LangChainInstrumentor
from opentelemetry.instrumentation.genai.openai import OpenAIInstrumentor

from otel_ax import instrumentors
from otel_ax.calls import Nesting
from otel_ax.instrumentors import instrument
from otel_ax.testing import Recorder
from tests.sdk.receiving import program, receiving
from tests.sdk.rivals import VALUE, BrokenInstrumentor, RivalInstrumentor, StayingInstrumentor, installed
from tests.sdk.standin.server import StandIn, standing_in

GROUP = "opentelemetry_instrumentor"
ALL = (
    OpenAIInstrumentor,
    AnthropicInstrumentor,
    LangChainInstrumentor,
    RivalInstrumentor,
    StayingInstrumentor,
    BrokenInstrumentor,
)


@pytest.fixture(autouse=True)
def untouched() -> Iterator[None]:
    instrumentors._told.clear()  # noqa: SLF001
    yield
    for kind in ALL:
        if kind().is_instrumented_by_opentelemetry:
            kind().uninstrument()


@pytest.fixture
def provider() -> Iterator[StandIn]:
    with standing_in() as started:
        yield started


@pytest.fixture
def rival(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(installed(tmp_path, "rival", {GROUP: {"openai": VALUE}}))


def chat(provider: StandIn) -> None:
    with openai.OpenAI(**provider.openai) as client:
        client.chat.completions.create(model="gpt-5", messages=[{"role": "user", "content": "hello"}])


def counted(recorder: Recorder) -> int:
    """Input tokens, as span metrics and budgets count them."""
    nesting, total = Nesting(), 0
    for span in recorder.spans:
        parent = (span.parent.trace_id, span.parent.span_id) if span.parent else None
        if nesting.is_counted((span.context.trace_id, span.context.span_id), parent, span.attributes):
            names = ("gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens")
            total += next(span.attributes[name] for name in names if name in span.attributes)
    return total


def test_what_is_named_tells_and_twice_is_once(otel_ax_recorder: Recorder, provider: StandIn) -> None:
    assert instrument("openai") == instrument("openai", "openai") == ("openai",)
    chat(provider)
    span = otel_ax_recorder.span("chat gpt-5")
    assert span.attributes["gen_ai.usage.input_tokens"] == 1200
    assert len(otel_ax_recorder.spans) == 1


def test_auto_switches_on_what_is_installed_but_for_what_is_disabled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_PYTHON_DISABLED_INSTRUMENTATIONS", "requests, langchain")
    assert instrument(auto=True) == ("openai", "anthropic")
    monkeypatch.setenv("OTEL_PYTHON_DISABLED_INSTRUMENTATIONS", "*")
    assert instrument(auto=True) == ()


def test_what_is_missing_is_told_once_with_the_command(caplog: pytest.LogCaptureFixture) -> None:
    nothing = (
        "otel_ax: nothing that is installed instruments 'httpy'; pip install opentelemetry-instrumentation-httpy, "
        f"or write one of: {', '.join(instrumentors.LIBRARIES)}"
    )
    for _ in range(2):
        assert instrument("google-genai", "httpy") == ()
    assert [record.getMessage() for record in caplog.records] == [
        "otel_ax: not instrumented: google-genai; pip install google-genai opentelemetry-instrumentation-google-genai",
        nothing,
    ]


@pytest.mark.usefixtures("rival")
def test_a_rival_that_is_on_stays_and_ours_is_left_off(
    otel_ax_recorder: Recorder, provider: StandIn, caplog: pytest.LogCaptureFixture
) -> None:
    RivalInstrumentor().instrument()
    assert instrument("openai") == ("openai",)
    chat(provider)
    assert [span.name for span in otel_ax_recorder.spans] == ["openai.chat"]
    assert "is left off: tokens count once" in caplog.text


@pytest.mark.usefixtures("rival")
@pytest.mark.parametrize("first", [OpenAIInstrumentor, RivalInstrumentor])
def test_of_two_that_are_on_one_goes_off_and_tokens_count_once(
    otel_ax_recorder: Recorder, provider: StandIn, caplog: pytest.LogCaptureFixture, first: type
) -> None:
    for kind in (first, *({OpenAIInstrumentor, RivalInstrumentor} - {first})):
        kind().instrument()
    chat(provider)
    assert len(otel_ax_recorder.spans) == 2
    assert counted(otel_ax_recorder) == 1200  # also before the guard
    otel_ax_recorder.clear()
    assert instrument(auto=True) == ("openai", "anthropic", "langchain")
    chat(provider)
    assert [span.name for span in otel_ax_recorder.spans] == ["chat gpt-5"]
    assert f"{VALUE} is off now" in caplog.text


def test_one_that_leaves_its_wrappers_behind_is_off_all_the_same(
    otel_ax_recorder: Recorder, provider: StandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    staying = f"{StayingInstrumentor.__module__}:{StayingInstrumentor.__name__}"
    monkeypatch.syspath_prepend(installed(tmp_path, "staying", {GROUP: {"openai": staying}}))
    StayingInstrumentor().instrument()
    OpenAIInstrumentor().instrument()
    instrument("openai")
    chat(provider)
    assert [span.name for span in otel_ax_recorder.spans] == ["chat gpt-5"]


@pytest.mark.usefixtures("rival")
def test_ours_comes_before_a_rival_that_is_only_installed(otel_ax_recorder: Recorder, provider: StandIn) -> None:
    assert instrument("openai") == ("openai",)
    chat(provider)
    assert [span.name for span in otel_ax_recorder.spans] == ["chat gpt-5"]


def test_anthropics_client_does_not_tell_the_same_call_too(
    otel_ax_recorder: Recorder, provider: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ANTHROPIC_OPEN_TELEMETRY", raising=False)
    assert instrument("anthropic") == ("anthropic",)
    with anthropic.Anthropic(**provider.anthropic) as client:
        client.messages.create(model="claude-sonnet-5", max_tokens=9, messages=[{"role": "user", "content": "hello"}])
    assert [span.name for span in otel_ax_recorder.spans] == ["chat claude-sonnet-5"]
    assert counted(otel_ax_recorder) == 1200


def test_langchain_around_an_instrumented_client_counts_tokens_once(
    otel_ax_recorder: Recorder, provider: StandIn
) -> None:
    from langchain_openai import ChatOpenAI  # noqa: PLC0415 (three seconds)

    instrument("langchain", "openai")
    model = ChatOpenAI(model="gpt-5", **provider.openai)
    model.invoke("hello")
    model.root_client.close()
    assert counted(otel_ax_recorder) == 1200


def test_who_goes_off_later_is_off(otel_ax_recorder: Recorder, provider: StandIn) -> None:
    instrument("openai", "anthropic")
    OpenAIInstrumentor().uninstrument()
    AnthropicInstrumentor().uninstrument()
    chat(provider)
    with anthropic.Anthropic(**provider.anthropic, open_telemetry=False) as client:
        client.messages.create(model="claude-sonnet-5", max_tokens=9, messages=[{"role": "user", "content": "hello"}])
    assert otel_ax_recorder.spans == ()
    instrument("openai")
    chat(provider)
    assert len(otel_ax_recorder.spans) == 1


def test_any_instrumentor_of_opentelemetry_goes_by_its_name() -> None:
    assert instrument("threading") == ("threading",)


def test_one_that_cannot_be_switched_on_is_told_and_does_no_harm(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.syspath_prepend(installed(tmp_path, "b", {GROUP: {"shoddy": "tests.sdk.rivals:BrokenInstrumentor"}}))
    monkeypatch.delenv("PYTEST_VERSION")  # under pytest our bugs are raised
    with caplog.at_level(logging.WARNING):
        assert instrument("shoddy", "openai") == ("openai",)
    assert "RuntimeError: cannot patch" in caplog.text


def test_async_and_streams_are_told(otel_ax_recorder: Recorder, provider: StandIn) -> None:
    instrument("openai")

    async def talk() -> None:
        async with openai.AsyncOpenAI(**provider.openai) as client:
            chunks = await client.chat.completions.create(
                model="gpt-5",
                messages=[{"role": "user", "content": "hello"}],
                stream=True,
                stream_options={"include_usage": True},
            )
            async for _ in chunks:
                pass

    asyncio.run(talk())
    attributes = otel_ax_recorder.span("chat gpt-5").attributes
    assert attributes["gen_ai.usage.output_tokens"] == 300
    assert attributes["gen_ai.response.time_to_first_chunk"] > 0


BUDGETED = """
import sys, openai, otel_ax
otel_ax.configure(instrument=["openai"])
client = openai.OpenAI(base_url=sys.argv[1] + "/v1", api_key="sk-none", max_retries=0)
with otel_ax.budget("desk", usd=0.005):
    for _ in range(4):
        try:
            client.chat.completions.create(model="gpt-5", messages=[{"role": "user", "content": "hello"}])
        except otel_ax.BudgetExceeded as stop:
            print("stopped:", stop.budget)
otel_ax.shutdown()
"""


def test_a_spent_budget_stops_an_instrumented_client_before_it_calls(provider: StandIn) -> None:
    with receiving() as receiver:
        done = program(BUDGETED.replace("sys.argv[1]", repr(provider.url)), receiver.url)
        assert (done.status, done.out) == (0, "stopped: desk\nstopped: desk\n"), done.err
        assert len(provider.requests) == 2  # each costs 0.0043
        assert receiver.names() == ["chat gpt-5"] * 2
