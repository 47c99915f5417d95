"""`llm`: what the clients answer is read as OpenTelemetry counts it, and a call within a call counts once."""

import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from types import SimpleNamespace
from typing import Any

import pytest
from anthropic.types import Message
from langchain_core.messages import AIMessage
from openai.types import CreateEmbeddingResponse
from openai.types.chat import ChatCompletion
from openai.types.responses import Response
from opentelemetry import trace
from opentelemetry.util.genai.handler import TelemetryHandler

from otel_ax import adapter
from otel_ax.adapter import GenAIInvocation, Plain
from otel_ax.decorators import agent, llm, step, tool, workflow
from otel_ax.decorators.llm import LLMCall
from otel_ax.decorators.step import StepRun
from otel_ax.decorators.work import Work
from otel_ax.decorators.workflow import Run
from otel_ax.errors import BudgetExceeded
from otel_ax.guard import guarded
from otel_ax.testing import Recorder

CONTENT = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"

CHAT = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": 1,
    "model": "gpt-5-2025-08-07",
    "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "Sunny."}}],
    "usage": {
        "prompt_tokens": 100,
        "completion_tokens": 20,
        "total_tokens": 120,
        "prompt_tokens_details": {"cached_tokens": 40, "audio_tokens": 7},
        "completion_tokens_details": {"reasoning_tokens": 5, "audio_tokens": 3},
    },
}
RESPONSE = {
    "id": "resp_1",
    "object": "response",
    "created_at": 1,
    "model": "gpt-5",
    "status": "completed",
    "output": [
        {
            "id": "m",
            "type": "message",
            "role": "assistant",
            "status": "completed",
            "content": [{"type": "output_text", "text": "Sunny.", "annotations": []}],
        }
    ],
    "parallel_tool_calls": True,
    "tool_choice": "auto",
    "tools": [],
    "usage": {
        "input_tokens": 100,
        "output_tokens": 20,
        "total_tokens": 120,
        "input_tokens_details": {"cached_tokens": 40, "cache_write_tokens": 0},
        "output_tokens_details": {"reasoning_tokens": 5},
    },
}
MESSAGE = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "claude-sonnet-5",
    "content": [{"type": "text", "text": "Sunny."}],
    "stop_reason": "end_turn",
    "stop_sequence": None,
    "usage": {
        "input_tokens": 50,
        "output_tokens": 20,
        "cache_read_input_tokens": 40,
        "cache_creation_input_tokens": 10,
    },
}
LITELLM = SimpleNamespace(
    id="chatcmpl-2",
    model="claude-sonnet-5",
    choices=[SimpleNamespace(finish_reason="stop", message=SimpleNamespace(content="Sunny."))],
    usage=SimpleNamespace(
        prompt_tokens=100,
        completion_tokens=20,
        prompt_tokens_details=SimpleNamespace(cached_tokens=40),
        completion_tokens_details=None,
        cache_creation_input_tokens=10,
        cache_read_input_tokens=40,
    ),
)
GEMINI = SimpleNamespace(
    response_id="g1",
    model_version="gemini-2.5-pro",
    candidates=[SimpleNamespace(finish_reason=SimpleNamespace(value="STOP"))],
    usage_metadata=SimpleNamespace(
        prompt_token_count=100, candidates_token_count=15, thoughts_token_count=5, cached_content_token_count=40
    ),
)
LANGCHAIN = AIMessage(
    content="Sunny.",
    id="run-1",
    response_metadata={"model_name": "gpt-5", "finish_reason": "stop"},
    usage_metadata={
        "input_tokens": 100,
        "output_tokens": 20,
        "total_tokens": 120,
        "input_token_details": {"cache_read": 40, "cache_creation": 10, "audio": 7},
        "output_token_details": {"reasoning": 5, "audio": 3},
    },
)
BEDROCK = {
    "stopReason": "end_turn",
    "usage": {"inputTokens": 50, "outputTokens": 20, "cacheReadInputTokens": 40, "cacheWriteInputTokens": 10},
}
OLLAMA = {"model": "llama3", "done_reason": "stop", "prompt_eval_count": 100, "eval_count": 20}
EMBEDDING = {
    "object": "list",
    "model": "text-embedding-3-small",
    "data": [{"object": "embedding", "index": 0, "embedding": [0.5]}],
    "usage": {"prompt_tokens": 100, "total_tokens": 100},
}

