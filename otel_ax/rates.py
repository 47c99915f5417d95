"""Rates of a model on a day: the user's file, then ours, then `genai-prices`.

In: provider, model, time of the call. Out: `Rates`, nano-dollars for a unit of each kind, or the reason why there are
none. Loads no OpenTelemetry; `genai_prices` (270 ms) is imported at the first look-up that needs it.
"""

import json
import os
import tomllib
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from otel_ax.errors import BadSettings
from otel_ax.forking import LONGEST_S, unforked
from otel_ax.guard import report

__all__ = ["PRICES_VARIABLE", "Rates", "find", "read_table"]

PRICES_VARIABLE: Final = "AX_PRICES"
OUR_TABLE: Final = Path(__file__).with_name("prices.toml")

NANOS: Final = 1_000_000_000
Nanos = int | Fraction
Steps = tuple[tuple[int, Nanos], ...]
"""Nano-dollars for a unit, exact, if the call has more input tokens than this: `((-1, 3000), (200_000, 6000))`."""

_MTOK: Final = 1_000_000
_MOST_KEPT: Final = 4096
_UNITS: Final[Mapping[str, tuple[str, int]]] = MappingProxyType(
    {
        "input_mtok": ("input", _MTOK),
        "cache_read_mtok": ("cache_read", _MTOK),
        "cache_write_mtok": ("cache_write", _MTOK),
        "output_mtok": ("output", _MTOK),
        "reasoning_mtok": ("reasoning", _MTOK),
        "output_reasoning_mtok": ("reasoning", _MTOK),
        "input_audio_mtok": ("audio_input", _MTOK),
        "cache_audio_read_mtok": ("audio_cache_read", _MTOK),
        "output_audio_mtok": ("audio_output", _MTOK),
        "audio_hours": ("seconds", 3600),
        "input_audio_hours": ("seconds", 3600),
        "audio_hour": ("seconds", 3600),
        "audio_minute": ("seconds", 60),
        "input_mchars": ("characters", _MTOK),
        "mchars": ("characters", _MTOK),
        "kchars": ("characters", 1000),
        "requests_kcount": ("requests", 1000),
        "request": ("requests", 1),
    }
)
"""A key of a price table: the kind of usage that it prices, and how many of it."""
_ABOUT: Final = frozenset({"provider", "model", "from", "source", "note"})

_PROVIDERS: Final = MappingProxyType(
    {
        "gcp.gen_ai": "google",
        "azure.ai.openai": "azure",
        "azure.ai.inference": "azure",
        "az.ai.openai": "azure",
        "az.ai.inference": "azure",
        "x_ai": "x-ai",
        "xai": "x-ai",
        "moonshot_ai": "moonshotai",
        "fireworks_ai": "fireworks",
    }
)
"""`gen_ai.provider.name` in `genai-prices`' words, where it does not understand OpenTelemetry's."""
_LEAST_SECONDS: Final = MappingProxyType({("groq", "whisper-large-v3"): 10, ("groq", "whisper-large-v3-turbo"): 10})
"""What is billed at least, in seconds; `genai-prices` has it in code as well."""


@dataclass(frozen=True, slots=True, eq=False)
class Rates:
    """What a unit of each kind of usage costs; `free` where the table says that nothing is to be paid."""

    of: Mapping[str, Steps]
    version: str
    since: str
    """The day from which they hold, `2026-05-05`; empty where the table has none."""
    least_seconds: int = 0
    free: bool = False


@dataclass(frozen=True, slots=True)
class _Entry:
    providers: frozenset[str]
    pattern: str
    since: date | None
    rates: Rates

    def matches(self, provider: str | None, model: str) -> bool:
        named = provider is None or not self.providers or provider in self.providers
        return named and (model.startswith(self.pattern[:-1]) if self.pattern.endswith("*") else model == self.pattern)


