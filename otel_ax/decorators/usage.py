"""What the popular clients answer: tokens, model, id, reasons, text. Read by name, so that no client is imported.

In: a result or a chunk of a stream: an object or mapping of OpenAI's (chat and responses), Anthropic's, LiteLLM's,
LangChain's, Gemini's, Bedrock's, Ollama's. Out: `Answer`, in OpenTelemetry's sense: `input` includes cached tokens,
`output` includes reasoning. One table, `SHAPES`, knows the clients.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

__all__ = ["SHAPES", "Answer", "Shape", "texts"]

Path = tuple[str, ...]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Shape:
    """How one family of clients tells its tokens."""

    at: Path
    """Where, from the result."""
    known_by: tuple[str, ...]
    """What only it has there; one suffices."""
    counts: Mapping[str, tuple[Path, ...]]
    """Where each count is, from there; the first that is there holds."""
    beside: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Counts that are not within another, and are added: {"input": ("cache_read", "cache_write")}."""


_CACHED_BESIDE: Final = {"input": ("cache_read", "cache_write")}

SHAPES: Final = (
    Shape(  # OpenAI chat and embeddings, LiteLLM, Mistral, Groq, DeepSeek, OpenRouter
        ("usage",),
        ("prompt_tokens",),
        {
            "input": (("prompt_tokens",),),
            "output": (("completion_tokens",),),
            "cache_read": (
                ("prompt_tokens_details", "cached_tokens"),
                ("cache_read_input_tokens",),
                ("prompt_cache_hit_tokens",),
            ),
            "cache_write": (
                ("prompt_tokens_details", "cache_write_tokens"),
                ("prompt_tokens_details", "cache_creation_tokens"),
                ("cache_creation_input_tokens",),
            ),
            "reasoning": (("completion_tokens_details", "reasoning_tokens"),),
            "audio_input": (("prompt_tokens_details", "audio_tokens"),),
            "audio_output": (("completion_tokens_details", "audio_tokens"),),
        },
    ),
    Shape(  # OpenAI responses
        ("usage",),
        ("input_tokens_details", "output_tokens_details", "input_token_details"),
        {
            "input": (("input_tokens",),),
            "output": (("output_tokens",),),
            "cache_read": (("input_tokens_details", "cached_tokens"), ("input_token_details", "cached_tokens")),
            "cache_write": (("input_tokens_details", "cache_write_tokens"),),
            "reasoning": (("output_tokens_details", "reasoning_tokens"),),
            "audio_input": (("input_tokens_details", "audio_tokens"), ("input_token_details", "audio_tokens")),
            "audio_output": (("output_tokens_details", "audio_tokens"), ("output_token_details", "audio_tokens")),
        },
    ),
    Shape(  # Anthropic: cached tokens are counted beside
        ("usage",),
        ("input_tokens", "output_tokens"),
        {
            "input": (("input_tokens",),),
            "output": (("output_tokens",),),
            "cache_read": (("cache_read_input_tokens",),),
            "cache_write": (("cache_creation_input_tokens",),),
            "reasoning": (("output_tokens_details", "thinking_tokens"),),
        },
        _CACHED_BESIDE,
    ),
    Shape(  # Bedrock's Converse
        ("usage",),
        ("inputTokens",),
        {
            "input": (("inputTokens",),),
            "output": (("outputTokens",),),
            "cache_read": (("cacheReadInputTokens",),),
            "cache_write": (("cacheWriteInputTokens",),),
        },
        _CACHED_BESIDE,
    ),
    Shape(  # LangChain's messages
        ("usage_metadata",),
        ("input_tokens",),
        {
            "input": (("input_tokens",),),
            "output": (("output_tokens",),),
            "cache_read": (("input_token_details", "cache_read"),),
            "cache_write": (("input_token_details", "cache_creation"),),
            "reasoning": (("output_token_details", "reasoning"),),
            "audio_input": (("input_token_details", "audio"),),
            "audio_output": (("output_token_details", "audio"),),
        },
    ),
    Shape(  # Gemini: thoughts are counted beside
        ("usage_metadata",),
        ("prompt_token_count",),
        {
            "input": (("prompt_token_count",),),
            "output": (("candidates_token_count",),),
            "cache_read": (("cached_content_token_count",),),
            "reasoning": (("thoughts_token_count",),),
        },
        {"output": ("reasoning",)},
    ),
    Shape(  # Ollama
        (),
        ("prompt_eval_count", "eval_count"),
        {"input": (("prompt_eval_count",),), "output": (("eval_count",),)},
    ),
)

