"""Sketches of durations: how many fell into each bucket of an exponential scale.

In: durations in nanoseconds. Out: buckets. Counts of equal buckets add up exactly, in any order.
Bucket i holds the durations d with 2^((i-1)/32) < d <= 2^(i/32), and bucket -1 those that are nothing or less. A
percentile is said to be where both ends of its bucket are equally far, in proportion: at most 1.09 % off the nearest
rank. `sql/views/sketch_value.sql` says the same in SQL.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

PER_DOUBLING: Final = 32
"""Buckets between a duration and twice that: OpenTelemetry's scale 5."""
NOTHING: Final = -1
"""The bucket of durations that are not positive."""
LONGEST_NS: Final = 2**50
"""A longer duration (13 days) counts as this one: sums of odd ones would leave 64 bits."""

Ints = npt.NDArray[np.int64]


def bucket_of(durations_ns: Ints) -> Ints:
    """The bucket of each duration."""
    positive = np.maximum(durations_ns, 1)
    buckets: Ints = np.ceil(np.log2(positive) * PER_DOUBLING).astype(np.int64)
    buckets[durations_ns <= 0] = NOTHING
    return buckets


def value_of(bucket: int) -> float:
    """The duration in nanoseconds that stands for a bucket."""
    if bucket == NOTHING:
        return 0.0
    base: float = 2 ** (1 / PER_DOUBLING)
    return float(2 ** (bucket / PER_DOUBLING) * 2 / (base + 1))
