"""Voice: what the user heard as silence, each phase's latency, and what the exporter needs to find the cost."""

import asyncio
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from opentelemetry.trace import StatusCode

from otel_ax.context import current
from otel_ax.decorators import llm
from otel_ax.testing import Recorder
from otel_ax.voice import VoiceTurn, voice_call, voice_turn


def _speak(turn: VoiceTurn, recorder: Recorder) -> None:
    """One turn: 0.5 s from the user's last audio to the transcript, 0.4 to the first token, 0.2 to the first audio."""
    pass_s = recorder.clock.advance
    with turn.stt("deepgram", "nova-3") as stt:
        pass_s(3)
        turn.user_stopped(ago_s=0.3)
        pass_s(0.2)
        stt.audio(seconds=3.2)
    with turn.llm("openai", "gpt-4o") as model:
        pass_s(0.4)
        model.chunk("It")
        pass_s(0.1)
        model.chunk("is")
        model.usage(input=100, output=20)
    with turn.tts("cartesia", "sonic-3") as tts:
        pass_s(0.2)
        tts.first_byte()
        turn.first_audio()
        pass_s(2)
        tts.characters(240)
        tts.audio(seconds=2.1)


def _about(value: float) -> Any:
    return pytest.approx(value, abs=0.02)  # the recorder's clock passes 1 ms at each reading


def test_a_turn_tells_its_latencies(otel_ax_recorder: Recorder) -> None:
    with voice_turn(3) as turn:
        _speak(turn, otel_ax_recorder)
    attributes = dict(otel_ax_recorder.span("voice_turn").attributes)
    assert attributes == {
        "ax.kind": "voice_turn",
        "ax.voice.turn.number": 3,
        "ax.voice.interrupted": False,
        "ax.voice.stt.latency": _about(0.5),
        "ax.voice.llm.time_to_first_token": _about(0.4),
        "ax.voice.tts.time_to_first_byte": _about(0.2),
        "ax.voice.heard_silence": _about(0.3 + 0.2 + 0.4 + 0.1 + 0.2),
    }


def test_phases_tell_what_they_cost_by(otel_ax_recorder: Recorder) -> None:
    with voice_turn() as turn:
        _speak(turn, otel_ax_recorder)
    stt, model, tts = (otel_ax_recorder.span(name) for name in ("stt nova-3", "chat gpt-4o", "tts sonic-3"))
    assert dict(stt.attributes) == {
        "gen_ai.operation.name": "stt",
        "gen_ai.provider.name": "deepgram",
        "gen_ai.request.model": "nova-3",
        "ax.speech.audio.seconds": 3.2,
    }
    assert (model.attributes["gen_ai.usage.input_tokens"], model.attributes["gen_ai.usage.output_tokens"]) == (100, 20)
    assert (tts.attributes["ax.speech.characters"], tts.attributes["ax.speech.audio.seconds"]) == (240, 2.1)
    assert tts.attributes["ax.speech.time_to_first_byte"] == _about(0.2)
    turn_id = otel_ax_recorder.span("voice_turn").context.span_id
    assert {span.parent.span_id for span in (stt, model, tts)} == {turn_id}


def test_a_call_counts_turns_and_tells_its_outcome(otel_ax_recorder: Recorder) -> None:
    with voice_call("c1", objective="book a table", tenant="acme") as call:
        for number in range(3):
            with voice_turn() as turn:
                assert (current().tenant, current().conversation) == ("acme", "c1")
                if number:
                    turn.interrupted()
                    turn.interrupted()
        call.outcome("booked")
    span = otel_ax_recorder.span("voice_call")
    assert dict(span.attributes) == {
        "ax.kind": "voice_call",
        "ax.tenant.id": "acme",
        "ax.voice.call.id": "c1",
        "gen_ai.conversation.id": "c1",
        "ax.voice.objective": "book a table",
        "ax.voice.outcome": "booked",
        "ax.voice.call.turns": 3,
        "ax.voice.call.interruptions": 2,
    }
    turns = [one.attributes for one in otel_ax_recorder.spans[:3]]
    assert [one["ax.voice.turn.number"] for one in turns] == [1, 2, 3]
    assert [one["ax.voice.interrupted"] for one in turns] == [False, True, True]
    assert {one["ax.voice.call.id"] for one in turns} == {"c1"}


