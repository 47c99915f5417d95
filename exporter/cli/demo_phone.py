"""The help desk on the phone: a voice agent.

In: a desk and its clock. Out: a call with its turns, and in each what was heard, thought and said.
"""

from typing import Final

import otel_ax
from exporter.cli.demo_desk import QUESTIONS, TENANTS, Desk
from exporter.cli.demo_models import QUICK, Message, RateLimitError

_HEARD_LATE_S: Final = 0.2
"""How late voice activity detection is."""
_SPOKEN_PER_S: Final = 15
"""Characters."""
_MOST_TOKENS: Final = 24
"""On the phone, answers are short."""


def phone(desk: Desk) -> None:
    """Somebody calls, asks two to four things, and is helped or hangs up."""
    rng = desk.rng
    with otel_ax.voice_call(
        objective="where is my order",
        tenant=rng.choice(TENANTS),
        user=f"u-{rng.randrange(40)}",
        metadata={"channel": "phone"},
    ) as call:
        for _ in range(rng.randint(2, 4)):
            if not _turn(desk):
                call.failure("the caller hung up")
                return
            desk.clock.passes(rng.uniform(0.3, 1.5))
        call.outcome("answered")


@otel_ax.tool("lookup_order")
def _look_up(desk: Desk, order: int) -> str:
    desk.clock.passes(0.1)
    return f"order {order} is on its way"


def _turn(desk: Desk) -> bool:
    """Whether the caller stays on the line."""
    rng, clock = desk.rng, desk.clock
    with otel_ax.voice_turn() as turn:
        with turn.stt("deepgram", "nova-3") as heard:
            spoken_s = rng.uniform(1.5, 5)
            clock.passes(spoken_s + _HEARD_LATE_S)
            turn.user_stopped(ago_s=_HEARD_LATE_S)
            clock.passes(rng.uniform(0.05, 0.2))
            heard.audio(seconds=spoken_s)
        if rng.random() < 1 / 3:
            _look_up(desk, rng.randrange(10_000))
        text = ""
        try:
            with turn.llm(QUICK.provider, QUICK.name) as call:
                asked: list[Message] = [{"role": "user", "content": rng.choice(QUESTIONS)}]
                call.prompt(asked)
                for chunk in desk.client.stream(model=QUICK, messages=asked, max_tokens=_MOST_TOKENS):
                    call.chunk(chunk)
                    text += "".join(choice["delta"].get("content") or "" for choice in chunk["choices"])
        except RateLimitError:
            return False
        with turn.tts("cartesia", "sonic-3") as said:
            clock.passes(rng.uniform(0.08, 0.25))
            said.first_byte()
            turn.first_audio()
            said.characters(len(text))
            clock.passes(len(text) / _SPOKEN_PER_S)
        if rng.random() < 1 / 8:
            turn.interrupted()
    return True
