"""What this process spent: by minute for a day, and by budget for its period; settled when somebody asks.

In: every ended span, appended on the thread that ended it; a clock. Out: `Spend` of the last hours by tenant, user,
provider, model, agent, workflow and session, and the nano-dollars of a budget's period, spans that are not yet exported
included. Prices are looked up when it is settled: by the export thread, or by the gate that asks.
"""

import os
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import StatusCode

from otel_ax import prices, semconv
from otel_ax.calls import Nesting, is_call, model_of, plain, provider_of
from otel_ax.export.exporter import is_own
from otel_ax.guard import guarding

__all__ = ["SCOPES", "Ledger", "Settled", "Spend", "labels_of"]

SCOPES: Final = ("tenant", "user", "provider", "model", "agent", "workflow", "session")
"""By what spend is told apart."""
BUDGETS: Final = semconv.BUDGET_NAMES
"""Attribute of a span: the budgets around it when it started."""

_MINUTE: Final = 60_000_000_000
_KEPT_MINUTES: Final = 24 * 60
_MOST_CELLS: Final = 100_000
_MOST_UNSETTLED: Final = 1_000

Labels = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Spend:
    """Sums over calls; `unpriced` calls are not in `usd`."""

    nanos: int = 0
    calls: int = 0
    errors: int = 0
    unpriced: int = 0
    tokens_input: int = 0
    tokens_output: int = 0

    @property
    def usd(self) -> float:
        """US dollars."""
        return self.nanos / 1e9

    def __add__(self, other: "Spend") -> "Spend":  # noqa: D105
        return Spend(
            self.nanos + other.nanos,
            self.calls + other.calls,
            self.errors + other.errors,
            self.unpriced + other.unpriced,
            self.tokens_input + other.tokens_input,
            self.tokens_output + other.tokens_output,
        )


@dataclass(frozen=True, slots=True)
class Settled:
    """One call that was paid: for whom, within which budgets, when it ended."""

    labels: Labels
    budgets: tuple[str, ...]
    at_ns: int
    spend: Spend


def labels_of(attributes: Mapping[str, Any]) -> dict[str, str]:
    """The scopes of a call, and `asked`, the model of the request, which may be named otherwise than `model`."""
    told = {
        "tenant": attributes.get(semconv.TENANT_ID),
        "user": attributes.get(semconv.USER_ID),
        "provider": provider_of(attributes),
        "model": model_of(attributes),
        "asked": attributes.get(semconv.REQUEST_MODEL),
        "agent": attributes.get(semconv.AGENT_NAME),
        "workflow": attributes.get(semconv.WORKFLOW_NAME),
        "session": attributes.get(semconv.CONVERSATION_ID) or attributes.get(semconv.SESSION_ID),
    }
    return {name: value for name, value in told.items() if isinstance(value, str)}


def matches(scope: Labels, labels: Labels) -> bool:
    """Whether a call is in a scope; a model is meant by its name in the request or in the answer."""
    return all(
        labels.get(name) == value or (name == "model" and labels.get("asked") == value) for name, value in scope.items()
    )


