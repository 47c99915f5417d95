"""How often somebody may ask: a bucket each, which fills again by the second.

In: who asks, and when. Out: how long that one has to wait.
"""

from collections import OrderedDict
from typing import Final

from exporter.units import NS_PER_S

MOST: Final = 10_000
"""Askers who are remembered; who has not asked for the longest time begins anew."""


class Buckets:
    """Of `burst` each, filled by `per_s` a second. They belong to one event loop."""

    def __init__(self, per_s: float, burst: int, most: int = MOST) -> None:
        self._per_ns = per_s / NS_PER_S
        self._burst = burst
        self._most = most
        self._left: OrderedDict[str, tuple[float, int]] = OrderedDict()

    def take(self, who: str, now: int) -> int:
        """0 where `who` may ask now, by monotonic nanoseconds; else the nanoseconds until it may."""
        left, since = self._left.get(who, (float(self._burst), now))
        left = min(self._burst, left + (now - since) * self._per_ns)
        wait = 0 if left >= 1 else int((1 - left) / self._per_ns)
        self._left[who] = (left if wait else left - 1, now)
        self._left.move_to_end(who)
        if len(self._left) > self._most:
            self._left.popitem(last=False)
        return wait

    def __len__(self) -> int:
        """How many askers are remembered."""
        return len(self._left)
