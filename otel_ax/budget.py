"""Budgets that stop a runaway in the process: checked before the next call, with all that has ended counted.

In: `with budget("research-agent", usd=5, per="day")` around code, `Budget`s given to `configure`, or the variable
AX_BUDGETS. Out: `BudgetExceeded` (or a line of log, or your callback) from `check()`, which the adapter and the
instrumented clients call before each call. What a budget counts:

- one with a scope (`tenant=`, `user=`, `provider=`, `model=`, `agent=`, `workflow=`, `session=`): all calls of the
  process in that scope, wherever they are made;
- one without, around code: the calls made within its blocks, those of the same name together;
- one without, given to `configure` or by variable: all calls of the process.

A period is half-open, between midnights (hours, Mondays, firsts) of the budget's time zone. A call belongs to the
period in which it ended. Spend of other processes is seen where a budget is `shared=True`: then the server's budget of
the same name and period tells what all have spent, a few seconds old, and what this process spends meanwhile is added.
The server (AX_BUDGET_SERVER, else http://localhost:4319) is asked in the background; while it does not answer, the
spend of this process counts alone, and no call waits or is stopped because of that.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Final

from opentelemetry.context import Context, attach, create_key, detach, get_current, get_value, set_value
from opentelemetry.sdk.trace import ReadableSpan

from otel_ax import context as scopes
from otel_ax.accounts import DEFAULT, Action, Budget, Budgets, Per, period_start
from otel_ax.errors import BadSettings
from otel_ax.ledger import SCOPES, Spend

__all__ = [
    "DEFAULT",
    "Action",
    "Budget",
    "Budgets",
    "Per",
    "budget",
    "budgets_around",
    "check",
    "period_start",
    "settle",
    "spend",
    "spent",
]

_AROUND: Final = create_key("otel_ax.budgets")
_NANOS: Final = 1_000_000_000


def spent(span: ReadableSpan) -> None:
    """Takes an ended span, on the thread that ended it: an append. Its attributes tell the budgets around it."""
    DEFAULT.ledger.spent(span)


def settle() -> None:
    """Prices what ended, on the export thread, so that little is left for a gate to do."""
    DEFAULT.ledger.settle()


def budgets_around(context: Context | None = None) -> tuple[str, ...]:
    """Names of the budgets whose blocks are around this place: for the attribute `ax.budget.names` of new spans."""
    names = get_value(_AROUND, context)
    return names if isinstance(names, tuple) else ()


def check(
    *, provider: str | None = None, model: str | None = None, agent: str | None = None, budgets: Budgets = DEFAULT
) -> None:
    """To be called before a call is made; costs nothing where there are no budgets.

    Raises:
        BudgetExceeded: A budget that the call would count against has nothing left.
    """
    if budgets.is_idle:
        return
    around = budgets_around()
    scope = scopes.current()
    told = {
        "tenant": scope.tenant,
        "user": scope.user,
        "provider": provider,
        "model": model,
        "agent": agent or scope.agent,
        "workflow": scope.workflow,
        "session": scope.conversation,
    }
    budgets.check({name: value for name, value in told.items() if value is not None}, around)


@contextmanager
def budget(  # noqa: PLR0913 (a budget's parts, by name)
    name: str,
    *,
    usd: float | Decimal,
    per: Per = "day",
    action: Action = "raise",
    timezone: str = "UTC",
    tenant: str | None = None,
    user: str | None = None,
    provider: str | None = None,
    model: str | None = None,
    agent: str | None = None,
    workflow: str | None = None,
    session: str | None = None,
    shared: bool = False,
    budgets: Budgets = DEFAULT,
) -> Iterator[Budget]:
    """Calls within are made only while the budget lasts; checked on entering and before each call.

    >>> with budget("research-agent", usd=5, per="day"):
    ...     pass

    Raises:
        BadSettings: An argument cannot be meant.
        BudgetExceeded: Nothing is left, on entering or before a call within.
    """
    made = Budget(name, usd, per, action, timezone, tenant, user, provider, model, agent, workflow, session, shared)
    is_everywhere = bool(made.scope)
    budgets.add(made, is_everywhere=is_everywhere)
    around = budgets_around()
    token = attach(set_value(_AROUND, (*around, name), get_current()))
    try:
        # The block is of this scope, whatever is told around it.
        budgets.check(made.scope, (*around, name))
        yield made
    finally:
        detach(token)


_UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


def spend(  # noqa: PLR0913 (a scope's parts, by name)
    last: str = "1h",
    *,
    tenant: str | None = None,
    user: str | None = None,
    provider: str | None = None,
    model: str | None = None,
    agent: str | None = None,
    workflow: str | None = None,
    session: str | None = None,
    budgets: Budgets = DEFAULT,
) -> Spend:
    """What this process spent in the last minutes or hours, up to `24h`, in whole minutes; what just ended included.

    >>> spend(last="1h", tenant="acme").usd
    0.0

    Raises:
        BadSettings: `last` is no such time.
    """
    seconds = int(last[:-1]) * _UNITS.get(last[-1:], 0) if last[:-1].isdigit() else 0
    if not 0 < seconds <= _UNITS["d"]:
        raise BadSettings(
            f"cannot read last={last!r}; write a whole number and a unit up to a day, such as 5m, 1h, 24h"
        )
    parts = (tenant, user, provider, model, agent, workflow, session)
    scope = {name: value for name, value in zip(SCOPES, parts, strict=True) if value is not None}
    return budgets.ledger.spend(budgets.ledger.now_ns - seconds * _NANOS, scope)
