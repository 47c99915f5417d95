"""A budget as a value, its periods by the calendar, and the accounts that are kept of budgets.

In: `Budget`s, and every call that a ledger settles. Out: what is done before a call when nothing is left.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Final, Literal, get_args
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from otel_ax.errors import BadSettings, BudgetExceeded
from otel_ax.guard import report
from otel_ax.ledger import SCOPES, Labels, Ledger, Settled, matches
from otel_ax.shared import DEFAULT as EVERYBODY
from otel_ax.shared import Shared

__all__ = ["DEFAULT", "Action", "Budget", "Budgets", "Per", "period_start"]

Per = Literal["hour", "day", "week", "month"]
Action = Literal["raise", "warn"] | Callable[[BudgetExceeded], object]
"""What happens before a call when nothing is left; a callback may raise what it is given, to stop the call."""

_NANOS: Final = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Budget:
    """So many US dollars a period; the scope's parts that are None match any call.

    Raises:
        BadSettings: Not a positive amount, not a period, not a time zone.
    """

    name: str
    usd: float | Decimal
    per: Per = "day"
    action: Action = "raise"
    timezone: str = "UTC"
    tenant: str | None = None
    user: str | None = None
    provider: str | None = None
    model: str | None = None
    agent: str | None = None
    workflow: str | None = None
    session: str | None = None
    shared: bool = False
    """The server's budget of this name counts what all processes spend; see `otel_ax.shared`."""

    def install(self) -> None:
        """Watches the whole process: what `configure(budgets=…)` does."""
        DEFAULT.add(self)

    def __post_init__(self) -> None:  # noqa: D105 (the class's docstring says what it raises)
        if self.per not in get_args(Per):
            raise BadSettings(f"budget {self.name!r}: cannot read per={self.per!r}; write hour, day, week or month")
        if not callable(self.action) and self.action not in ("raise", "warn"):
            raise BadSettings(f"budget {self.name!r}: action={self.action!r}; write raise, warn, or give a callback")
        try:
            is_amount = Decimal(str(self.usd)).is_finite() and Decimal(str(self.usd)) > 0
        except InvalidOperation:
            is_amount = False
        if not is_amount:
            raise BadSettings(f"budget {self.name!r}: usd={self.usd!r}; write an amount over 0, such as 5 or 0.50")
        try:
            ZoneInfo(self.timezone)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise BadSettings(
                f"budget {self.name!r}: no time zone {self.timezone!r}; write one such as Europe/Berlin"
            ) from error

    @property
    def scope(self) -> dict[str, str]:
        """The parts that are set."""
        return {name: value for name in SCOPES if (value := getattr(self, name)) is not None}

    @property
    def limit_nanos(self) -> int:
        """The amount in nano-dollars."""
        return int(Decimal(str(self.usd)) * _NANOS)


def period_start(at_ns: int, per: Per, timezone: str = "UTC") -> datetime:
    """The start of the period that holds `at_ns`, by the calendar of the time zone: days have 23 to 25 hours."""
    at_s = at_ns // _NANOS
    local = datetime.fromtimestamp(at_s, UTC).astimezone(ZoneInfo(timezone))
    if per == "hour":
        # As an instant: the hour that a clock shows twice is two hours.
        into_hour = local.minute * 60 + local.second
        return datetime.fromtimestamp(at_s - into_hour, UTC).astimezone(ZoneInfo(timezone))
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    if per == "week":
        return midnight - timedelta(days=midnight.weekday())
    return midnight.replace(day=1) if per == "month" else midnight


_AHEAD_S: Final = {"hour": 3600, "day": 30 * 3600, "week": 174 * 3600, "month": 750 * 3600}
"""From the start of any period into the next one: days have 23 to 25 hours, months 28 to 31 days."""


def _bounds(at_ns: int, budget: Budget) -> tuple[int, int]:
    """Start and end of the period that holds `at_ns`, Unix ns."""
    start_ns = int(period_start(at_ns, budget.per, budget.timezone).timestamp()) * _NANOS
    after = period_start(start_ns + _AHEAD_S[budget.per] * _NANOS, budget.per, budget.timezone)
    return start_ns, int(after.timestamp()) * _NANOS