INPUT, OUTPUT = "gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens"
READ, WRITE = "gen_ai.usage.cache_read.input_tokens", "gen_ai.usage.cache_write.input_tokens"
REASONING = "gen_ai.usage.reasoning.output_tokens"
AUDIO_IN, AUDIO_OUT = "gen_ai.usage.audio.input_tokens", "gen_ai.usage.audio.output_tokens"
BASE = {INPUT: 100, OUTPUT: 20, READ: 40}


def _usage(span: Any) -> dict[str, int]:
    return {name: value for name, value in span.attributes.items() if name.startswith("gen_ai.usage.")}


@pytest.mark.parametrize(
    ("answer", "usage", "model", "reasons"),
    [
        pytest.param(
            ChatCompletion.model_validate(CHAT),
            {**BASE, REASONING: 5, AUDIO_IN: 7, AUDIO_OUT: 3},
            "gpt-5-2025-08-07",
            ("stop",),
            id="OpenAI chat",
        ),
        pytest.param(
            CHAT,
            {**BASE, REASONING: 5, AUDIO_IN: 7, AUDIO_OUT: 3},
            "gpt-5-2025-08-07",
            ("stop",),
            id="the same as dict",
        ),
        pytest.param(Response.model_validate(RESPONSE), {**BASE, REASONING: 5}, "gpt-5", None, id="OpenAI responses"),
        pytest.param(RESPONSE, {**BASE, REASONING: 5}, "gpt-5", None, id="responses as dict"),
        pytest.param(
            Message.model_validate(MESSAGE),
            {**BASE, WRITE: 10},
            "claude-sonnet-5",
            ("end_turn",),
            id="Anthropic: cached tokens are beside",
        ),
        pytest.param(LITELLM, {**BASE, WRITE: 10}, "claude-sonnet-5", ("stop",), id="LiteLLM: they are within"),
        pytest.param(GEMINI, {**BASE, REASONING: 5}, "gemini-2.5-pro", ("STOP",), id="Gemini: thoughts are beside"),
        pytest.param(
            LANGCHAIN,
            {**BASE, WRITE: 10, REASONING: 5, AUDIO_IN: 7, AUDIO_OUT: 3},
            "gpt-5",
            ("stop",),
            id="LangChain",
        ),
        pytest.param(BEDROCK, {**BASE, WRITE: 10}, None, ("end_turn",), id="Bedrock"),
        pytest.param(OLLAMA, {INPUT: 100, OUTPUT: 20}, "llama3", ("stop",), id="Ollama"),
        pytest.param("Sunny.", {}, None, None, id="a text"),
        pytest.param(None, {}, None, None, id="nothing"),
        pytest.param({"usage": {"prompt_tokens": -1, "completion_tokens": True}}, {}, None, None, id="nonsense"),
        pytest.param(SimpleNamespace(usage="many", choices=3), {}, None, None, id="more nonsense"),
    ],
)
def test_an_answers_usage_is_read(
    answer: Any, usage: dict[str, int], model: str | None, reasons: Any, otel_ax_recorder: Recorder
) -> None:
    assert llm("openai", "asked-for")(lambda: answer)() is answer
    span = otel_ax_recorder.span("chat asked-for")
    assert _usage(span) == usage
    assert span.attributes.get("gen_ai.response.model") == model
    assert span.attributes.get("gen_ai.response.finish_reasons") == reasons


def test_embeddings_are_a_call_too(otel_ax_recorder: Recorder) -> None:
    embed = llm("openai", "text-embedding-3-small", operation="embeddings")
    embed(lambda: CreateEmbeddingResponse.model_validate(EMBEDDING))()
    span = otel_ax_recorder.span("embeddings text-embedding-3-small")
    assert _usage(span) == {INPUT: 100}


def test_a_bare_decorator_takes_the_model_from_the_call(otel_ax_recorder: Recorder) -> None:
    @llm
    def ask(question: str, model: str) -> str:
        return question + model

    ask("?", model="gpt-5")
    assert otel_ax_recorder.span("chat gpt-5").attributes["gen_ai.request.model"] == "gpt-5"


