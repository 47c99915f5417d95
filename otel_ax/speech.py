"""The phases of a voice turn: speech to text, the model, text to speech.

In: what each phase learns: audio, characters, tokens, its first byte. Out: spans `stt {model}`, `chat {model}` and
`tts {model}`, and the turn's `Moments`.
"""

import timeit
from collections.abc import Callable, Mapping
from typing import Any, Final

from opentelemetry.context import Context
from opentelemetry.trace import SpanKind

from otel_ax import adapter, guard, semconv
from otel_ax.adapter import Invocation, Untold
from otel_ax.context import AttributeValue
from otel_ax.decorators.llm import LLM, LLMCall
from otel_ax.decorators.usage import Answer
from otel_ax.decorators.work import Work
from otel_ax.decorators.wrap import Maker

__all__ = ["Moments", "Speech", "SpeechMaker", "TurnLLM"]

Where = Callable[[], Context | None]
"""Says where a phase belongs: here (None), or in its turn."""

_TOKENS: Final = {
    "input": semconv.INPUT_TOKENS,
    "output": semconv.OUTPUT_TOKENS,
    "cache_read": semconv.CACHE_READ_TOKENS,
    "cache_write": semconv.CACHE_WRITE_TOKENS,
    "reasoning": semconv.REASONING_TOKENS,
    "audio_input": semconv.AUDIO_INPUT_TOKENS,
    "audio_output": semconv.AUDIO_OUTPUT_TOKENS,
}


class Moments:
    """When the user stopped, and how long what followed took."""

    __slots__ = ("_stopped_s", "latencies")

    def __init__(self) -> None:
        self._stopped_s: float | None = None
        self.latencies: dict[str, float] = {}
        """Seconds, by attribute; the first one told of each holds."""

    def user_stopped(self, ago_s: float) -> None:
        """The user's last audio was so long ago; the last one told holds."""
        self._stopped_s = timeit.default_timer() - ago_s

    def since_user_stopped(self, name: str, ago_s: float = 0.0) -> None:
        """A latency that is over now; an agent that talks over the user has none."""
        if self._stopped_s is not None:
            self.latencies.setdefault(name, max(timeit.default_timer() - ago_s - self._stopped_s, 0.0))


class Speech(Work):
    """Speech to text or text to speech. All its methods may be left out, and none raises."""

    __slots__ = ("_answer", "_moments", "_operation", "_started_s")

    def __init__(self, invocation: Invocation, moments: Moments, operation: str) -> None:
        super().__init__(invocation)
        self._moments, self._operation = moments, operation
        self._started_s = timeit.default_timer()
        self._answer = Answer()

    @guard.guarded
    def audio(self, seconds: float) -> None:
        """How much audio was heard or spoken."""
        self.invocation.attributes[semconv.SPEECH_SECONDS] = float(seconds)

    @guard.guarded
    def characters(self, count: int) -> None:
        """How many characters were spoken."""
        self.invocation.attributes[semconv.SPEECH_CHARACTERS] = int(count)

    @guard.guarded
    def transcribed(self) -> None:
        """The final transcript is here; else it is when the block ends."""
        self._moments.since_user_stopped(semconv.VOICE_STT_LATENCY)

    @guard.guarded
    def first_byte(self) -> None:
        """The first audio is here."""
        latency_s = timeit.default_timer() - self._started_s
        self.invocation.attributes.setdefault(semconv.SPEECH_TIME_TO_FIRST_BYTE, latency_s)
        self._moments.latencies.setdefault(semconv.VOICE_TTS_LATENCY, latency_s)

    @guard.guarded
    def usage(
        self,
        *,
        input: int | None = None,  # noqa: A002 (as of `llm`)
        output: int | None = None,
        audio_input: int | None = None,
        audio_output: int | None = None,
    ) -> None:
        """Its tokens, where a model counts those."""
        told = {"input": input, "output": output, "audio_input": audio_input, "audio_output": audio_output}
        self._answer.counts.update({kind: count for kind, count in told.items() if count is not None})

    @guard.guarded
    def response(self, result: Any) -> None:
        """What the client answered, to read tokens from."""
        self.take(result)

    def take(self, result: Any) -> None:
        """Learns from a result."""
        self._answer.take(result)

    def chunk(self, item: Any) -> None:
        """One chunk of audio."""
        if self._operation == "tts":
            self.first_byte()
        self.take(item)

    def finished(self) -> None:
        """The end, as it should be."""
        if self._operation == "stt":
            self.transcribed()
        super().finished()

    def settle(self) -> None:
        """Writes tokens and model."""
        told: dict[str, Any] = self.invocation.attributes
        told.update({_TOKENS[kind]: count for kind, count in self._answer.tokens().items()})
        if self._answer.model is not None:
            told[semconv.RESPONSE_MODEL] = self._answer.model