@dataclass(slots=True)
class _Account:
    """A budget and what is spent of it in its present period."""

    budget: Budget
    is_everywhere: bool
    start_ns: int
    end_ns: int
    scope: dict[str, str]
    limit_nanos: int
    nanos: int = 0
    is_told: bool = False

    def spent(self, shared: Shared) -> int:
        """Nano-dollars of the period: this process's, and where the server tells them, everybody's.

        What this process has spent since the server was asked is added to what that said.
        """
        said = shared.said(self.budget.name, lambda: self.nanos) if self.budget.shared else None
        if said is None:
            return self.nanos
        if said.start_ns != self.start_ns:
            if said.start_ns != _bounds(self.start_ns - 1, self.budget)[0]:  # not that of the period before
                report(
                    f"otel_ax: budget {self.budget.name!r} has another period at the server than a {self.budget.per} "
                    f"in {self.budget.timezone} here; this process's own spend counts"
                )
            return self.nanos
        return max(self.nanos, said.nanos + max(self.nanos - said.own_then, 0))

    def takes(self, settled: Settled) -> bool:
        if self.is_everywhere:
            return matches(self.scope, settled.labels)
        return self.budget.name in settled.budgets

    def turn(self, now_ns: int) -> None:
        if now_ns >= self.end_ns:
            self.start_ns, self.end_ns = _bounds(now_ns, self.budget)
            self.nanos, self.is_told = 0, False


@dataclass(slots=True)
class Budgets:
    """The budgets of one ledger."""

    ledger: Ledger = field(default_factory=Ledger)
    shared: Shared = EVERYBODY
    _accounts: dict[tuple[str, bool], _Account] = field(default_factory=dict)
    _is_watching: bool = False

    @property
    def is_idle(self) -> bool:
        """Whether no budget was ever added."""
        return not self._accounts

    def add(self, budget: Budget, *, is_everywhere: bool = True) -> None:
        """Watches a budget; one of the same name keeps what is spent, and takes the new amount and action.

        What this process spent in the present period, up to a day ago, is counted where the budget is everywhere.
        """
        key = (budget.name, is_everywhere)
        with self.ledger.lock:
            known = self._accounts.get(key)
            is_same = known is not None and (known.budget.scope, known.budget.per, known.budget.timezone) == (
                budget.scope,
                budget.per,
                budget.timezone,
            )
            if known is not None and is_same:
                known.budget, known.limit_nanos = budget, budget.limit_nanos
                return
            start_ns, end_ns = _bounds(self.ledger.now_ns, budget)
            account = _Account(budget, is_everywhere, start_ns, end_ns, budget.scope, budget.limit_nanos)
            if not self._is_watching:
                self.ledger.watch(self._take)
                self._is_watching = True
            if is_everywhere:
                account.nanos = self.ledger.spend(start_ns, budget.scope).nanos
            self._accounts[key] = account

    def _take(self, settled: Settled) -> None:
        # Under the ledger's lock, which is that of the accounts as well.
        for account in tuple(self._accounts.values()):
            account.turn(self.ledger.now_ns)
            if account.takes(settled) and settled.at_ns >= account.start_ns:
                account.nanos += settled.spend.nanos

    def check(self, labels: Labels, around: Sequence[str]) -> None:
        """Acts on each budget that the next call would count against and that has nothing left.

        Raises:
            BudgetExceeded: One of them has the action `raise`; or what a callback raises.
        """
        self.ledger.settle()
        spent_up = []
        with self.ledger.lock:
            for account in self._accounts.values():
                account.turn(self.ledger.now_ns)
                is_meant = matches(account.scope, labels) if account.is_everywhere else (
                    account.budget.name in around
                )  # fmt: skip
                if is_meant and (nanos := account.spent(self.shared)) >= account.limit_nanos:
                    spent_up.append((account, _exceeded(account, nanos), account.is_told))
                    account.is_told = True
        for account, error, is_told in spent_up:  # outside of the lock: callbacks may make calls
            _act(account.budget.action, error, is_told=is_told)


def _exceeded(account: _Account, nanos: int) -> BudgetExceeded:
    budget = account.budget
    return BudgetExceeded(budget.name, spent_usd=nanos / _NANOS, limit_usd=float(budget.usd), per=budget.per)


def _act(action: Action, error: BudgetExceeded, *, is_told: bool) -> None:
    if action == "raise":
        raise error
    if callable(action):
        action(error)
    elif not is_told:
        report(f"otel_ax: {error}")


DEFAULT: Final = Budgets()
"""The process's own; `configure` adds to it, and its ledger is told of every span."""
