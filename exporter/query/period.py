"""Stretches of time that questions are about.

In: a duration and the present. Out: half-open ranges in Unix nanoseconds, and how wide their buckets are.
"""

from dataclasses import dataclass
from typing import Final

from exporter.units import NS_PER_S, NS_PER_US, format_duration

MINUTE: Final = 60 * NS_PER_S
HOUR: Final = 60 * MINUTE
DAY: Final = 24 * HOUR

MOST_BUCKETS: Final = 300
"""A chart has no more points than that."""
_STEPS: Final = (
    NS_PER_S,
    5 * NS_PER_S,
    10 * NS_PER_S,
    30 * NS_PER_S,
    MINUTE,
    5 * MINUTE,
    10 * MINUTE,
    15 * MINUTE,
    30 * MINUTE,
    HOUR,
    3 * HOUR,
    6 * HOUR,
    12 * HOUR,
    DAY,
)


@dataclass(frozen=True, slots=True)
class Period:
    """start ≤ t < end."""

    start_ns: int
    end_ns: int

    @classmethod
    def last(cls, length_ns: int, now_ns: int) -> "Period":
        """The `length_ns` before `now_ns`, and it with all of its microsecond."""
        return cls(now_ns - length_ns, now_ns + 1_000)

    @property
    def length_ns(self) -> int:
        """How long it is."""
        return self.end_ns - self.start_ns

    def us(self, step_ns: int = 0, origin_ns: int = 0) -> dict[str, object]:
        """Parameters of statements, in microseconds: its ends, the width of buckets, an instant where one begins.

        No part of it is left out.
        """
        return {
            "start_us": self.start_ns // NS_PER_US,
            "end_us": -(-self.end_ns // NS_PER_US),
            "step_us": step_ns // NS_PER_US,
            "origin_us": origin_ns % step_ns // NS_PER_US if step_ns else 0,
        }

    def before(self) -> "Period":
        """As much time, just before."""
        return Period(self.start_ns - self.length_ns, self.start_ns)

    def widened(self, step_ns: int) -> "Period":
        """The least range of whole steps, counted from the epoch, that holds this one."""
        return Period(self.start_ns // step_ns * step_ns, -(-self.end_ns // step_ns) * step_ns)

    def step_ns(self, points: int = MOST_BUCKETS) -> int:
        """The least usual width of buckets of which about `points` hold this range."""
        wanted = self.length_ns / points
        fitting = (step for step in _STEPS if step >= wanted)
        return next(fitting, -(-int(wanted) // DAY) * DAY)

    def __str__(self) -> str:
        """Its length, such as `1h`."""
        return format_duration((self.length_ns + NS_PER_S // 2) // NS_PER_S * NS_PER_S)


EVER: Final = Period(-(2**61) * NS_PER_US, 2**61 * NS_PER_US)
"""All times that statements can be told of."""
NEVER: Final = Period(-(2**61) * NS_PER_US, -(2**61) * NS_PER_US)
