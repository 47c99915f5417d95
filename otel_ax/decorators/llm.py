"""A call of a model: `@llm("openai", "gpt-5")`, or `with llm("openai", "gpt-5") as call:`.

In: a function that calls a model and gives back what the client answered, or a stream of it. Out: an inference span,
with the tokens that the answer tells. Around an instrumented client the two are one span, and tokens count once.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, overload

from opentelemetry.context import Context

from otel_ax import adapter, guard, semconv
from otel_ax.adapter import Invocation, Untold
from otel_ax.decorators import usage
from otel_ax.decorators.content import inputs, outputs, prompt_among
from otel_ax.decorators.work import Work
from otel_ax.decorators.wrap import F, Maker, is_bare

__all__ = ["LLM", "LLMCall", "llm"]

_FIELDS: Final = {
    "input": "input_tokens",
    "output": "output_tokens",
    "cache_read": "cache_read_input_tokens",
    "cache_write": "cache_write_input_tokens",
    "reasoning": "thinking_tokens",
    "audio_input": "audio_input_tokens",
    "audio_output": "audio_output_tokens",
}
"""util-genai's names of our counts."""
_NO_ARGUMENTS: Final[Mapping[str, Any]] = {}


class LLMCall(Work):
    """A call that is made. All its methods may be left out, and none raises."""

    __slots__ = ("_answer", "_texts")

    def __init__(self, invocation: Invocation) -> None:
        super().__init__(invocation)
        self._answer = usage.Answer()
        self._texts: list[str] = []

    @guard.guarded
    def usage(
        self,
        *,
        input: int | None = None,  # noqa: A002 (it reads as the user thinks)
        output: int | None = None,
        cache_read: int | None = None,
        cache_write: int | None = None,
        reasoning: int | None = None,
        audio_input: int | None = None,
        audio_output: int | None = None,
    ) -> None:
        """Its tokens, of which `input` includes the cached ones and `output` the reasoning; the last one told holds."""
        told = {
            "input": input,
            "output": output,
            "cache_read": cache_read,
            "cache_write": cache_write,
            "reasoning": reasoning,
            "audio_input": audio_input,
            "audio_output": audio_output,
        }
        self._answer.counts = self._answer.tokens()
        self._answer.beside = {}
        self._answer.counts.update({kind: count for kind, count in told.items() if count is not None})

    @guard.guarded
    def response(self, result: Any) -> None:
        """What the client answered, to read tokens, model, id and reasons from."""
        self.take(result)

    @guard.guarded
    def chunk(self, item: Any) -> None:
        """One chunk of a streamed answer, as it comes."""
        self.take(item)
        self.invocation.record_stream_chunk()  # type: ignore[union-attr]  # never Plain

    @guard.guarded
    def model(self, name: str) -> None:
        """The model that answered."""
        self._answer.model = name

    @guard.guarded
    def prompt(self, messages: Any) -> None:
        """What was asked: a text, or messages as the clients take them. Recorded only where that is switched on."""
        if self.invocation.should_capture_content:
            self.invocation.input_messages = inputs(messages)  # type: ignore[union-attr]  # never Plain

    @guard.guarded
    def completion(self, messages: Any) -> None:
        """What was answered. Recorded only where that is switched on."""
        if self.invocation.should_capture_content:
            self.invocation.output_messages = outputs(messages)  # type: ignore[union-attr]  # never Plain

    def take(self, result: Any) -> None:
        """Learns from a result or chunk."""
        if isinstance(self.invocation, Untold):
            return
        answer = self._answer
        answer.take(result)
        if answer.model is not None:
            self.invocation.response_model_name = answer.model  # type: ignore[union-attr]  # also on chunks' metrics
        if self.invocation.should_capture_content:
            self._texts.extend(usage.texts(result))

    def returned(self, result: Any) -> Any:
        """The end, unless a stream was given back."""
        kind = type(result)
        is_stream = hasattr(kind, "__next__") or hasattr(kind, "__anext__") or "StreamManager" in kind.__name__
        if not is_stream or isinstance(self.invocation, Untold):
            return super().returned(result)
        from otel_ax.decorators.stream import streamed  # noqa: PLC0415 (a stream's first; most calls have none)

        self.invocation.suspend()
        return streamed(self, result, prefer_async=self.is_async)

    def settle(self) -> None:
        """Writes what the answer told."""
        invocation, answer = self.invocation, self._answer
        for kind, count in answer.tokens().items():
            setattr(invocation, _FIELDS[kind], count)
        if answer.model is not None:
            invocation.response_model_name = answer.model  # type: ignore[union-attr]
        if answer.id is not None:
            invocation.response_id = answer.id  # type: ignore[union-attr]
        if answer.reasons:
            invocation.finish_reasons = answer.reasons  # type: ignore[union-attr]
        if self._texts and not invocation.output_messages:  # type: ignore[union-attr]
            invocation.output_messages = outputs("".join(self._texts))  # type: ignore[union-attr]

    def abandoned(self) -> None:
        """The end, since nobody reads on; whoever has seen the reason why the model stopped has read it all."""
        if not self._answer.reasons:
            self.invocation.attributes[semconv.STREAM_ABANDONED] = True
        self.finished()


class LLM(Maker[LLMCall]):
    """What `llm(...)` gives: a decorator, and a context manager."""

    __slots__ = ("model", "operation", "provider")

    def __init__(self, provider: str | None, model: str | None, operation: str) -> None:
        super().__init__()
        self.provider, self.model, self.operation = provider, model, operation

    def gate(self, kwargs: Mapping[str, Any]) -> None:
        """A budget may stop the call."""
        adapter.gate(self.provider, self._model(kwargs))

    def begin(
        self,
        function: Callable[..., Any] | None,
        args: Iterable[Any],
        kwargs: Mapping[str, Any],
        *,
        attached: bool,
    ) -> LLMCall:
        """Starts the span."""
        invocation = adapter.inference(
            self.provider, self._model(kwargs), self.operation, context=self.context(), attached=attached
        )
        call = self.call_of(invocation)
        if function is not None and invocation.should_capture_content:
            call.prompt(prompt_among(tuple(args), kwargs))
        return call

    def untold(self, invocation: Untold) -> LLMCall:
        """A call that tells nothing."""
        return self.call_of(invocation)

    def _model(self, kwargs: Mapping[str, Any]) -> str | None:
        given = kwargs.get("model") if self.model is None else self.model
        return given if isinstance(given, str) else None

    def call_of(self, invocation: Invocation) -> LLMCall:
        """The call, for what is open."""
        return LLMCall(invocation)

    def context(self) -> Context | None:
        """Where it belongs: here (None), or elsewhere."""
        return None


@overload
def llm(function: F, /) -> F: ...
@overload
def llm(provider: str | None = None, model: str | None = None, *, operation: str = "chat") -> LLM: ...
def llm(provider: Any = None, model: str | None = None, *, operation: str = "chat") -> Any:
    """Marks a function or a block as one call of a model.

    Args:
        provider: Who serves the model, in OpenTelemetry's words: openai, anthropic, aws.bedrock, gcp.gemini …
        model: The model that is asked for; else the call's argument `model=`, or what an instrumented client says.
        operation: chat, text_completion, generate_content, embeddings, or a word of your own.
    """
    if is_bare(provider):
        return LLM(None, None, operation)(provider)
    return LLM(provider, model, operation)
