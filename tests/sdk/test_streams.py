"""Streams: of a decorated generator, and of a client, given back by a decorated function; read, closed, dropped."""

import asyncio
import gc
from collections.abc import AsyncIterator, Iterator
from typing import Any

import anthropic
import openai
import pytest
from openai.types.chat import ChatCompletionChunk
from opentelemetry.instrumentation.genai.anthropic import AnthropicInstrumentor
from opentelemetry.instrumentation.genai.openai import OpenAIInstrumentor
from opentelemetry.trace import StatusCode, get_current_span
from opentelemetry.util.genai.handler import TelemetryHandler

from otel_ax.decorators import llm
from otel_ax.testing import Recorder
from tests.sdk.standin.server import standing_in

USAGE = {"prompt_tokens": 10, "completion_tokens": 3, "total_tokens": 13}
PIECES = ("Sun", "ny", ".")


def _chunk(text: str | None, *, reason: str | None = None, usage: dict[str, int] | None = None) -> ChatCompletionChunk:
    choices = [] if usage else [{"index": 0, "delta": {"content": text}, "finish_reason": reason}]
    told = {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "gpt-5-2025", "choices": choices}
    return ChatCompletionChunk.model_validate({**told, "usage": usage})


CHUNKS = [*(_chunk(piece) for piece in PIECES), _chunk(None, reason="stop"), _chunk(None, usage=USAGE)]

ANTHROPIC = [
    {
        "type": "message_start",
        "message": {
            "id": "msg_1",
            "model": "claude-sonnet-5",
            "usage": {"input_tokens": 5, "cache_read_input_tokens": 7, "output_tokens": 1},
        },
    },
    {"type": "content_block_delta", "delta": {"type": "text_delta", "text": "Sunny."}},
    {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 9}},
    {"type": "message_stop"},
]
RESPONSES = [
    {"type": "response.created", "response": {"id": "r1", "model": "gpt-5", "usage": None}},
    {"type": "response.output_text.delta", "delta": "Sunny."},
    {
        "type": "response.completed",
        "response": {
            "id": "r1",
            "model": "gpt-5",
            "usage": {"input_tokens": 12, "output_tokens": 9, "input_tokens_details": {"cached_tokens": 7}},
        },
    },
]


class Stream:
    """A client's stream: an iterator that can be closed."""

    def __init__(self, chunks: list[Any], error: Exception | None = None) -> None:
        self._chunks, self._error, self.closed = iter(chunks), error, False
        self.current: list[str] = []

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        self.current.append(getattr(get_current_span(), "name", ""))
        for chunk in self._chunks:
            return chunk
        if self._error is not None:
            raise self._error
        raise StopIteration

    def close(self) -> None:
        self.closed = True


class AsyncStream(Stream):
    """The same, for `async for`."""

    __next__ = None  # type: ignore[assignment]

    def __aiter__(self) -> AsyncIterator[Any]:
        return self  # type: ignore[return-value]

    async def __anext__(self) -> Any:
        await asyncio.sleep(0)
        try:
            return Stream.__next__(self)
        except StopIteration:
            raise StopAsyncIteration from None

    async def close(self) -> None:  # type: ignore[override]
        self.closed = True


@llm("openai", "gpt-5")
def ask(stream: Any) -> Any:
    return stream


@llm("openai", "gpt-5")
async def ask_later(stream: Any) -> Any:
    await asyncio.sleep(0)
    return stream


def _only(recorder: Recorder) -> Any:
    return recorder.span("chat gpt-5")


def _counts(recorder: Recorder) -> dict[str, int | None]:
    return {point.name.rpartition(".")[2]: point.count for point in recorder.metrics if "chunk" in point.name}


