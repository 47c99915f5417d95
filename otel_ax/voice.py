"""Voice agents: a call, its turns, and a turn's phases; what the user heard as silence.

    with otel_ax.voice_call(objective="book a table") as call:
        with otel_ax.voice_turn() as turn:
            with turn.stt("deepgram", "nova-3") as stt:
                ...                             # listen
                turn.user_stopped(ago_s=0.3)    # voice activity detection is that late
                stt.audio(seconds=3.2)
            with turn.llm("openai", "gpt-4o") as llm: ...
            with turn.tts("cartesia", "sonic-3") as tts:
                tts.first_byte()
                turn.first_audio()
                tts.characters(240)
        call.outcome("booked")

In: these moments, as they happen. Out: spans `voice_call`, `voice_turn`, and `stt {model}`, `chat {model}`,
`tts {model}` below, with latencies in seconds; audio seconds, characters and tokens, by which the exporter finds costs.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from opentelemetry.context import Context, create_key, get_value
from opentelemetry.trace import Status, StatusCode

from otel_ax import adapter, guard, semconv
from otel_ax.adapter import Invocation, Untold
from otel_ax.context import AttributeValue, current, entered, within
from otel_ax.decorators.llm import LLM
from otel_ax.decorators.work import Work
from otel_ax.decorators.wrap import Maker
from otel_ax.speech import Moments, SpeechMaker, TurnLLM

__all__ = ["VoiceCall", "VoiceTurn", "voice_call", "voice_turn"]

_HERE: Final = create_key("otel_ax.voice")


class _Here(dict[str, Any]):
    """The call and the turn that a place in the program belongs to; a context holds it before they are made."""


class VoiceCall(Work):
    """A phone call or session. All its methods may be left out, and none raises."""

    __slots__ = ("_reason", "id", "interruptions", "turns")

    def __init__(self, invocation: Invocation, call_id: str) -> None:
        super().__init__(invocation)
        self._reason: str | None = None
        self.id = call_id
        self.turns = 0
        self.interruptions = 0

    @guard.guarded
    def outcome(self, outcome: str) -> None:
        """How it ended, in your words: booked, transferred, voicemail."""
        self.invocation.attributes[semconv.VOICE_OUTCOME] = outcome

    @guard.guarded
    def failure(self, reason: str) -> None:
        """It failed, and why."""
        self._reason = reason

    def failed(self, error: BaseException) -> None:
        """The end, by this error."""
        self._reason = self._reason or type(error).__name__
        super().failed(error)

    def settle(self) -> None:
        """Writes outcome and counts."""
        told: dict[str, Any] = self.invocation.attributes
        told[semconv.VOICE_CALL_TURNS] = self.turns
        told[semconv.VOICE_CALL_INTERRUPTIONS] = self.interruptions
        if self._reason is not None:
            told.setdefault(semconv.VOICE_OUTCOME, "failed")
            told[semconv.VOICE_FAILURE_REASON] = self._reason
            self.invocation.span.set_status(Status(StatusCode.ERROR, self._reason))


class VoiceTurn(Work):
    """The user speaks, the agent answers. All its methods may be left out, and none raises."""

    __slots__ = ("_call", "_moments")

    def __init__(self, invocation: Invocation, call: VoiceCall | None) -> None:
        super().__init__(invocation)
        self._call = call
        self._moments = Moments()

    @guard.guarded
    def user_stopped(self, ago_s: float = 0.0) -> None:
        """The user's last audio was heard now, or that many seconds ago; the last one told holds."""
        self._moments.user_stopped(ago_s)

    @guard.guarded
    def first_audio(self, ago_s: float = 0.0) -> None:
        """The agent's first audio goes out now, or that many seconds ago."""
        self._moments.since_user_stopped(semconv.VOICE_HEARD_SILENCE, ago_s)

    @guard.guarded
    def interrupted(self) -> None:
        """The user cuts in."""
        told: dict[str, Any] = self.invocation.attributes
        if self._call is not None and not told.get(semconv.VOICE_INTERRUPTED):
            self._call.interruptions += 1
        told[semconv.VOICE_INTERRUPTED] = True

    def stt(self, provider: str | None = None, model: str | None = None) -> SpeechMaker:
        """Speech to text."""
        return SpeechMaker("stt", provider, model, self._moments, self._context_of_phase)

    def tts(self, provider: str | None = None, model: str | None = None) -> SpeechMaker:
        """Text to speech."""
        return SpeechMaker("tts", provider, model, self._moments, self._context_of_phase)

    def llm(self, provider: str | None = None, model: str | None = None) -> LLM:
        """The model that answers; its first chunk is the turn's time to first token."""
        return TurnLLM(provider, model, self._moments, self._context_of_phase)

    def settle(self) -> None:
        """Writes the latencies."""
        told: dict[str, Any] = self.invocation.attributes
        told.setdefault(semconv.VOICE_INTERRUPTED, False)
        told.update(self._moments.latencies)

    def _context_of_phase(self) -> Context | None:
        """Where a phase belongs: here, unless here is elsewhere (a callback's thread, another task)."""
        here = get_value(_HERE)
        inside = isinstance(here, _Here) and here.get("turn") is self
        return None if inside else self.invocation.context


