"""Durations and sizes as people write them.

In: text such as `30s` or `2GiB`. Out: whole nanoseconds and bytes.
"""

import re
from typing import Final

from exporter.errors import BadConfig

NS_PER_US: Final = 1_000
NS_PER_MS: Final = 1_000_000
NS_PER_S: Final = 1_000_000_000

NS_BY_UNIT: Final = {
    "ns": 1,
    "us": NS_PER_US,
    "µs": NS_PER_US,
    "ms": NS_PER_MS,
    "s": NS_PER_S,
    "m": 60 * NS_PER_S,
    "h": 3_600 * NS_PER_S,
    "d": 86_400 * NS_PER_S,
}
"""Units of measured durations, in filters and thresholds, from the shortest; settings know fewer, and weeks."""

_DURATIONS: Final = {
    "ms": NS_PER_MS,
    "s": NS_PER_S,
    "m": 60 * NS_PER_S,
    "h": 3_600 * NS_PER_S,
    "d": 86_400 * NS_PER_S,
    "w": 7 * 86_400 * NS_PER_S,
}
_SIZES: Final = {
    "B": 1,
    "kB": 10**3,
    "MB": 10**6,
    "GB": 10**9,
    "KiB": 2**10,
    "MiB": 2**20,
    "GiB": 2**30,
}
_QUANTITY: Final = re.compile(r"([0-9]{1,30})([A-Za-z]+)")
LARGEST: Final = 2**62
"""More nanoseconds or bytes fit nowhere: with today's time added they must be 64 bits. It is 146 years."""


def parse_duration(text: str) -> int:
    """Nanoseconds of a duration such as `500ms`, `30s`, `5m`, `12h`, `7d`, `2w`.

    Raises `BadConfig` for anything else, fractions and bare numbers included.
    """
    return _parse(text, _DURATIONS, "duration", "30s, 5m, 12h or 7d")


def parse_size(text: str) -> int:
    """Bytes of a size such as `64KiB`, `16MiB`, `2GiB`, `100MB`.

    Raises `BadConfig` for anything else, fractions and bare numbers included.
    """
    return _parse(text, _SIZES, "size", "64KiB, 16MiB, 2GiB or 100MB")


def format_duration(ns: int) -> str:
    """The shortest text that `parse_duration` reads back as `ns`; below a millisecond it is rounded."""
    return _format(max(ns, 0) // NS_PER_MS * NS_PER_MS, _DURATIONS, "0s")


def format_size(size_bytes: int) -> str:
    """The shortest text that `parse_size` reads back as `size_bytes`."""
    return _format(size_bytes, _SIZES, "0B")


def _parse(text: str, units: dict[str, int], noun: str, examples: str) -> int:
    match = _QUANTITY.fullmatch(text.strip())
    if match is None or match[2] not in units:
        mend = f"write a whole number and a unit, such as {examples}"
        raise BadConfig(f"cannot read {text[:100]!r} as a {noun}", mend=mend)
    amount = int(match[1]) * units[match[2]]
    if amount > LARGEST:
        raise BadConfig(f"{text!r} is too large for a {noun}", mend=f"write one such as {examples}")
    return amount


def _format(amount: int, units: dict[str, int], zero: str) -> str:
    if amount == 0:
        return zero
    texts = [f"{amount // size}{unit}" for unit, size in units.items() if amount % size == 0]
    return min(texts, key=len)
