"""What may be spent, and what has been.

In: costs as they are stored. Out: a ledger that outlives them, and events when a threshold is crossed.

For the loop that watches: after each commit, and each minute,

    measured = measure(views, budgets, now, kept, touched)      # a question to DuckDB, outside of the transaction
    with control.writing() as connection:
        changes = [change_of(event) for event in settle(connection, budgets, measured, now)]
        keep_projections(connection, budgets, now)

`touched` is None at a start and whenever rules were read anew, else what `exporter.query.spend.arrived` says of the
manifest. For the API: `as_json(shown(connection, budget, now))`.
"""

from exporter.budget.budget import DEFAULT, Budget, Scope, in_force
from exporter.budget.check import Event, check, settle
from exporter.budget.ledger import measure
from exporter.budget.notice import change_of
from exporter.budget.shown import Shown, as_json, keep_projections, shown

__all__ = [
    "DEFAULT",
    "Budget",
    "Event",
    "Scope",
    "Shown",
    "as_json",
    "change_of",
    "check",
    "in_force",
    "keep_projections",
    "measure",
    "settle",
    "shown",
]
