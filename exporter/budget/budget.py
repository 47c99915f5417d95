"""A budget as a value: so many dollars a period, for whom, and at which shares of it somebody is told.

In: an entry of `budgets:` in a rule file, or JSON. Out: a frozen `Budget`, money in whole nano-dollars.
"""

import json
from collections.abc import Iterator, Sequence
from datetime import date
from functools import cached_property
from typing import Annotated, Final, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field, model_validator

from exporter.rules.words import Declared, Listed, Mistake, Money, Texts, format_money, mistake, mistakes

NANOS: Final = 10**9
_LAST_ANCHOR: Final = 31
_MOST_PERCENT: Final = 1_000

Per = Literal["day", "week", "month", "quarter", "custom"]


def _amount(nanos: int) -> int:
    if nanos <= 0:
        raise mistake(f"{format_money(nanos)} is no amount over 0", "write US dollars, such as $500 or 12.50")
    return nanos


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise mistake(f"there is no time zone {name!r}", "write one such as UTC or Europe/Berlin") from None
    return name


def _percents(percents: tuple[int, ...]) -> tuple[int, ...]:
    if not all(0 < percent <= _MOST_PERCENT for percent in percents):
        raise mistake("these are no percents of the amount", "write some such as [50, 80, 95, 100]")
    return tuple(sorted(set(percents)))


class Scope(Declared):
    """Whose spend counts: all parts that are given must hold, each for one of its values."""

    tenant: Listed = ()
    user: Listed = ()
    provider: Listed = ()
    model: Listed = ()
    agent: Listed = ()
    workflow: Listed = ()
    session: Listed = ()

    def parts(self) -> Iterator[tuple[str, tuple[str, ...]]]:
        """Those that are given."""
        return ((name, value) for name in Scope.model_fields if (value := getattr(self, name)))

    def __str__(self) -> str:
        """`provider=openai model=a,b`; empty for everything."""
        return " ".join(f"{name}={','.join(values)}" for name, values in self.parts())


class Budget(Declared):
    """So many US dollars a period, by the calendar of a time zone.

    `anchor` is the day of the month on which a month or quarter begins (31: the last). `alert_at` are percents.
    A custom period is from `start` until before `end`, once.
    """

    name: str = Field(min_length=1, max_length=100)
    usd: Annotated[Money, AfterValidator(_amount)]
    per: Per = "month"
    anchor: int = Field(1, ge=1, le=_LAST_ANCHOR)
    zone: Annotated[str, AfterValidator(_zone)] = "UTC"
    start: date | None = None
    end: date | None = None
    alert_at: Annotated[tuple[int, ...], AfterValidator(_percents)] = (50, 80, 95, 100)
    scope: Scope = Scope()
    labels: Texts = Field(default_factory=dict)
    description: str = Field("", max_length=1_000)
    enabled: bool = True

    @model_validator(mode="after")
    def _fits(self) -> Self:
        mistakes("Budget", list(self._mistakes()))
        return self

    def _mistakes(self) -> Iterator[tuple[tuple[str | int, ...], str, str]]:
        if self.per == "custom":
            if self.start is None or self.end is None:
                yield ("per",), "a custom period has a start and an end", "write start: 2026-11-01 and end: 2026-12-01"
            elif self.start >= self.end:
                yield ("end",), "end is the first day after the period", "write a day after start"
        elif self.start or self.end:
            yield (("start",) if self.start else ("end",)), f"a {self.per} has no such day", "write per: custom"
        if self.anchor != 1 and self.per not in {"month", "quarter"}:
            yield ("anchor",), f"a {self.per} has no anchor", "it is the day on which a month or quarter begins"

    @property
    def limit_nanos(self) -> int:
        """The amount in nano-dollars."""
        return self.usd

    @cached_property
    def account(self) -> str:
        """Whose ledger it reads: its scope and its days, whatever the amount; budgets of one account share it."""
        return f"zone={self.zone} {json.dumps(dict(self.scope.parts()), ensure_ascii=False, sort_keys=True)}"

    @cached_property
    def meaning(self) -> str:
        """What makes another generation of it when it changes: amount, period, zone, scope."""
        parts = self.model_dump(mode="json", include={"usd", "per", "anchor", "zone", "start", "end", "scope"})
        return json.dumps(parts, sort_keys=True, ensure_ascii=False)

    @property
    def tenant_id(self) -> str:
        """Of the one tenant whose budget it is."""
        return self.scope.tenant[0] if len(self.scope.tenant) == 1 else "default"

    def is_shown_to(self, tenant: str | None) -> bool:
        """Whether it is about this tenant alone; None is who sees all."""
        return tenant is None or self.scope.tenant == (tenant,)


DEFAULT: Final = Budget.model_validate(
    {
        "name": "default",
        "usd": 500,
        "per": "month",
        "alert_at": (80, 95),
        "description": "All calls of models; ours, until a budget is declared.",
    }
)


def twice(declared: Sequence[Budget]) -> list[Mistake]:
    """Names that more than one budget has: only the first of them would count."""
    names = [one.name for one in declared]
    mend = "rename one of them, or delete it: only the first counts"
    return [
        (("budgets", number, "name"), f"there are two budgets {name}", mend)
        for number, name in enumerate(names)
        if name in names[:number]
    ]


def in_force(declared: Sequence[Budget], *, defaults: bool = True) -> tuple[Budget, ...]:
    """Those that are declared and enabled; ours where none is declared and `defaults` are wanted.

    A name means one budget: the first that has it.
    """
    if not declared:
        return (DEFAULT,) if defaults else ()
    by_name = {one.name: one for one in reversed(declared)}
    return tuple(one for one in declared if one.enabled and one is by_name[one.name])