class TurnCall(LLMCall):
    """A call whose first chunk the turn wants to know."""

    __slots__ = ("_moments",)

    def __init__(self, invocation: Invocation, moments: Moments) -> None:
        super().__init__(invocation)
        self._moments = moments

    def finished(self) -> None:
        """The end, as it should be."""
        super().finished()
        self._tell()

    def failed(self, error: BaseException) -> None:
        """The end, by this error or cancellation."""
        super().failed(error)
        self._tell()

    def _tell(self) -> None:
        seconds = getattr(self.invocation, "ttfc_seconds", None)  # an instrumented client's too, once it has ended
        if seconds is not None:
            self._moments.latencies.setdefault(semconv.VOICE_LLM_LATENCY, seconds)


class TurnLLM(LLM):
    """What `turn.llm(...)` gives."""

    __slots__ = ("_moments", "_where")

    def __init__(self, provider: str | None, model: str | None, moments: Moments, where: Where) -> None:
        super().__init__(provider, model, "chat")
        self._moments, self._where = moments, where

    def call_of(self, invocation: Invocation) -> LLMCall:
        """The call, for what is open."""
        return TurnCall(invocation, self._moments)

    def context(self) -> Context | None:
        """In the turn."""
        return self._where()


class SpeechMaker(Maker[Speech]):
    """What `turn.stt(...)` and `turn.tts(...)` give: a context manager, and a decorator."""

    __slots__ = ("_moments", "_where", "model", "operation", "provider")

    def __init__(self, operation: str, provider: str | None, model: str | None, moments: Moments, where: Where) -> None:
        super().__init__()
        self.operation, self.provider, self.model = operation, provider, model
        self._moments, self._where = moments, where

    def gate(self, kwargs: Mapping[str, Any]) -> None:  # noqa: ARG002 (it is known who is called)
        """A budget may stop the call."""
        adapter.gate(self.provider, self.model)

    def begin(
        self,
        function: Callable[..., Any] | None,  # noqa: ARG002 (speech has no arguments to tell)
        args: tuple[Any, ...],  # noqa: ARG002
        kwargs: Mapping[str, Any],  # noqa: ARG002
        *,
        attached: bool,
    ) -> Speech:
        """Starts the span: not by util-genai, within whose calls a model's would not be told, and phases overlap."""
        told = {semconv.PROVIDER_NAME: self.provider, semconv.REQUEST_MODEL: self.model}
        attributes: dict[str, AttributeValue] = {semconv.OPERATION_NAME: self.operation}
        attributes.update({name: value for name, value in told.items() if value is not None})
        name = f"{self.operation} {self.model}" if self.model else self.operation
        invocation = adapter.plain(name, attributes, kind=SpanKind.CLIENT, context=self._where(), attached=attached)
        return Speech(invocation, self._moments, self.operation)

    def untold(self, invocation: Untold) -> Speech:
        """Speech that tells nothing."""
        return Speech(invocation, self._moments, self.operation)
