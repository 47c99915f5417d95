"""Which cells are part of wider ones already: a function of the catalog's rows.

In: segments of cells. Out: where they are rolled up to, and which are not yet. Minutes are rolled up once, when their
hour closes, hours when their day does; what comes later is rolled up when it is merged with what has closed.
"""

from dataclasses import dataclass
from typing import Final

from exporter.store.catalog import Segment
from exporter.store.compact import DAY, HOUR


@dataclass(frozen=True, slots=True)
class Roll:
    """Segments from `level` up are part of the cells in the table `into` too."""

    into: str
    level: int


ROLLS: Final = {"cells_1min": Roll("cells_1hour", HOUR), "cells_1hour": Roll("cells_1day", DAY)}


def is_open(one: Segment) -> bool:
    """Whether a segment's cells are in no wider ones yet."""
    return one.table in ROLLS and one.level < ROLLS[one.table].level
