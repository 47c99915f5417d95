"""Quantities as people write and read them: `2s`, `5%`, `$10`, `500MB`, `3`.

In: text and the unit that it must have. Out: a number in our unit (ns, nano-dollars, a ratio, bytes), and back.
"""

import math
import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, Literal

from exporter.errors import BadConfig
from exporter.units import NS_BY_UNIT

Unit = Literal["ns", "usd_nanos", "ratio", "count", "tokens", "bytes", "number"]
"""What a value is a number of; `number` is of a metric's own unit."""

NANOS: Final = 10**9
_SIZES: Final = {
    "B": 1,
    "kB": 10**3,
    "MB": 10**6,
    "GB": 10**9,
    "TB": 10**12,
    "KiB": 2**10,
    "MiB": 2**20,
    "GiB": 2**30,
    "TiB": 2**40,
}
_QUANTITY: Final = re.compile(r"(-?)(\$?)(\d[\d_,]*(?:\.\d+)?(?:[eE][+-]?\d{1,3})?)\s*([A-Za-zµ%]*)")
_MOST: Final = 1e100
_LONGEST: Final = 50
"""Digits of a number; more are nobody's threshold, and what is beyond `_MOST` is infinity in another unit."""
_WHOLE: Final = 10**15
"""Above that a float is written with its power of ten."""
EXAMPLES: Final[dict[Unit, str]] = {
    "ns": "a duration such as 800ms, 2s or 5m",
    "usd_nanos": "US dollars such as $10 or $0.25",
    "ratio": "a share such as 5% or 0.05",
    "count": "a number such as 100",
    "tokens": "a number such as 100000",
    "bytes": "a size such as 500MB or 2GiB",
    "number": "a number, or one with a unit: 2s, 5%, $10, 500MB",
}


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number, and of what; `is_bare` where it was written without a unit."""

    value: float
    unit: Unit
    is_bare: bool = False


def parse_quantity(raw: object) -> Quantity:
    """What was written: a number, or text with a unit. Raises `BadConfig`."""
    if isinstance(raw, (int, float)) and not isinstance(raw, bool) and abs(raw) <= _MOST:
        return Quantity(raw, "number", is_bare=True)
    match = _QUANTITY.fullmatch(raw.strip()) if isinstance(raw, str) else None
    if match is None or len(match[3]) > _LONGEST:
        raise BadConfig(f"cannot read {repr(raw)[:100]} as a quantity", mend=f"write {EXAMPLES['number']}")
    number = Decimal(match[1] + match[3].replace("_", "").replace(",", ""))
    if abs(number) > _MOST:
        raise BadConfig(f"{raw!r} is too large", mend=f"write {EXAMPLES['number']}")
    unit = match[4]
    if match[2]:
        if not unit:
            return Quantity(float(number * NANOS), "usd_nanos")
    elif not unit:
        return Quantity(float(number), "number", is_bare=True)
    elif unit == "%":
        return Quantity(float(number / 100), "ratio")
    elif unit in NS_BY_UNIT:
        return Quantity(float(number * NS_BY_UNIT[unit]), "ns")
    elif unit in _SIZES:
        return Quantity(float(number * _SIZES[unit]), "bytes")
    raise BadConfig(f"cannot read {raw!r} as a quantity", mend=f"write {EXAMPLES['number']}")


def in_unit(raw: object, unit: Unit) -> float:
    """What was written, as a number of `unit`. Raises `BadConfig` where it is one of something else."""
    read = parse_quantity(raw)
    if unit in {read.unit, "number"}:
        return read.value
    if read.is_bare:
        if not read.value:  # nothing is nothing of anything
            return 0.0
        if unit == "usd_nanos":
            return read.value * NANOS
        if unit in {"count", "tokens", "bytes"} or (unit == "ratio" and -1 <= read.value <= 1):
            return read.value
    said = {"ns": "a duration", "usd_nanos": "US dollars", "ratio": "a share", "bytes": "a size"}.get(unit, "a number")
    raise BadConfig(f"{raw!r} is not {said}", mend=f"write {EXAMPLES[unit]}")


def shown(value: float | None, unit: Unit) -> str:
    """A value for people: `2.35 s`, `5.2 %`, `$10.40`, `1.2 GiB`, `1,234`."""
    if value is None or not math.isfinite(value):
        return "no value"
    if unit == "ns":
        return _scaled(
            value, (("d", 86_400e9), ("h", 3_600e9), ("min", 60e9), ("s", 1e9), ("ms", 1e6), ("µs", 1e3)), "ns"
        )
    if unit == "usd_nanos":
        dollars = value / NANOS
        sign, size = ("-" if dollars < 0 else ""), abs(dollars)
        return f"{sign}${size:,.2f}" if size >= 1 or round(size, 2) == size else f"{sign}${size:.4g}"
    if unit == "ratio":
        return f"{value * 100:.4g} %"
    if unit == "bytes":
        return _scaled(value, (("TiB", 2.0**40), ("GiB", 2.0**30), ("MiB", 2.0**20), ("KiB", 2.0**10)), "B")
    return f"{value:,.0f}" if value == int(value) and abs(value) < _WHOLE else f"{value:.6g}"


def written(value: float, unit: Unit) -> str:
    """A value as a rule file has it: what `in_unit` reads back."""
    if unit == "ns":
        for name, size in reversed(NS_BY_UNIT.items()):
            if value and value % size == 0:
                return f"{value / size:g}{name}"
        return f"{value:g}ns"
    if unit == "usd_nanos":
        return f"${value / NANOS:.10g}"
    return f"{value * 100:.10g}%" if unit == "ratio" else f"{value:.15g}"


def _scaled(value: float, scales: tuple[tuple[str, float], ...], least: str) -> str:
    for name, size in scales:
        if abs(value) >= size:
            return f"{value / size:.3g} {name}"
    return f"{value:.3g} {least}"