def test_a_clients_stream_ends_its_call_when_it_is_read(otel_ax_recorder: Recorder) -> None:
    stream = Stream(CHUNKS)
    got = ask(stream)
    assert isinstance(got, Stream)
    assert not get_current_span().is_recording()
    assert otel_ax_recorder.spans == ()
    otel_ax_recorder.clock.advance(2)
    assert list(got) == CHUNKS
    assert set(stream.current) == {"chat gpt-5"}, "what the client does while it reads belongs to the call"
    span = _only(otel_ax_recorder)
    assert span.attributes["gen_ai.usage.input_tokens"] == 10
    assert span.attributes["gen_ai.usage.output_tokens"] == 3
    assert span.attributes["gen_ai.response.finish_reasons"] == ("stop",)
    assert span.attributes["gen_ai.response.model"] == "gpt-5-2025"
    assert span.attributes["gen_ai.request.stream"] is True
    assert 2 < span.attributes["gen_ai.response.time_to_first_chunk"] < 2.01
    assert "ax.stream.abandoned" not in span.attributes
    assert _counts(otel_ax_recorder) == {"time_to_first_chunk": 1, "time_per_output_chunk": 4}


def test_an_async_clients_stream_too(otel_ax_recorder: Recorder) -> None:
    async def read() -> list[Any]:
        return [chunk async for chunk in await ask_later(AsyncStream(CHUNKS))]

    assert asyncio.run(read()) == CHUNKS
    assert _only(otel_ax_recorder).attributes["gen_ai.usage.output_tokens"] == 3
    assert _counts(otel_ax_recorder) == {"time_to_first_chunk": 1, "time_per_output_chunk": 4}


@pytest.mark.parametrize(("chunks", "read"), [(ANTHROPIC, 7), (RESPONSES, 7)], ids=["Anthropic", "OpenAI responses"])
def test_usage_is_put_together_from_the_events_that_tell_it(
    chunks: list[Any], read: int, otel_ax_recorder: Recorder
) -> None:
    assert list(ask(Stream(chunks))) == chunks
    attributes = _only(otel_ax_recorder).attributes
    assert attributes["gen_ai.usage.input_tokens"] == 12
    assert attributes["gen_ai.usage.output_tokens"] == 9
    assert attributes["gen_ai.usage.cache_read.input_tokens"] == read


def test_a_generator_of_chunks_is_a_stream(otel_ax_recorder: Recorder) -> None:
    @llm("openai", "gpt-5")
    def answer() -> Iterator[Any]:
        otel_ax_recorder.clock.advance(3)
        yield from CHUNKS

    assert list(answer()) == CHUNKS
    attributes = _only(otel_ax_recorder).attributes
    assert attributes["gen_ai.usage.output_tokens"] == 3
    assert 3 < attributes["gen_ai.response.time_to_first_chunk"] < 3.01
    assert _counts(otel_ax_recorder) == {"time_to_first_chunk": 1, "time_per_output_chunk": 4}


def test_a_stream_within_a_decorated_generator_is_one_call(otel_ax_recorder: Recorder) -> None:
    @llm("openai", "gpt-5")
    def answer() -> Iterator[str]:
        for chunk in ask(Stream(CHUNKS)):
            if chunk.choices and chunk.choices[0].delta.content:
                yield chunk.choices[0].delta.content

    assert "".join(answer()) == "Sunny."
    assert _only(otel_ax_recorder).attributes["gen_ai.usage.output_tokens"] == 3


def test_an_instrumented_clients_stream_is_the_same_call(otel_ax_recorder: Recorder) -> None:
    @llm
    def answer() -> Iterator[str]:
        with TelemetryHandler().inference("openai", request_model="gpt-5") as inner:
            for piece in PIECES:
                inner.record_stream_chunk()
                yield piece
            inner.input_tokens, inner.output_tokens = 10, 3

    assert list(answer()) == list(PIECES)
    (span,) = otel_ax_recorder.spans
    assert span.attributes["gen_ai.usage.output_tokens"] == 3
    assert _counts(otel_ax_recorder) == {"time_to_first_chunk": 1, "time_per_output_chunk": 2}


