"""Budgets after what is stored has changed: measure, write down, tell.

In: budgets, the published views, the time. Out: the ledger and what is to be told of it, in one transaction.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from exporter.alert import hands, saved
from exporter.alert.shapes import Change
from exporter.budget import ledger
from exporter.budget.budget import Budget
from exporter.budget.check import settle
from exporter.budget.notice import change_of, left_behind
from exporter.budget.shown import keep_projections
from exporter.config import Store
from exporter.control import Control
from exporter.errors import AxError
from exporter.query.files import manifest
from exporter.query.period import Period
from exporter.query.spend import Kept, arrived
from exporter.query.views import reading
from exporter.watch.declared import Declared
from exporter.watch.round import tell

ALL_NS: Final = 3_600 * 10**9
"""How often all days that count are measured again, not only those that new segments touch."""


class Ledger:
    """What was measured last, so that only what has changed since is measured again."""

    def __init__(self, control: Control, data: Path, settings: Store) -> None:
        self._control = control
        self._data = data
        self._settings = settings
        self._segments: frozenset[str] = frozenset()
        self._budgets: Sequence[Budget] = ()
        self._all_at: int | None = None

    def check(self, declared: Declared, now: int) -> tuple[Change, ...]:
        """Brings budgets up to date; gives what is to be told. Raises `AxError` and `OSError`."""
        segments, touched = arrived(_segments(self._data), self._segments)
        is_all = self._all_at is None or now - self._all_at >= ALL_NS or now < self._all_at
        if is_all or self._budgets != declared.budgets:
            places: Sequence[Period] | None = None
        else:
            places = touched
        with reading(self._data) as views:
            spent = ledger.measure(views, declared.budgets, now, kept(self._settings, now), places)
        with self._control.writing() as connection:
            events = settle(connection, declared.budgets, spent, now)
            changes = tuple(change_of(event) for event in events)
            saved.record(connection, changes)
            changes += hands.close(connection, left_behind(connection, declared.budgets), "budget_removed", now)
            tell(connection, changes, declared, now)
            keep_projections(connection, declared.budgets, now)
        self._segments, self._budgets = segments, declared.budgets
        if places is None:
            self._all_at = now
        return changes


def kept(settings: Store, now: int) -> Kept:
    """Since when each kind of record is whole."""
    retention = settings.retention
    return Kept(
        calls_ns=now - retention.spans,
        minutes_ns=now - retention.cells_1min,
        hours_ns=now - retention.cells_1hour,
        dimensions=settings.rollup.dimensions,
    )


def _segments(data: Path) -> Mapping[str, Any]:
    """What is published; nothing where that cannot be read: then all that counts is measured within the hour."""
    with suppress(OSError, AxError):
        return manifest(data)
    return {}
