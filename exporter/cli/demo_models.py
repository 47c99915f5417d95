"""Made-up providers of models, whose clients answer as OpenAI's do.

In: a model and messages. Out: chunks, the last with the usage, or one answer; or `RateLimitError`.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, Final

from exporter.cli.demo_clock import Passing

Message = Mapping[str, str]
Chunk = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Model:
    """A model: how soon it begins to answer, and how many tokens it writes a second."""

    provider: str
    name: str
    answers_as: str
    first_chunk_s: float
    tokens_per_s: float


MODELS: Final = (
    Model("openai", "gpt-5-mini", "gpt-5-mini-2025-08-07", 0.45, 140),
    Model("anthropic", "claude-sonnet-4-5", "claude-sonnet-4-5-20250929", 0.8, 75),
    Model("gcp.gemini", "gemini-2.5-flash", "gemini-2.5-flash", 0.35, 190),
    Model("mistral_ai", "mistral-medium-latest", "mistral-medium-2508", 0.5, 90),
)
SHARES: Final = (5, 4, 3, 1)
QUICK: Final = MODELS[2]
"""For what is spoken."""
EMBEDDER: Final = Model("openai", "text-embedding-3-small", "text-embedding-3-small", 0.08, 0)
_ANSWER: Final = (
    "Your order left our warehouse this morning and is on its way to you. "
    "You can follow it in your account, and write to us again should it not be there by Friday. "
)
_TOKENS_A_CHUNK: Final = 8
_CHARACTERS_A_TOKEN: Final = 4


class RateLimitError(Exception):
    """The provider wants fewer requests."""


class Client:
    """A client of all of them."""

    def __init__(self, rng: Random, clock: Passing) -> None:
        self._rng, self._clock = rng, clock

    def stream(
        self, *, model: Model, messages: Sequence[Message], tool: str | None = None, max_tokens: int = 2048
    ) -> Iterator[Chunk]:
        """An answer as it is written; if `tool`, it asks for that one.

        Raises:
            RateLimitError: now and then.
        """
        rng = self._rng
        if rng.random() < 1 / 25:
            self._clock.passes(0.05)
            raise RateLimitError("429: too many requests")
        chunk: Chunk = {"id": f"resp_{rng.getrandbits(64):016x}", "model": model.answers_as}
        tokens = min(max(round(rng.lognormvariate(4.6, 0.7)), 1), max_tokens)
        self._clock.passes(model.first_chunk_s * rng.lognormvariate(0, 0.35))
        for written in range(0, tokens, _TOKENS_A_CHUNK):
            if written:
                self._clock.passes(_TOKENS_A_CHUNK / model.tokens_per_s)
            yield {**chunk, "choices": [{"delta": {"content": "" if tool else _text(written)}, "finish_reason": None}]}
        reason = "tool_calls" if tool else "stop"
        yield {**chunk, "choices": [{"delta": {"tool": tool}, "finish_reason": reason}]}
        yield {**chunk, "choices": [], "usage": self._usage(messages, tokens)}

    def complete(self, *, model: Model, messages: Sequence[Message], tool: str | None = None) -> Chunk:
        """The same, once it is whole.

        Raises:
            RateLimitError: now and then.
        """
        *parts, last = self.stream(model=model, messages=messages, tool=tool)
        text = "".join(part["choices"][0]["delta"].get("content", "") for part in parts)
        choice = {"message": {"content": text, "tool": tool}, "finish_reason": parts[-1]["choices"][0]["finish_reason"]}
        return {**last, "choices": [choice]}

    def embed(self, text: str) -> Chunk:
        """A vector of the text, of which the story needs no numbers."""
        self._clock.passes(EMBEDDER.first_chunk_s * self._rng.lognormvariate(0, 0.3))
        return {"model": EMBEDDER.answers_as, "usage": {"prompt_tokens": len(text) // _CHARACTERS_A_TOKEN}}

    def _usage(self, messages: Sequence[Message], tokens: int) -> dict[str, Any]:
        said = sum(len(message["content"]) for message in messages) // _CHARACTERS_A_TOKEN
        prompt = said + round(self._rng.lognormvariate(7, 0.6))  # instructions and tools are most of a prompt
        cached = prompt // 2 if self._rng.random() < 1 / 3 else 0
        details = {"cached_tokens": cached}
        return {"prompt_tokens": prompt, "completion_tokens": tokens, "prompt_tokens_details": details}


def _text(written: int) -> str:
    begin = written * _CHARACTERS_A_TOKEN % len(_ANSWER)
    return _ANSWER[begin : begin + _TOKENS_A_CHUNK * _CHARACTERS_A_TOKEN]
