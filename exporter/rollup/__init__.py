"""Rollups: rows become partial cells, which add up to those of minutes, hours and days.

In: Arrow tables of `model.arrow_schema`. Out: Arrow tables of `model.CELLS`. No I/O, no clock, and no Python loop over
rows: keys are grouped by their dictionary codes. Cells are additive in any order, so what is late is added and what was
doubled is taken back; they are never computed anew.
"""

from exporter.rollup import increments
from exporter.rollup.add import added_up, negated
from exporter.rollup.cells import MINUTE, NEEDED, cells_of, cells_with
from exporter.rollup.increments import Last
from exporter.rollup.overflow import folded

__all__ = ["MINUTE", "NEEDED", "Last", "added_up", "cells_of", "cells_with", "folded", "increments", "negated"]
