"""What clients say: JSON messages, and what a subscription asks for.

In: the text of a message. Out: frozen values, or `AxError` that names the field and the mend.
"""

import re
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from exporter.alert.shapes import Severity
from exporter.errors import AxError, BadConfig
from exporter.query.period import DAY, MINUTE
from exporter.units import NS_PER_S, parse_duration

Name = Literal["alerts", "health", "logs", "metrics", "traces", "workflows"]

MOST_ITEMS: Final = 1_000
LONGEST_NS: Final = DAY
_OPS: Final = ("subscribe", "unsubscribe", "ping")
_CURSOR: Final = re.compile(r"([0-9a-f]{1,15})\.([0-9a-f]{1,15})")
_TIMED: Final = frozenset({"filter", "range"})
FIELDS: Final[dict[Name, frozenset[str]]] = {
    "alerts": frozenset({"rule", "severity"}),
    "health": frozenset({"component"}),
    "logs": _TIMED | {"search"},
    "metrics": _TIMED | {"measure", "metric", "by", "step"},
    "traces": _TIMED,
    "workflows": _TIMED,
}
"""What a channel may be asked beside `limit` and `resume`."""


class _Message(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class Subscribe(_Message):
    """Tell me what there is, and then what changes."""

    op: Literal["subscribe"]
    id: str = Field(min_length=1, max_length=64)
    channel: Name
    filter: str | None = Field(None, max_length=4_096)
    search: str | None = Field(None, max_length=4_096)
    range: str | None = Field(None, max_length=20)
    limit: int = Field(100, ge=1, le=MOST_ITEMS)
    resume: str | None = Field(None, max_length=40)
    measure: str | None = Field(None, max_length=100)
    metric: str | None = Field(None, max_length=500)
    by: list[Annotated[str, Field(max_length=100)]] = Field(default_factory=list, max_length=5)
    step: str | None = Field(None, max_length=20)
    rule: str | None = Field(None, max_length=500)
    severity: list[Severity] = Field(default_factory=list, max_length=4)
    component: str | None = Field(None, max_length=500)


class Unsubscribe(_Message):
    """Enough of this."""

    op: Literal["unsubscribe"]
    id: str = Field(min_length=1, max_length=64)


class Ping(_Message):
    """Are you there."""

    op: Literal["ping"]


Message = Subscribe | Unsubscribe | Ping
_MESSAGE: Final[TypeAdapter[Message]] = TypeAdapter(Annotated[Message, Field(discriminator="op")])


class BadMessage(AxError):
    """A message cannot be read; `id` is that of the subscription that it is about, where it tells one."""

    def __init__(self, message: str, *, mend: str, subscription: str | None = None) -> None:
        super().__init__(message, mend=mend)
        self.id = subscription


@dataclass(frozen=True, slots=True)
class Cursor:
    """How far a subscriber was told.

    Of stored rows: up to a position of the journal, and when the last of them was taken in, Unix microseconds. Of what
    is decided here: up to a number, and 0.
    """

    at: int = 0
    ingest_us: int = 0

    def __str__(self) -> str:
        """Text that clients give back unchanged."""
        return f"{self.at:x}.{self.ingest_us:x}"


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked of a channel: two that are equal are told the same. Widths are in nanoseconds."""

    channel: Name
    filter: str | None = None
    search: str | None = None
    range_ns: int = 15 * MINUTE
    limit: int = 100
    measure: str | None = None
    metric: str | None = None
    by: tuple[str, ...] = ()
    step_ns: int = MINUTE
    rule: str | None = None
    severity: tuple[Severity, ...] = ()
    component: str | None = None


def read(text: str) -> Message:
    """The message that a text is. Raises `BadMessage`."""
    try:
        return _MESSAGE.validate_json(text)
    except ValidationError as error:
        first: Any = error.errors(include_url=False, include_context=False)[0]
        where = [str(part) for part in first["loc"] if part not in _OPS]
        wrong = f"{where[0]}: " if where else ""
        mend = f"GET /api/live says what belongs there; op is one of {', '.join(_OPS)}"
        raise BadMessage(f"{wrong}{first['msg']}"[:500], mend=mend, subscription=_id(text)) from None


def asked(said: Subscribe) -> tuple[Asked, Cursor | None]:
    """What a subscription asks for, and where it goes on. Raises `AxError`."""
    fits = FIELDS[said.channel]
    given = said.model_dump(exclude_defaults=True, exclude={"op", "id", "channel", "limit", "resume"})
    if wrong := sorted(given.keys() - fits):
        mend = f"it takes {', '.join(sorted(fits))}, limit and resume"
        raise AxError(f"{wrong[0]}: the channel {said.channel} has no such thing", mend=mend)
    if said.measure is not None and said.metric is not None:
        raise AxError("measure: it is given beside metric", mend="give one of them")
    range_ns = _duration(said.range, "range", 15 * MINUTE)
    step_ns = _duration(said.step, "step", MINUTE)
    if not NS_PER_S <= range_ns <= LONGEST_NS:
        raise AxError("range: it is not within 1s and 24h", mend="write one such as 15m")
    if step_ns % MINUTE or range_ns > step_ns * 1_440:
        raise AxError("step: it is not a whole number of minutes", mend="write one such as 1m or 5m")
    found = Asked(
        channel=said.channel,
        filter=said.filter,
        search=said.search,
        range_ns=range_ns,
        limit=said.limit,
        measure=said.measure,
        metric=said.metric,
        by=tuple(said.by),
        step_ns=step_ns,
        rule=said.rule,
        severity=tuple(said.severity),
        component=said.component,
    )
    return found, cursor(said.resume)


def cursor(text: str | None) -> Cursor | None:
    """What a client gives back. Raises `AxError` for what is none of ours."""
    if text is None:
        return None
    match = _CURSOR.fullmatch(text)
    if match is None:
        raise AxError("resume: this is no cursor of ours", mend="give that of the last message, unchanged")
    return Cursor(int(match[1], 16), int(match[2], 16))


def _duration(text: str | None, name: str, otherwise: int) -> int:
    if text is None:
        return otherwise
    try:
        return parse_duration(text)
    except BadConfig as error:
        raise AxError(f"{name}: {error.message}", mend=error.mend) from None


def _id(text: str) -> str | None:
    """The id that a bad message has all the same."""
    found = re.search(r'"id"\s*:\s*"([\w.:-]{1,64})"', text[:10_000])
    return found[1] if found else None