_ROOTS: Final[tuple[Path, ...]] = ((), ("response",), ("message",))
"""Where an answer is: the result itself, an OpenAI response's event, Anthropic's `message_start`."""
_MODEL: Final[tuple[Path, ...]] = (
    ("model",),
    ("model_version",),
    ("modelId",),
    ("response_metadata", "model_name"),
)
_ID: Final[tuple[Path, ...]] = (("id",), ("response_id",))
_REASON: Final[tuple[Path, ...]] = (
    ("stop_reason",),
    ("delta", "stop_reason"),
    ("finish_reason",),
    ("stopReason",),
    ("done_reason",),
    ("response_metadata", "finish_reason"),
)


@dataclass(slots=True)
class Answer:
    """What is known of an answer so far; `take` adds a result's or a chunk's part."""

    counts: dict[str, int] = field(default_factory=dict)
    model: str | None = None
    id: str | None = None
    reasons: list[str] = field(default_factory=list)
    beside: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def take(self, result: Any) -> None:
        """Adds what a result or chunk tells; of a count the last one told holds."""
        if result is None or isinstance(result, str | bytes | int | float):
            return
        for root in _ROOTS:
            part = _at(result, root)
            if part is not None and self._take(part):
                return

    def tokens(self) -> dict[str, int]:
        """By kind: input, output, cache_read, cache_write, reasoning, audio_input, audio_output; what was told."""
        told = dict(self.counts)
        for whole, parts in self.beside.items():
            if whole in told:
                told[whole] += sum(told.get(part, 0) for part in parts)
        return told

    def _take(self, part: Any) -> bool:
        """Whether it was an answer's part."""
        model = _first(part, _MODEL, str)
        reasons = [str(reason) for reason in _reasons(part)]
        shape, usage = _shape(part)
        if shape is not None:
            self.beside = shape.beside
            for kind, paths in shape.counts.items():
                count = _first(usage, paths, int)
                if count is not None and count >= 0:
                    self.counts[kind] = count
        if model is not None:
            self.model = model
            self.id = _first(part, _ID, str) or self.id
        self.reasons = reasons or self.reasons
        return shape is not None or model is not None or bool(reasons)


def texts(result: Any) -> Iterator[str]:
    """The text of a result or chunk, in pieces; asked for only where prompts and completions are recorded."""
    if isinstance(result, str):
        yield result
        return
    choices = _at(result, ("choices",))
    for choice in choices if isinstance(choices, list | tuple) else ():
        yield from _strings(choice, (("message", "content"), ("delta", "content"), ("text",)))
    content = _at(result, ("content",))
    for block in content if isinstance(content, list | tuple) else (content,):
        yield from _strings(block, (("text",),)) if not isinstance(block, str) else (block,)
    yield from _strings(result, (("output_text",), ("delta", "text"), ("text",), ("message", "content")))
    delta = _at(result, ("delta",))
    if isinstance(delta, str) and str(_at(result, ("type",))).endswith("text.delta"):
        yield delta


def _strings(thing: Any, paths: tuple[Path, ...]) -> Iterator[str]:
    found = _first(thing, paths, str)
    if found:
        yield found


def _shape(part: Any) -> tuple[Shape | None, Any]:
    for at in (("usage",), ("usage_metadata",), ()):
        usage = _at(part, at)
        if usage is None:
            continue
        for shape in SHAPES:
            if shape.at == at and any(_at(usage, (name,)) is not None for name in shape.known_by):
                return shape, usage
    return None, None


def _reasons(part: Any) -> Iterator[Any]:
    for several in ("choices", "candidates"):
        found = _at(part, (several,))
        if isinstance(found, list | tuple):
            for one in found:
                reason = _at(one, ("finish_reason",))
                if reason is not None:
                    yield getattr(reason, "value", reason)
            return
    reason = _first(part, _REASON, str)
    if reason is not None:
        yield reason


def _first(thing: Any, paths: tuple[Path, ...], kind: type[T]) -> T | None:
    for path in paths:
        found = _at(thing, path)
        if isinstance(found, kind) and not isinstance(found, bool):
            return found
    return None


def _at(thing: Any, path: Path) -> Any:
    for name in path:
        try:
            thing = thing.get(name) if isinstance(thing, Mapping) else getattr(thing, name, None)
        except Exception:  # noqa: BLE001 (a property of the client's that cannot be read is not there)
            return None
        if thing is None:
            return None
    return thing