def test_a_call_fails_with_a_reason(otel_ax_recorder: Recorder) -> None:
    with voice_call() as call:
        call.failure("carrier hung up")
    with pytest.raises(ConnectionError), voice_call(conversation="c9"):
        raise ConnectionError("gone")
    told, raised = otel_ax_recorder.spans
    assert [one.attributes["ax.voice.failure_reason"] for one in (told, raised)] == [
        "carrier hung up",
        "ConnectionError",
    ]
    assert [one.attributes["ax.voice.outcome"] for one in (told, raised)] == ["failed", "failed"]
    assert [one.status.status_code for one in (told, raised)] == [StatusCode.ERROR, StatusCode.ERROR]
    assert raised.attributes["ax.voice.call.id"] == "c9"


def test_an_agent_that_talks_over_the_user_left_no_silence(otel_ax_recorder: Recorder) -> None:
    with voice_turn() as turn:
        turn.first_audio()
    with voice_turn() as turn:
        turn.user_stopped()
        turn.first_audio(ago_s=2)
    none, over = otel_ax_recorder.spans
    assert "ax.voice.heard_silence" not in none.attributes
    assert over.attributes["ax.voice.heard_silence"] == 0.0


def test_the_last_word_of_the_user_and_the_first_of_the_agent_count(otel_ax_recorder: Recorder) -> None:
    with voice_turn() as turn:
        for _ in range(3):
            turn.user_stopped()
            otel_ax_recorder.clock.advance(1)
        for _ in range(3):
            turn.first_audio()
            otel_ax_recorder.clock.advance(1)
    assert otel_ax_recorder.span("voice_turn").attributes["ax.voice.heard_silence"] == _about(1)


def test_phases_overlap_and_a_models_tokens_stay_its_own(otel_ax_recorder: Recorder) -> None:
    with voice_turn() as turn, turn.tts("elevenlabs", "flash"), turn.llm("openai", "gpt-4o") as model:
        model.usage(input=1, output=2)
    assert otel_ax_recorder.span("chat gpt-4o").attributes["gen_ai.usage.output_tokens"] == 2
    assert "gen_ai.usage.output_tokens" not in otel_ax_recorder.span("tts flash").attributes


def test_phases_in_other_threads_and_tasks_belong_to_the_turn(otel_ax_recorder: Recorder) -> None:
    def listen(turn: VoiceTurn) -> None:
        with turn.stt("deepgram", "nova-3"):
            pass

    async def answer(turn: VoiceTurn) -> None:
        async with turn.llm("openai", "gpt-4o"):
            await asyncio.sleep(0)

    with voice_turn() as turn:
        thread = threading.Thread(target=listen, args=(turn,))
        thread.start()
        thread.join()
        asyncio.run(answer(turn))
    stt, model, around = otel_ax_recorder.spans
    assert (stt.parent.span_id, model.parent.span_id) == (around.context.span_id,) * 2


def test_a_decorated_phase_and_an_instrumented_client_within(otel_ax_recorder: Recorder) -> None:
    with voice_turn() as turn:

        @turn.llm("openai", "gpt-4o")
        def answer() -> Iterator[str]:
            otel_ax_recorder.clock.advance(0.4)
            yield from llm("openai", "gpt-4o")(lambda: iter(["It", "is"]))()

        @turn.tts("cartesia", "sonic-3")
        def speak() -> Iterator[bytes]:
            otel_ax_recorder.clock.advance(0.2)
            yield from (b"1", b"2")

        assert (list(answer()), list(speak())) == (["It", "is"], [b"1", b"2"])
    attributes = otel_ax_recorder.span("voice_turn").attributes
    assert attributes["ax.voice.llm.time_to_first_token"] == _about(0.4)
    assert attributes["ax.voice.tts.time_to_first_byte"] == _about(0.2)


def test_speech_by_tokens(otel_ax_recorder: Recorder) -> None:
    with voice_turn() as turn, turn.stt("openai", "gpt-4o-transcribe") as stt:
        stt.response({"usage": {"input_tokens": 30, "output_tokens": 5, "input_token_details": {"audio_tokens": 28}}})
        stt.usage(output=6)
    attributes = otel_ax_recorder.span("stt gpt-4o-transcribe").attributes
    assert attributes["gen_ai.usage.input_tokens"] == 30
    assert attributes["gen_ai.usage.audio.input_tokens"] == 28
    assert attributes["gen_ai.usage.output_tokens"] == 6
