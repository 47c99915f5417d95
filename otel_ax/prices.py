"""What a call cost: its usage, split so that nothing is counted twice, times the rates of its model on its day.

In: provider, model, `Usage`, time of the call. Out: a `Price` in integer nano-dollars with its buckets, or `Unpriced`
with the reason: an unknown model is never guessed. Rates come from `otel_ax.rates`. Loads no OpenTelemetry.

Producers disagree on what their counts include. The conventions say that `input` includes cached tokens and `output`
reasoning ones, but Anthropic-shaped producers leave cached tokens out. `Usage.inclusive` says which it is where the
producer told (by a total, see `usage_of`); else more cached tokens than input means that they are left out, and
everything else is taken as the conventions say.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from fractions import Fraction
from types import MappingProxyType
from typing import Final

from otel_ax import semconv
from otel_ax.rates import NANOS, Nanos, Rates, Steps, find

__all__ = ["BUCKETS", "Price", "Unpriced", "Usage", "has_usage", "price", "usage_of"]

BUCKETS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "input": semconv.COST_INPUT,
        "cache_read": semconv.COST_CACHE_READ,
        "cache_write": semconv.COST_CACHE_WRITE,
        "audio_input": semconv.COST_AUDIO_INPUT,
        "output": semconv.COST_OUTPUT,
        "reasoning": semconv.COST_REASONING,
        "audio_output": semconv.COST_AUDIO_OUTPUT,
        "speech": semconv.COST_SPEECH,
    }
)
"""The disjoint parts of a price and the attributes that hold them; a fee for the request itself is in `input`."""


@dataclass(frozen=True, slots=True)
class Usage:
    """What a call used: tokens, seconds of audio, characters; as the producer told them."""

    input: int = 0
    output: int = 0
    cache_read: int = 0
    cache_write: int = 0
    reasoning: int = 0
    audio_input: int = 0
    audio_output: int = 0
    seconds: float = 0.0
    characters: int = 0
    audio_cache_read: int = 0
    """Cached audio: part of `audio_input` and of `cache_read`."""
    inclusive: bool | None = None
    """Whether `input` includes `cache_read` and `cache_write`; None: not told."""

    @property
    def tokens(self) -> tuple[int, int]:
        """All that went in and all that came out, cached and reasoning tokens among them, each once."""
        parts = _disjoint(self)
        return parts["total_input"], parts["output"] + parts["reasoning"] + parts["audio_output"]


@dataclass(frozen=True, slots=True)
class Price:
    """Nano-dollars in all, and by the buckets that are not zero, which add up to them."""

    nanos: int
    buckets: Mapping[str, int]
    version: str
    """Whose price it is: `genai-prices 0.2.3`, `otel-ax 2026-11-21`, `user`."""
    date: str
    """The day from which it holds; where the table has none, the day (UTC) for which it was asked."""


@dataclass(frozen=True, slots=True)
class Unpriced:
    """Why there is no price: `no model`, `no usage`, `unknown model`, `unknown provider`, `no rate`, …."""

    reason: str


_NOTHING: Final = Usage()


def price(provider: str | None, model: str | None, usage: Usage, at_ns: int) -> Price | Unpriced:
    """What `usage` cost at `at_ns` (Unix, ns), rounded to the nano-dollar once, in the sum."""
    if not model:
        return Unpriced("no model")
    if usage == _NOTHING:
        return Unpriced("no usage")
    rates = find(provider, model, at_ns)
    if isinstance(rates, str):
        return Unpriced(rates)
    costs = _costs(usage, rates)
    if costs is None:
        return Unpriced("no rate")
    nanos, buckets = _rounded(costs)
    date = rates.since or datetime.fromtimestamp(at_ns // NANOS, UTC).date().isoformat()
    return Price(nanos, buckets, rates.version, date)


def _disjoint(usage: Usage) -> dict[str, int]:
    """Token counts no two of which overlap, and `total_input`, which chooses the tier of a price."""
    cached = usage.cache_read + usage.cache_write
    is_inclusive = usage.inclusive is not False and cached <= usage.input
    total_input = usage.input if is_inclusive else usage.input + cached
    heard_again = min(usage.audio_cache_read, usage.audio_input, usage.cache_read)
    heard = min(usage.audio_input - heard_again, total_input - cached)
    # Gemini-shaped producers tell thoughts beside the output; both cannot be meant where they exceed it.
    thought = usage.reasoning
    total_output = usage.output if thought + usage.audio_output <= usage.output else usage.output + thought
    spoken = min(usage.audio_output, total_output - thought)
    return {
        "total_input": total_input,
        "input": total_input - cached - heard,
        "cache_read": usage.cache_read - heard_again,
        "audio_cache_read": heard_again,
        "cache_write": usage.cache_write,
        "audio_input": heard,
        "output": total_output - thought - spoken,
        "reasoning": thought,
        "audio_output": spoken,
    }


_INSTEAD: Final = MappingProxyType(
    {
        "cache_read": ("input",),
        "cache_write": ("input",),
        "audio_input": ("input",),
        "audio_cache_read": ("cache_read", "audio_input", "input"),
        "reasoning": ("output",),
        "audio_output": ("output",),
    }
)
"""Whose rate a kind has that has none of its own: that of the wider kind that it is part of."""


def _costs(usage: Usage, rates: Rates) -> dict[str, Nanos] | None:
    """Exact nano-dollars by bucket; None where nothing of what was used has a rate."""
    parts = _disjoint(usage)
    total_input = parts.pop("total_input")
    costs: dict[str, Nanos] = {}
    is_rated = rates.free
    for kind, count in parts.items():
        steps = steps_of(kind, rates)
        if count and steps:
            is_rated = True
            bucket = "cache_read" if kind == "audio_cache_read" else kind
            costs[bucket] = costs.get(bucket, 0) + count * _step(steps, total_input)
    for amount, steps in ((_billed_seconds(usage, rates), rates.of.get("seconds")),
                          (usage.characters, rates.of.get("characters"))):  # fmt: skip
        if amount and steps:
            is_rated = True
            costs["speech"] = costs.get("speech", 0) + amount * _step(steps, 0)
    if not is_rated:
        return None
    if "requests" in rates.of:
        costs["input"] = costs.get("input", 0) + _step(rates.of["requests"], total_input)
    return costs


def _billed_seconds(usage: Usage, rates: Rates) -> Fraction:
    # By its text: 0.1 is a tenth, not the double nearest to it.
    return max(Fraction(str(usage.seconds)), Fraction(rates.least_seconds)) if usage.seconds else Fraction(0)


def steps_of(kind: str, rates: Rates) -> Steps | None:
    for name in (kind, *_INSTEAD.get(kind, ())):
        if name in rates.of:
            return rates.of[name]
    return None


def _step(steps: Steps, total_input: int) -> Nanos:
    rate = steps[0][1]
    for above, nanos in steps[1:]:
        if total_input > above:
            rate = nanos
    return rate


def _rounded(costs: Mapping[str, Nanos]) -> tuple[int, dict[str, int]]:
    """The sum to the nearest nano-dollar, and parts that add up to it: each is the step of a rounded running sum."""
    exact: Nanos = 0
    told = 0
    buckets = {}
    for bucket in BUCKETS:
        if bucket in costs:
            exact += costs[bucket]
            part = round(exact) - told
            told += part
            if part:
                buckets[bucket] = part
    return told, buckets


_COUNTS: Final = (
    ("input", (semconv.INPUT_TOKENS, "gen_ai.usage.prompt_tokens", "llm.token_count.prompt")),
    ("output", (semconv.OUTPUT_TOKENS, "gen_ai.usage.completion_tokens", "llm.token_count.completion")),
    (
        "cache_read",
        (
            semconv.CACHE_READ_TOKENS,
            "gen_ai.usage.cache_read_input_tokens",
            "gen_ai.usage.cached_tokens",
            "llm.token_count.prompt_details.cache_read",
        ),
    ),
    (
        "cache_write",
        (
            semconv.CACHE_WRITE_TOKENS,
            semconv.CACHE_CREATION_TOKENS,
            "gen_ai.usage.cache_creation_input_tokens",
            "llm.token_count.prompt_details.cache_write",
        ),
    ),
    (
        "reasoning",
        (semconv.REASONING_TOKENS, "gen_ai.usage.reasoning_tokens", "llm.token_count.completion_details.reasoning"),
    ),
    (
        "audio_input",
        (semconv.AUDIO_INPUT_TOKENS, "gen_ai.usage.input_audio_tokens", "llm.token_count.prompt_details.audio"),
    ),
    (
        "audio_output",
        (semconv.AUDIO_OUTPUT_TOKENS, "gen_ai.usage.output_audio_tokens", "llm.token_count.completion_details.audio"),
    ),
    ("audio_cache_read", ("gen_ai.usage.audio.cache_read.input_tokens",)),
    ("characters", (semconv.SPEECH_CHARACTERS, "metrics.character_count")),
)
"""Where the counts of `Usage` stand in attributes; the first that is there wins. Source: otel.md, A7."""
_TOTALS: Final = ("gen_ai.usage.total_tokens", "llm.usage.total_tokens", "llm.token_count.total")


_FIELDS: Final = {name: (field, at) for field, names in _COUNTS for at, name in enumerate(names)}
_NAMES: Final = frozenset(_FIELDS) | {semconv.SPEECH_SECONDS}


def has_usage(attributes: Mapping[str, object]) -> bool:
    """Whether `usage_of` may find something."""
    return not _NAMES.isdisjoint(attributes)


def usage_of(attributes: Mapping[str, object]) -> Usage | None:
    """The usage that a span's attributes tell, in OpenTelemetry's words, OpenInference's or OpenLLMetry's."""
    found: dict[str, tuple[int, int]] = {}
    for name in _FIELDS.keys() & attributes.keys():
        field, at = _FIELDS[name]
        count = _count(attributes[name])
        if count is not None and (field not in found or at < found[field][0]):
            found[field] = at, count
    counts = {field: count for field, (_, count) in found.items()}
    told = attributes.get(semconv.SPEECH_SECONDS)
    seconds = float(told) if isinstance(told, int | float) and 0 < told < float("inf") else 0.0
    if not counts and not seconds:
        return None
    return Usage(**counts, seconds=seconds, inclusive=_told_inclusive(counts, attributes))


def _count(value: object) -> int | None:
    is_count = isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < float("inf")
    return int(value) if is_count else None  # type: ignore[call-overload]


def _told_inclusive(counts: Mapping[str, int], attributes: Mapping[str, object]) -> bool | None:
    """A total tells it: it is input + output, or that and the cached tokens."""
    cached = counts.get("cache_read", 0) + counts.get("cache_write", 0)
    if not cached:
        return None  # and no matter
    total = next((count for name in _TOTALS if (count := _count(attributes.get(name))) is not None), None)
    both = counts.get("input", 0) + counts.get("output", 0)
    return {both: True, both + cached: False}.get(total) if total is not None else None