@dataclass(frozen=True, slots=True)
class Table:
    """Entries of one file, the most telling first."""

    entries: Sequence[_Entry]
    found: dict[tuple[str | None, str], list[_Entry]] = field(default_factory=dict)

    def find(self, provider: str | None, model: str, day: date) -> Rates | str | None:
        """Rates, or `no price at that time` where the model is known and younger; None where it is not known."""
        matching = self.found.get((provider, model))
        if matching is None:
            if len(self.found) >= _MOST_KEPT:
                self.found.clear()
            matching = self.found[provider, model] = self._matching(provider, model)
        if not matching:
            return None
        return next((entry.rates for entry in matching if (entry.since or date.min) <= day), "no price at that time")

    def _matching(self, provider: str | None, model: str) -> list[_Entry]:
        matching = [entry for entry in self.entries if entry.matches(provider, model)]
        return [entry for entry in matching if entry.pattern == matching[0].pattern]


def read_table(path: Path, whose: str) -> Table:
    """A file of prices, TOML or JSON (by its name); `prices.toml` beside this module says how it is written.

    Raises:
        BadSettings: It cannot be read, or says what cannot be meant.
    """
    try:
        text = path.read_text(encoding="utf-8")
        is_json = path.suffix == ".json"
        told = json.loads(text, parse_float=Decimal) if is_json else tomllib.loads(text, parse_float=Decimal)
    except (OSError, ValueError) as error:
        raise BadSettings(f"cannot read prices from {path}: {error}; write TOML, or JSON in a .json file") from error
    try:
        version = " ".join(part for part in (whose, str(told.get("version", ""))) if part)
        entries = [_entry(price, version, path) for price in told.get("price", [])]
    except BadSettings:
        raise
    except (ArithmeticError, AttributeError, TypeError, ValueError) as error:
        raise BadSettings(f"{path}: cannot read a price: {error!r}; prices.toml of otel_ax shows how") from error
    entries.sort(key=_telling, reverse=True)
    return Table(entries)


def _telling(entry: _Entry) -> tuple[bool, int, date]:
    return not entry.pattern.endswith("*"), len(entry.pattern), entry.since or date.min


def _entry(told: Mapping[str, Any], version: str, path: Path) -> _Entry:
    unknown = told.keys() - _UNITS.keys() - _ABOUT
    if unknown:
        raise BadSettings(f"{path}: cannot read {sorted(unknown)}; rates are {', '.join(sorted(_UNITS))}")
    model = str(told.get("model", "")).lower()
    if not model:
        raise BadSettings(f"{path}: a price has no model; write model = 'name', or 'name*' for a prefix")
    named = told.get("provider", ())
    providers = frozenset(name.lower() for name in ([named] if isinstance(named, str) else named))
    since = told.get("from")
    if isinstance(since, str):
        since = date.fromisoformat(since)
    if since is not None and type(since) is not date:
        raise BadSettings(f"{path}: {model}: from = {since}; write a day, such as 2026-05-04")
    of = {}
    for key in told.keys() & _UNITS.keys():
        kind, per = _UNITS[key]
        dollars = Decimal(str(told[key]))
        if not dollars.is_finite() or dollars < 0:
            raise BadSettings(f"{path}: {model}: {key} = {told[key]}; write dollars, such as 0.15")
        of[kind] = ((-1, _nanos(dollars, per)),)
    rates = Rates(of, version, since.isoformat() if since else "", free=not any(s[0][1] for s in of.values()))
    return _Entry(providers, model, since, rates)


@lru_cache(maxsize=8)
def _tables(path: str | None) -> tuple[Table, ...]:
    ours = read_table(OUR_TABLE, "otel-ax")
    if not path:
        return (ours,)
    try:
        return read_table(Path(path), "user"), ours
    except BadSettings as error:
        report(f"otel_ax: {error}")
        return (ours,)