class Ledger:
    """The money of one process. Thread-safe; whole after a fork.

    Args:
        clock: Unix time in ns.
        most_unsettled: Spans that wait for somebody to ask; beyond it, each that ends settles two.
    """

    def __init__(
        self,
        clock: Callable[[], int] = time.time_ns,  # noqa: TID251 (tests pass theirs)
        most_unsettled: int = _MOST_UNSETTLED,
    ) -> None:
        self._clock, self._most_unsettled = clock, most_unsettled
        self.lock = threading.RLock()
        self._unsettled: deque[tuple[ReadableSpan, tuple[str, ...]]] = deque()
        self._nesting = Nesting()
        self._cells: dict[int, dict[tuple[tuple[str, str], ...], Spend]] = {}
        self._cell_count = 0
        self._watchers: list[Callable[[Settled], None]] = []
        _renew_after_fork(self)

    def spent(self, span: ReadableSpan, budgets: tuple[str, ...] = ()) -> None:
        """Takes an ended span, on the thread that ended it: an append, whatever it is.

        Args:
            span: Any span; calls are told from their wrappers when they are settled.
            budgets: Names of the budgets around it, if its attribute `ax.budget.names` does not tell.
        """
        self._unsettled.append((span, budgets))
        if len(self._unsettled) > self._most_unsettled:
            self.settle(2)  # nobody settles: each span pays for itself and one before it, and none is lost

    def settle(self, most: int | None = None) -> None:
        """Prices what ended, so that it is seen by whoever asks next."""
        with self.lock:
            self._settle(most)

    def _settle(self, most: int | None = None) -> None:
        count = len(self._unsettled) if most is None else most
        for _ in range(count):
            try:
                span, budgets = self._unsettled.popleft()
            except IndexError:
                return
            with guarding("settling a span"):
                settled = self._settled(span, budgets)
                if settled is not None:
                    self._add(settled)

    def _settled(self, span: ReadableSpan, budgets: tuple[str, ...]) -> Settled | None:
        attributes = plain(span.attributes)
        if not is_own(span, attributes, self._nesting) or not is_call(attributes):
            return None
        told = attributes.get(BUDGETS)
        names = tuple(told) if isinstance(told, list | tuple) else budgets
        ended = span.end_time or self._clock()
        return Settled(labels_of(attributes), names, ended, _spend_of(span, attributes))

    def _add(self, settled: Settled) -> None:
        minute = settled.at_ns // _MINUTE
        if minute not in self._cells or self._cell_count > _MOST_CELLS:
            self._forget(self._clock() // _MINUTE - _KEPT_MINUTES)
        cells = self._cells.setdefault(minute, {})
        key = tuple(sorted(settled.labels.items()))
        self._cell_count += key not in cells
        cells[key] = cells.get(key, Spend()) + settled.spend
        for watcher in self._watchers:
            watcher(settled)

    def _forget(self, before_minute: int) -> None:
        """Minutes over a day old; and the oldest, where the cells are too many."""
        while self._cells and (min(self._cells) < before_minute or self._cell_count > _MOST_CELLS):
            self._cell_count -= len(self._cells.pop(min(self._cells)))

    def watch(self, watcher: Callable[[Settled], None]) -> None:
        """`watcher` is told of every call that is settled from now on, under the ledger's lock."""
        with self.lock:
            self._settle()
            self._watchers.append(watcher)

    def spend(self, since_ns: int, scope: Labels) -> Spend:
        """Sums of the calls in `scope` that ended in the minute of `since_ns` or later, all that has ended included."""
        with self.lock:
            self._settle()
            total = Spend()
            for minute, cells in self._cells.items():
                if minute >= since_ns // _MINUTE:
                    for key, spend in cells.items():
                        if matches(scope, dict(key)):
                            total += spend
            return total

    @property
    def now_ns(self) -> int:
        """The ledger's clock."""
        return self._clock()


def _spend_of(span: ReadableSpan, attributes: Mapping[str, Any]) -> Spend:
    is_error = span.status.status_code is StatusCode.ERROR
    usage = prices.usage_of(attributes)
    told = attributes.get(semconv.COST)
    if isinstance(told, int | float) and told >= 0:
        nanos: int | None = round(told * 1e9)
    elif usage is None:
        nanos = 0
    else:
        price = prices.price(provider_of(attributes), model_of(attributes), usage, span.start_time or 0)
        nanos = price.nanos if isinstance(price, prices.Price) else None
    went_in, came_out = usage.tokens if usage else (0, 0)
    return Spend(nanos or 0, 1, int(is_error), int(nanos is None), went_in, came_out)


_all: Final["weakref.WeakSet[Ledger]"] = weakref.WeakSet()


def _renew_after_fork(ledger: Ledger) -> None:
    _all.add(ledger)


def _renew() -> None:
    for ledger in _all:
        ledger.lock = threading.RLock()  # another thread of the parent may have held it


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew)
