"""The only place that reads the clock; everything else is handed a time or a `Clock`."""

import time
from typing import Protocol


class Clock(Protocol):
    """Wall and monotonic time, both in nanoseconds."""

    def wall(self) -> int:
        """Nanoseconds since the Unix epoch."""

    def monotonic(self) -> int:
        """Nanoseconds since some fixed point; never goes back."""


class SystemClock:
    """The machine's clock."""

    def wall(self) -> int:
        """Nanoseconds since the Unix epoch."""
        return time.time_ns()

    def monotonic(self) -> int:
        """Nanoseconds since some fixed point; never goes back."""
        return time.monotonic_ns()
