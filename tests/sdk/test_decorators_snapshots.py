"""Each decorator's spans, whole: `pytest --snapshot-update` writes them anew; read the difference before you commit."""

from collections.abc import Iterator
from typing import Any

import pytest
from syrupy.assertion import SnapshotAssertion

from otel_ax.decorators import agent, llm, step, tool, workflow
from otel_ax.testing import Recorder
from otel_ax.voice import voice_call, voice_turn

ANSWER = {
    "id": "chatcmpl-1",
    "model": "gpt-5-2025-08-07",
    "choices": [{"finish_reason": "stop", "message": {"content": "Sunny."}}],
    "usage": {"prompt_tokens": 100, "completion_tokens": 20, "prompt_tokens_details": {"cached_tokens": 40}},
}


@llm("openai", "gpt-5")
def ask(question: str) -> dict[str, Any]:
    del question
    return ANSWER


@llm("openai", "gpt-5")
def stream(question: str) -> Iterator[dict[str, Any]]:
    del question
    yield {"model": "gpt-5-2025-08-07", "choices": [{"delta": {"content": "Sunny."}}]}
    yield {**ANSWER, "choices": [{"delta": {}, "finish_reason": "stop"}]}


@tool
def weather(city: str) -> str:
    if city == "Atlantis":
        raise LookupError("no such city")
    return f"Sunny in {city}"


@agent("forecaster", model="gpt-5", version="2")
def forecast(city: str) -> str:
    ask(f"What do you need for {city}?")
    return weather(city)


@step(retries=1)
def fetch(tries: list[int]) -> str:
    tries.append(1)
    if len(tries) == 1:
        raise TimeoutError("slow")
    return forecast("Oslo")


@workflow("desk", run_id="run-1", steps=2, tenant="acme", user="ann", conversation="c1", metadata={"plan": "pro"})
def desk(city: str) -> None:
    fetch([])
    with step("tell", name="Tell the user"):
        forecast(city)


def test_llm(otel_ax_recorder: Recorder, snapshot: SnapshotAssertion) -> None:
    ask("Is it sunny?")
    assert otel_ax_recorder.story() == snapshot
    assert otel_ax_recorder.metrics == snapshot


def test_llm_with_content(
    otel_ax_recorder: Recorder, snapshot: SnapshotAssertion, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT", "SPAN_ONLY")
    forecast("Oslo")
    assert otel_ax_recorder.story() == snapshot


def test_llm_stream(otel_ax_recorder: Recorder, snapshot: SnapshotAssertion) -> None:
    list(stream("Is it sunny?"))
    assert otel_ax_recorder.story() == snapshot
    assert otel_ax_recorder.metrics == snapshot


def test_agent_and_tool(otel_ax_recorder: Recorder, snapshot: SnapshotAssertion) -> None:
    forecast("Oslo")
    assert otel_ax_recorder.story() == snapshot


def test_workflow_and_steps(otel_ax_recorder: Recorder, snapshot: SnapshotAssertion) -> None:
    desk("Oslo")
    assert otel_ax_recorder.story() == snapshot
    assert [
        (log.log_record.event_name, log.log_record.body, dict(log.log_record.attributes))
        for log in otel_ax_recorder.logs
    ] == snapshot


def test_workflow_that_fails(otel_ax_recorder: Recorder, snapshot: SnapshotAssertion) -> None:
    with pytest.raises(LookupError):
        desk("Atlantis")
    assert otel_ax_recorder.story() == snapshot


def test_voice(otel_ax_recorder: Recorder, snapshot: SnapshotAssertion) -> None:
    with voice_call("call-1", objective="forecast", tenant="acme") as call:
        with voice_turn() as turn:
            with turn.stt("deepgram", "nova-3") as stt:
                turn.user_stopped(ago_s=0.25)
                stt.audio(seconds=3.5)
            with turn.llm("openai", "gpt-4o") as model:
                model.chunk("Sunny.")
                model.usage(input=100, output=20)
            with turn.tts("cartesia", "sonic-3") as tts:
                tts.first_byte()
                turn.first_audio()
                tts.characters(6)
        call.outcome("answered")
    assert otel_ax_recorder.story() == snapshot
