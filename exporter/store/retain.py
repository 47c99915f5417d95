"""What has lived long enough: segments past their retention, and files past their grace.

In: the catalog's rows and the time. Out: which segments to end, and which files to unlink.
"""

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from exporter import config, model
from exporter.store.catalog import Segment
from exporter.store.rolled import ROLLS, is_open

_OWN: Final = {
    "spans": "spans",
    "spans_pending": "spans_pending",
    "logs": "logs",
    "runs": "runs",
    "steps": "runs",
    **{name: name for name in model.FIGURES},
}
"""The setting of each table that is not a metric's."""


def kept_for(retention: config.Retention, table: str) -> int:
    """How long rows of a table are kept, in nanoseconds."""
    kept: int = getattr(retention, _OWN.get(table, "metrics"))
    return kept


def expired(segments: Iterable[Segment], retention: config.Retention, now: int) -> list[Segment]:
    """The live segments all of whose rows are past their retention, as dead ones."""
    return [
        replace(one, state="dead", ended=now)
        for one in segments
        if one.table in model.STORED and one.max_time < now - kept_for(retention, _needed_as(one))
    ]


def _needed_as(one: Segment) -> str:
    """The table whose retention holds for a segment: cells that came late are in no wider ones until they are merged.

    Else those of rows older than minutes are kept, or repriced, would go before their hour or day has them.
    """
    table = one.table
    if is_open(one):
        while table in ROLLS:
            table = ROLLS[table].into
    return table


def unheld(dead: Iterable[Segment], grace: int, now: int) -> list[Segment]:
    """The dead segments whose files no reader is promised any more; the longest dead first."""
    return sorted((one for one in dead if one.ended + grace <= now), key=lambda one: one.ended)