class VoiceCallMaker(Maker[VoiceCall]):
    """What `voice_call(...)` gives: a context manager, and a decorator."""

    __slots__ = ("call_id", "objective", "within")

    def __init__(self, call_id: str | None, objective: str | None, **parts: Any) -> None:
        super().__init__()
        self.call_id, self.objective, self.within = call_id, objective, parts

    def begin(
        self,
        function: Callable[..., Any] | None,  # noqa: ARG002 (a call tells no arguments)
        args: tuple[Any, ...],  # noqa: ARG002
        kwargs: Mapping[str, Any],  # noqa: ARG002
        *,
        attached: bool,
    ) -> VoiceCall:
        """Starts the call; without a conversation around, it is one."""
        scope = within(current(), **self.within)
        call_id = self.call_id or scope.conversation or adapter.new_id()
        scope = within(scope, conversation=scope.conversation or call_id)
        here = _Here()
        attributes: dict[str, AttributeValue] = {
            **scope.attributes(),
            semconv.KIND: "voice_call",
            semconv.VOICE_CALL_ID: call_id,
        }
        if self.objective is not None:
            attributes[semconv.VOICE_OBJECTIVE] = self.objective
        context = Context({**entered(scope), _HERE: here})
        here["call"] = call = VoiceCall(
            adapter.plain("voice_call", attributes, context=context, attached=attached), call_id
        )
        return call

    def untold(self, invocation: Untold) -> VoiceCall:
        """A call that tells nothing."""
        return VoiceCall(invocation, self.call_id or "")


class VoiceTurnMaker(Maker[VoiceTurn]):
    """What `voice_turn(...)` gives: a context manager, and a decorator."""

    __slots__ = ("number",)

    def __init__(self, number: int | None) -> None:
        super().__init__()
        self.number = number

    def begin(
        self,
        function: Callable[..., Any] | None,  # noqa: ARG002 (a turn tells no arguments)
        args: tuple[Any, ...],  # noqa: ARG002
        kwargs: Mapping[str, Any],  # noqa: ARG002
        *,
        attached: bool,
    ) -> VoiceTurn:
        """Starts the turn, the next one of the call around."""
        around = get_value(_HERE)
        call: VoiceCall | None = around.get("call") if isinstance(around, _Here) else None
        attributes: dict[str, AttributeValue] = {semconv.KIND: "voice_turn"}
        if call is not None:
            call.turns += 1
            attributes[semconv.VOICE_CALL_ID] = call.id
        number = self.number if self.number is not None or call is None else call.turns
        if number is not None:
            attributes[semconv.VOICE_TURN_NUMBER] = number
        here = _Here(call=call)
        context = Context({**entered(current()), _HERE: here})
        here["turn"] = turn = VoiceTurn(
            adapter.plain("voice_turn", attributes, context=context, attached=attached), call
        )
        return turn

    def untold(self, invocation: Untold) -> VoiceTurn:
        """A turn that tells nothing."""
        return VoiceTurn(invocation, None)


def voice_call(
    call_id: str | None = None,
    *,
    objective: str | None = None,
    tenant: str | None = None,
    user: str | None = None,
    conversation: str | None = None,
    metadata: Mapping[str, AttributeValue] | None = None,
) -> VoiceCallMaker:
    """A block or function that is one phone call or session.

    Args:
        call_id: Your id of it; else the conversation's, else a new one.
        objective: What it is for.
        tenant: As of `using(...)`; so are `user`, `conversation` and `metadata`.
        user: The end user.
        conversation: Else the call's id.
        metadata: Values for all within.
    """
    return VoiceCallMaker(call_id, objective, tenant=tenant, user=user, conversation=conversation, metadata=metadata)


def voice_turn(number: int | None = None) -> VoiceTurnMaker:
    """A block or function in which the user speaks and the agent answers; counted within a `voice_call`."""
    return VoiceTurnMaker(number)
