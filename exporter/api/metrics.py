"""Our own figures as Prometheus reads them.

In: the figures of every process. Out: text exposition format 0.0.4, or OpenMetrics 1.0.
"""

import math
from collections.abc import Iterable, Mapping
from typing import Final

from exporter.figures import METRICS, Figures, Labels, Metric, Sample

TEXT: Final = "text/plain; version=0.0.4; charset=utf-8"
OPENMETRICS: Final = "application/openmetrics-text; version=1.0.0; charset=utf-8"

_UNITS: Final = {"By": "bytes", "s": "seconds", "usd": "usd"}
_ESCAPES: Final = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})
_KNOWN: Final = {
    "application/openmetrics-text": (OPENMETRICS, frozenset({"", "1.0.0", "0.0.1"})),
    "text/plain": (TEXT, frozenset({"", "0.0.4"})),
}
"""Formats and their versions; of two that are as welcome the first is given."""


def media_type(accept: str) -> str:
    """The format for a client that sent the header `Accept`; text where it names none of ours."""
    wanted: dict[str, float] = {}
    for one in accept.split(","):
        name, *parameters = (part.strip().lower() for part in one.split(";"))
        given = dict(parameter.partition("=")[::2] for parameter in parameters)
        media, versions = _KNOWN.get(name, ("", frozenset[str]()))
        if given.get("version", "").strip('"') in versions:
            wanted[media] = max(wanted.get(media, 0.0), _weight(given.get("q", "1")))
    welcome = [media for media, _ in _KNOWN.values() if wanted.get(media, 0.0) > 0]
    return max(welcome, key=lambda media: wanted[media], default=TEXT)


def _weight(q: str) -> float:
    try:
        weight = float(q)
    except ValueError:
        return 0.0
    return weight if 0 <= weight <= 1 else 0.0


def exposition(figures: Iterable[Figures], media: str) -> str:
    """All figures as text; equal names of different processes are one family."""
    families: dict[str, list[Sample]] = {}
    for part in figures:
        for sample in (*part.counters, *part.gauges):
            families.setdefault(sample.name, []).append(sample)
    is_open = media == OPENMETRICS
    lines: list[str] = []
    for name, samples in sorted(families.items()):
        if name in METRICS:
            lines += heading(METRICS[name], is_open=is_open)
        lines += [f"{name}{labelled(sample.labels)} {_value(sample.value)}" for sample in samples]
    return "\n".join([*lines, *(["# EOF"] if is_open else []), ""])


def heading(metric: Metric, *, is_open: bool) -> list[str]:
    """What stands above a metric's samples. OpenMetrics calls a family of counters by its name without `_total`."""
    family = metric.name.removesuffix("_total") if is_open else metric.name
    unit = _UNITS.get(metric.unit)
    help_text = metric.description.translate(_ESCAPES) if is_open else metric.description.replace("\\", r"\\")
    lines = [f"# HELP {family} {help_text}", f"# TYPE {family} {metric.kind}"]
    if is_open and unit and family.endswith(f"_{unit}"):
        lines.append(f"# UNIT {family} {unit}")
    return lines


def labelled(labels: Labels) -> str:
    """Labels behind a name; nothing where there are none."""
    return "{" + ",".join(f'{name}="{_escaped(value)}"' for name, value in _sorted(labels)) + "}" if labels else ""


def _sorted(labels: Mapping[str, str]) -> list[tuple[str, str]]:
    return sorted(labels.items())


def _escaped(value: str) -> str:
    return value.translate(_ESCAPES)


def _value(value: float) -> str:
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else "+Inf" if value > 0 else "-Inf"
    return str(int(value)) if value == int(value) else repr(value)