def test_a_block_tells_by_hand(otel_ax_recorder: Recorder) -> None:
    with llm("openai", "gpt-5") as call:
        call.response(CHAT)
        call.usage(output=25, cache_write=1)
        call.model("gpt-5-mini")
        call.attribute("mine", "yes")
    span = otel_ax_recorder.span("chat gpt-5")
    assert _usage(span) == {**BASE, OUTPUT: 25, WRITE: 1, REASONING: 5, AUDIO_IN: 7, AUDIO_OUT: 3}
    assert (span.attributes["gen_ai.response.model"], span.attributes["mine"]) == ("gpt-5-mini", "yes")


def _instrumented(answer: dict[str, Any]) -> dict[str, Any]:
    """A client with an instrumentor of its own, which also knows the host."""
    handler = TelemetryHandler(instrumentation_scope_name="an.instrumentor")
    with handler.inference("openai", request_model="gpt-5", server_address="api.openai.com") as call:
        call.temperature = 0.5
        call.input_tokens, call.output_tokens = 100, 20
        call.cache_read_input_tokens = 40
        call.response_model_name = "gpt-5-2025-08-07"
    return answer


@pytest.mark.parametrize("answer", [CHAT, "only the text"])
def test_around_an_instrumented_client_both_are_one_call(answer: Any, otel_ax_recorder: Recorder) -> None:
    @llm
    def ask() -> Any:
        return _instrumented(answer)

    ask()
    (span,) = otel_ax_recorder.spans
    assert {name: _usage(span)[name] for name in BASE} == BASE
    assert span.attributes["gen_ai.provider.name"] == "openai"
    assert span.attributes["gen_ai.request.model"] == "gpt-5"
    assert span.attributes["gen_ai.request.temperature"] == 0.5
    assert span.attributes["server.address"] == "api.openai.com"
    tokens = {
        point.attributes["gen_ai.token.type"]: (point.value, point.count)
        for point in otel_ax_recorder.metrics
        if point.name == "gen_ai.client.token.usage"
    }
    assert tokens == {"input": (100, 1), "output": (20, 1)}


def test_within_another_call_a_decorated_one_is_the_same_call(otel_ax_recorder: Recorder) -> None:
    with TelemetryHandler().inference("openai", request_model="gpt-5"):
        llm("openai", "gpt-5")(lambda: CHAT)()
    (span,) = otel_ax_recorder.spans
    assert {name: _usage(span)[name] for name in BASE} == BASE


def test_agents_and_tools_do_not_hide_the_calls_within(otel_ax_recorder: Recorder) -> None:
    ask = llm("openai", "gpt-5")(lambda: CHAT)
    with agent("a"), tool("t"):
        ask()
        ask()
    assert [span.name for span in otel_ax_recorder.spans] == [
        "chat gpt-5",
        "chat gpt-5",
        "execute_tool t",
        "invoke_agent a",
    ]


def test_prompts_and_completions_are_not_recorded_unless_asked_for(otel_ax_recorder: Recorder) -> None:
    _say_secret()
    told = str([[dict(span.attributes), span.events] for span in otel_ax_recorder.spans])
    told += str([log.log_record for log in otel_ax_recorder.logs])
    assert "secret" not in told


def _say_secret() -> None:
    @llm("openai", "gpt-5")
    def ask(messages: list[dict[str, Any]]) -> dict[str, Any]:
        del messages
        return {**CHAT, "choices": [{"finish_reason": "stop", "message": {"content": "secret answer"}}]}

    @tool
    def look(word: str) -> str:
        return "secret " + word

    @agent
    def think(question: str) -> str:
        look("secret word")
        ask(messages=[{"role": "system", "content": "secret rule"}, {"role": "user", "content": question}])
        return "secret thought"

    think("secret question")


