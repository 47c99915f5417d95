"""The loop that evaluates, tells and publishes, in the serving process.

In: rules, the clock, the stored data. Out: transactions in `control`; no logic of its own.
"""

from exporter.watch.declared import Declared
from exporter.watch.loop import Watch

__all__ = ["Declared", "Watch"]