def _close(stream: Any) -> None:
    next(stream)
    stream.close()


def _leave(stream: Any) -> None:
    next(stream)
    del stream
    gc.collect()


@pytest.mark.parametrize("abandon", [_close, _leave])
def test_an_abandoned_stream_ends_without_error(abandon: Any, otel_ax_recorder: Recorder) -> None:
    abandon(ask(Stream(CHUNKS)))
    gc.collect()
    span = _only(otel_ax_recorder)
    assert span.attributes["ax.stream.abandoned"] is True
    assert span.status.status_code is StatusCode.UNSET
    assert "gen_ai.usage.output_tokens" not in span.attributes


def test_a_stream_left_after_the_models_last_word_is_not_abandoned(otel_ax_recorder: Recorder) -> None:
    stream = ask(Stream(CHUNKS))
    while not next(stream).choices[0].finish_reason:
        pass
    stream.close()
    assert "ax.stream.abandoned" not in _only(otel_ax_recorder).attributes


def test_an_async_stream_that_is_closed_is_abandoned(otel_ax_recorder: Recorder) -> None:
    async def read() -> bool:
        stream = await ask_later(AsyncStream(CHUNKS))
        await anext(stream)
        await stream.close()
        return bool(stream.closed)

    assert asyncio.run(read())
    assert _only(otel_ax_recorder).attributes["ax.stream.abandoned"] is True


def test_a_stream_that_fails_fails_its_call(otel_ax_recorder: Recorder) -> None:
    error = ConnectionError("gone")
    with pytest.raises(ConnectionError) as caught:
        list(ask(Stream(CHUNKS[:2], error)))
    assert caught.value is error
    span = _only(otel_ax_recorder)
    assert (span.status.status_code, span.attributes["error.type"]) == (StatusCode.ERROR, "ConnectionError")


def test_a_task_cancelled_while_it_reads_cancels_the_call(otel_ax_recorder: Recorder) -> None:
    @llm("openai", "gpt-5")
    async def answer() -> AsyncIterator[str]:
        yield "Sun"
        await asyncio.sleep(60)

    async def cancel() -> bool:
        async def read() -> None:
            async for _ in answer():
                pass

        task = asyncio.create_task(read())
        await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.wait([task])
        return task.cancelled()

    assert asyncio.run(cancel())
    assert _only(otel_ax_recorder).attributes["error.type"] == "asyncio.exceptions.CancelledError"


def test_streams_that_are_read_beside_each_other_are_calls_of_their_own(otel_ax_recorder: Recorder) -> None:
    one, two = ask(Stream(CHUNKS)), ask(Stream(CHUNKS))
    for _ in zip(one, two, strict=True):
        pass
    assert len(otel_ax_recorder.spans) == 2
    assert all(span.parent is None for span in otel_ax_recorder.spans)


def test_what_litellm_gives_can_be_read_either_way(otel_ax_recorder: Recorder) -> None:
    class Both(Stream):
        def __aiter__(self) -> AsyncIterator[Any]:
            return self  # type: ignore[return-value]

        async def __anext__(self) -> Any:
            try:
                return Stream.__next__(self)
            except StopIteration:
                raise StopAsyncIteration from None

    async def read() -> list[Any]:
        return [chunk async for chunk in await ask_later(Both(CHUNKS))]

    assert list(ask(Both(CHUNKS))) == CHUNKS
    assert asyncio.run(read()) == CHUNKS
    assert [span.attributes["gen_ai.usage.output_tokens"] for span in otel_ax_recorder.spans] == [3, 3]


@pytest.fixture(params=[False, True], ids=["decorated only", "instrumented too"])
def instrumented(request: pytest.FixtureRequest) -> Iterator[None]:
    """With the published instrumentors of both clients, and without."""
    instrumentors = [AnthropicInstrumentor(), OpenAIInstrumentor()] if request.param else []
    for instrumentor in instrumentors:
        instrumentor.instrument()
    yield
    for instrumentor in instrumentors:
        instrumentor.uninstrument()