def test_prompts_and_completions_are_recorded_where_asked_for(
    otel_ax_recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(CONTENT, "SPAN_ONLY")
    _say_secret()
    ask, look, think = (
        otel_ax_recorder.span(name) for name in ("chat gpt-5", "execute_tool look", "invoke_agent think")
    )
    assert ask.attributes["gen_ai.input.messages"] == (
        '[{"role":"system","parts":[{"content":"secret rule","type":"text"}],"name":null},'
        '{"role":"user","parts":[{"content":"secret question","type":"text"}],"name":null}]'
    )
    assert '"content":"secret answer"' in ask.attributes["gen_ai.output.messages"]
    assert look.attributes["gen_ai.tool.call.arguments"] == '{"word":"secret word"}'
    assert look.attributes["gen_ai.tool.call.result"] == "secret secret word"
    assert '"content":"secret question"' in think.attributes["gen_ai.input.messages"]
    assert '"content":"secret thought"' in think.attributes["gen_ai.output.messages"]


def test_a_spent_budget_stops_the_call_before_it_is_made(
    otel_ax_recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, asked = [], []

    def check(**call: Any) -> None:
        asked.append(call)
        raise BudgetExceeded("b", spent_usd=1, limit_usd=1, per="day")

    monkeypatch.setattr(import_module("otel_ax.budget"), "check", check)
    with pytest.raises(BudgetExceeded):
        llm("openai", "gpt-5")(lambda: made.append(True))()
    with pytest.raises(BudgetExceeded), llm("openai", "gpt-5"):
        made.append(True)
    with pytest.raises(BudgetExceeded):
        list(llm("openai", "gpt-5")(lambda: (yield made.append(True)))())
    assert (made, otel_ax_recorder.spans) == ([], ())
    assert asked == [{"provider": "openai", "model": "gpt-5"}] * 3


def test_a_budget_that_cannot_be_checked_stops_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PYTEST_VERSION")
    monkeypatch.setattr(import_module("otel_ax.budget"), "check", _broken)
    assert llm("openai", "gpt-5")(lambda: 1)() == 1


def _broken(*_: Any, **__: Any) -> Any:
    raise RuntimeError("a bug of ours")


@pytest.mark.parametrize("make", [llm, tool, agent, workflow, step])
@pytest.mark.parametrize(
    ("owner", "name"),
    [
        (adapter, "_open"),
        (Work, "attribute"),
        (Work, "take"),
        (Work, "settle"),
        (Work, "finished"),
        (LLMCall, "settle"),
        (Run, "started"),
        (Run, "settle"),
        (StepRun, "started"),
        (StepRun, "settle"),
        (Plain, "stop"),
        (GenAIInvocation, "_finish"),
    ],
)
def test_a_bug_of_ours_is_not_the_users(
    make: Any, owner: Any, name: str, otel_ax_recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    del otel_ax_recorder
    monkeypatch.delenv("PYTEST_VERSION")
    monkeypatch.setattr(owner, name, guarded(_broken) if name == "attribute" else _broken)

    @make
    def pieces() -> Iterator[int]:
        yield 1
        yield 2

    assert make(lambda: 1)() == 1
    assert list(pieces()) == [1, 2]
    assert next(pieces()) == 1
    with make("x") as work:
        work.attribute("a", 1)
    with pytest.raises(KeyError), make("x"):
        raise KeyError
    assert not trace.get_current_span().is_recording()


def test_an_answer_that_raises_when_it_is_read_is_the_users_all_the_same(
    otel_ax_recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Answer:
        @property
        def usage(self) -> int:
            raise RuntimeError("lazy, and gone")

    monkeypatch.delenv("PYTEST_VERSION")
    answer = Answer()
    assert llm("openai", "gpt-5")(lambda: answer)() is answer
    assert otel_ax_recorder.span("chat gpt-5").status.is_unset
    assert not trace.get_current_span().is_recording()


LATE = """
from otel_ax.decorators import llm, workflow, step
@workflow
def work(): return ask()
@llm("openai", "gpt-5")
def ask(): return {"model": "m", "usage": {"prompt_tokens": 3, "completion_tokens": 4}}
with step("s"): work()                      # no provider is set: nothing happens
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
spans = InMemorySpanExporter()
provider = TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(spans))
trace.set_tracer_provider(provider)
work()
print([span.name for span in spans.get_finished_spans()])
"""


def test_providers_may_be_set_after_decorating() -> None:
    done = subprocess.run([sys.executable, "-c", LATE], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == "['chat gpt-5', 'invoke_workflow work']\n"
    assert done.stderr == ""
