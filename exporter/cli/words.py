"""Figures as people read them.

In: durations, money, counts, ratios, times. Out: short text; a dash where there is nothing.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from exporter.units import NS_PER_MS, NS_PER_S, NS_PER_US

NONE: Final = "–"
_NANOS: Final = 10**9
_SPARKS: Final = "▁▂▃▄▅▆▇█"
_MINUTE: Final = 60
_HOUR: Final = 3_600
_DAY: Final = 86_400
_CENT_DIGITS: Final = 100 * _NANOS
_UNITS: Final = ((10**12, "T"), (10**9, "G"), (10**6, "M"), (10**4, "k"))


def duration(ns: float | None) -> str:
    """`1.2 s`, `340 ms`, `2m 05s`."""
    if ns is None:
        return NONE
    if ns < NS_PER_US:
        return f"{ns:.0f} ns"
    if ns < NS_PER_MS:
        return f"{ns / NS_PER_US:.0f} µs"
    if ns < 10 * NS_PER_MS:
        return f"{ns / NS_PER_MS:.1f} ms"
    if ns < NS_PER_S:
        return f"{ns / NS_PER_MS:.0f} ms"
    seconds = ns / NS_PER_S
    if seconds < _MINUTE:
        return f"{seconds:.2f} s" if seconds < 10 else f"{seconds:.1f} s"  # noqa: PLR2004 (digits)
    whole = round(seconds)
    if whole < _HOUR:
        return f"{whole // 60}m {whole % 60:02}s"
    return f"{whole // _HOUR}h {whole % _HOUR // 60:02}m" if whole < _DAY else f"{whole / _DAY:.1f} d"


def money(nanos: float | None) -> str:
    """`$0.0123`: cents from a dollar up, below it more digits, so that none is shown as nothing."""
    if nanos is None:
        return NONE
    usd = nanos / _NANOS
    if abs(usd) >= 1 or nanos == 0:
        return f"${usd:,.2f}"
    if abs(usd) >= 0.00001:  # noqa: PLR2004 (digits)
        return f"${usd:.4f}" if abs(usd) >= 0.001 else f"${usd:.6f}"  # noqa: PLR2004 (digits)
    return f"${usd:.9f}".rstrip("0")


def count(number: float | None) -> str:
    """`1,234`; `12.3M` from ten thousand thousands up."""
    if number is None:
        return NONE
    if abs(number) >= 10**7:
        size, unit = next((size, unit) for size, unit in _UNITS if abs(number) >= size)
        return f"{number / size:.1f}{unit}"
    return f"{number:,.0f}" if float(number).is_integer() else f"{number:,.3g}"


def ratio(part: float | None) -> str:
    """`98.2 %`."""
    return NONE if part is None else f"{part * 100:.1f} %"


def change(part: float | None) -> str:
    """`+12 %`, `−3 %`."""
    if part is None:
        return NONE
    return f"{'+' if part >= 0 else '−'}{abs(part) * 100:.0f} %"


def number(value: float | None) -> str:
    """A value whose unit is not known."""
    if value is None:
        return NONE
    return f"{value:,.0f}" if float(value).is_integer() and abs(value) < 10**15 else f"{value:,.4g}"


def size(size_bytes: float | None) -> str:
    """`1.2 MB`."""
    if size_bytes is None:
        return NONE
    for unit, least in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if size_bytes >= least:
            return f"{size_bytes / least:.1f} {unit}"
    return f"{size_bytes:.0f} B"


def clock(ns: int | None, *, day: bool = True) -> str:
    """`2026-11-21 12:00:05` in the machine's time zone."""
    if ns is None:
        return NONE
    local = datetime.fromtimestamp(ns / NS_PER_S, tz=UTC).astimezone()
    return local.strftime("%Y-%m-%d %H:%M:%S" if day else "%H:%M:%S")


def iso(ns: int) -> str:
    """ISO 8601 in UTC, to the microsecond."""
    return datetime.fromtimestamp(ns // NS_PER_US / 1_000_000, tz=UTC).isoformat().replace("+00:00", "Z")


def local(at: str) -> str:
    """What `iso` wrote, as `clock` says it."""
    return datetime.fromisoformat(at).astimezone().strftime("%Y-%m-%d %H:%M:%S")


def short(identity: str) -> str:
    """The beginning of an id, which commands take for it."""
    return identity[:16]


def text(value: str | None) -> str:
    """Text, or a dash."""
    return value or NONE


def spark(values: Sequence[float | None]) -> str:
    """A line of bars as high as the values, from nothing up; a space where there is no value."""
    known = [value for value in values if value is not None]
    top = max(known, default=0) or 1
    last = len(_SPARKS) - 1
    return "".join(
        " " if value is None else _SPARKS[min(last, int(max(value, 0) / top * last + 0.5))] for value in values
    )