ANTHROPICS_OWN = "com.anthropic.sdk.python"
"""The scope of spans that its client makes of each request, below ours; the exporter counts the innermost only."""
PROMPT: Any = [{"role": "user", "content": "Is it sunny?"}]


def _is_one_call_of_1200_tokens(recorder: Recorder) -> None:
    (span,) = (span for span in recorder.spans if span.instrumentation_scope.name != ANTHROPICS_OWN)
    assert span.attributes["gen_ai.usage.input_tokens"] == 1200
    assert span.attributes["gen_ai.usage.output_tokens"] == 300
    assert span.attributes["gen_ai.usage.cache_read.input_tokens"] == 200
    assert "ax.stream.abandoned" not in span.attributes
    tokens = [point for point in recorder.metrics if point.name == "gen_ai.client.token.usage"]
    assert sorted((point.value, point.count) for point in tokens) == [(300, 1), (1200, 1)]


def test_openais_client(instrumented: None, otel_ax_recorder: Recorder) -> None:
    del instrumented
    with standing_in() as standin, openai.OpenAI(**standin.openai) as client:
        create = llm("openai", "gpt-5")(client.chat.completions.create)
        stream = create(model="gpt-5", messages=PROMPT, stream=True, stream_options={"include_usage": True})
        with stream:
            assert isinstance(stream, openai.Stream)
            assert len(list(stream)) == 6
    _is_one_call_of_1200_tokens(otel_ax_recorder)


def test_openais_async_client(instrumented: None, otel_ax_recorder: Recorder) -> None:
    del instrumented

    async def read(options: dict[str, Any]) -> int:
        async with openai.AsyncOpenAI(**options) as client:
            create = llm("openai", "gpt-5")(client.chat.completions.create)
            stream = await create(model="gpt-5", messages=PROMPT, stream=True, stream_options={"include_usage": True})
            return len([chunk async for chunk in stream])

    with standing_in() as standin:
        assert asyncio.run(read(standin.openai)) == 6
    _is_one_call_of_1200_tokens(otel_ax_recorder)


def test_anthropics_client(instrumented: None, otel_ax_recorder: Recorder) -> None:
    del instrumented
    with standing_in() as standin, anthropic.Anthropic(**standin.anthropic) as client:
        create = llm("anthropic", "claude-sonnet-5")(client.messages.create)
        assert len(list(create(model="claude-sonnet-5", max_tokens=9, messages=PROMPT, stream=True))) > 4
    _is_one_call_of_1200_tokens(otel_ax_recorder)


def test_anthropics_stream_manager(instrumented: None, otel_ax_recorder: Recorder) -> None:
    del instrumented
    with standing_in() as standin, anthropic.Anthropic(**standin.anthropic) as client:
        open_stream = llm("anthropic", "claude-sonnet-5")(client.messages.stream)
        with open_stream(model="claude-sonnet-5", max_tokens=9, messages=PROMPT) as stream:
            assert "".join(stream.text_stream) == "It is 12 °C in Oslo."
    _is_one_call_of_1200_tokens(otel_ax_recorder)


def test_anthropics_async_stream_manager(instrumented: None, otel_ax_recorder: Recorder) -> None:
    del instrumented

    async def read(options: dict[str, Any]) -> str:
        async with anthropic.AsyncAnthropic(**options) as client:
            open_stream = llm("anthropic", "claude-sonnet-5")(client.messages.stream)
            async with open_stream(model="claude-sonnet-5", max_tokens=9, messages=PROMPT) as stream:
                return "".join([text async for text in stream.text_stream])

    with standing_in() as standin:
        assert asyncio.run(read(standin.anthropic)) == "It is 12 °C in Oslo."
    _is_one_call_of_1200_tokens(otel_ax_recorder)