def find(provider: str | None, model: str, at_ns: int) -> Rates | str:
    """The rates of a call at `at_ns` (Unix, ns), or why there are none: `unknown provider`, `unknown model`, …."""
    at = datetime.fromtimestamp(at_ns // 1_000_000_000, UTC)
    provider, model = provider.lower().strip() if provider else None, model.lower().strip()
    too_young = None
    for table in _tables(os.environ.get(PRICES_VARIABLE)):
        found = table.find(provider, model, at.date())
        if isinstance(found, Rates):
            return found
        too_young = too_young or found
    published = _published(provider, model, at)
    return too_young if isinstance(published, str) and too_young else published


@dataclass(slots=True)
class _Published:
    """What was looked up in one state of `genai-prices`, which may bring itself up to date while running."""

    snapshot: Any
    version: str
    models: dict[tuple[str | None, str], Any] = field(default_factory=dict)
    rates: dict[tuple[int, str], tuple[Any, Rates]] = field(default_factory=dict)


_published_state: _Published | None = None


def _published(provider: str | None, model: str, at: datetime) -> Rates | str:
    state = _state()
    key = (provider, model)
    found = state.models.get(key)
    if found is None:
        if len(state.models) >= _MOST_KEPT:
            state.models.clear()
        found = state.models[key] = _look_up(state.snapshot, provider, model)
    if isinstance(found, str):
        return found
    provider_found, model_found = found
    return _rates(state, provider_found, model_found, at)


def _state() -> _Published:
    global _published_state  # noqa: PLW0603 (one table a process)
    # The child of a fork in the middle of an import waits for its end for ever.
    with nullcontext() if _published_state else unforked(LONGEST_S):
        import genai_prices  # noqa: PLC0415 (270 ms)
        from genai_prices.data_snapshot import get_snapshot  # noqa: PLC0415

        snapshot = get_snapshot()  # which imports the data
    state = _published_state
    if state is None or state.snapshot is not snapshot:
        version = f"genai-prices {genai_prices.__version__}"
        if snapshot.from_auto_update:
            version += f" of {snapshot.timestamp:%Y-%m-%d}"
        _published_state = state = _Published(snapshot, version)
    return state


def _look_up(snapshot: Any, provider: str | None, model: str) -> tuple[Any, Any] | str:
    for name in (_PROVIDERS.get(provider or "", provider), provider):
        try:
            snapshot.find_provider(model, name, None)
        except LookupError:
            continue
        try:
            found: tuple[Any, Any] = snapshot.find_provider_model(model, None, name, None)
        except LookupError:
            return "unknown model"
        return found
    return "unknown provider"


def _rates(state: _Published, provider: Any, model: Any, at: datetime) -> Rates:
    prices, since = _in_force(model, at)
    key = (id(prices), model.id)
    kept = state.rates.get(key)
    if kept is None:
        if len(state.rates) >= _MOST_KEPT:
            state.rates.clear()
        # The price itself is kept along, so that its id is not given to another.
        kept = state.rates[key] = (prices, _compiled(prices, since, state.version, provider.id, model.id))
    return kept[1]


def _in_force(model: Any, at: datetime) -> tuple[Any, str]:
    """The price of that time, by the rule of `ModelInfo.get_prices`, and the day from which it holds."""
    if not isinstance(model.prices, list):
        return model.prices, ""
    for conditional in reversed(model.prices):
        constraint = conditional.constraint
        if constraint is None or constraint.active(at):
            start = getattr(constraint, "start_date", None)
            return conditional.prices, start.isoformat() if start else ""
    return model.prices[0].prices, ""


def _compiled(prices: Any, since: str, version: str, provider: str, model: str) -> Rates:
    told = {key: value for key, value in vars(prices).items() if value is not None and not key.startswith("_")}
    of = {}
    for key, value in told.items():
        if key in _UNITS:
            kind, per = _UNITS[key]
            of[kind] = _steps(value, per)
    return Rates(of, version, since, _LEAST_SECONDS.get((provider, model), 0), free=not told)


def _steps(value: Any, per: int) -> Steps:
    if isinstance(value, Decimal):
        return ((-1, _nanos(value, per)),)
    return ((-1, _nanos(value.base, per)), *((tier.start, _nanos(tier.price, per)) for tier in value.tiers))


def _nanos(dollars: Decimal, per: int) -> Nanos:
    exact = Fraction(dollars) * NANOS / per
    return exact.numerator if exact.denominator == 1 else exact
