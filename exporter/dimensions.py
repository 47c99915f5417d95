"""What rollups are told apart by: a name for each column, in a file of its own that loads nothing.

`config` chooses among them in processes that have no use for Arrow; `model` makes columns of them.
"""

from typing import Final

DIMENSIONS: Final = ("service_name", "operation", "provider", "model", "workflow", "agent", "metric_name", "unit")
"""Beside a cell's time, its source and its tenant; `store.rollup.dimensions` chooses."""
DEFAULT_TENANT: Final = "default"
"""Whose rows are which come with no tenant's token and name none themselves."""
