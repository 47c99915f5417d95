"""Our own figures as Prometheus reads them.

In: the figures of every process. Out: text exposition format 0.0.4, or OpenMetrics 1.0.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from exporter.figures import METRICS, Figures, Labels, Metric, Sample

TEXT: Final = "text/plain; version=0.0.4; charset=utf-8"
OPENMETRICS: Final = "application/openmetrics-text; version=1.0.0; charset=utf-8"

_UNITS: Final = {"By": "bytes", "s": "seconds"}
_ESCAPES: Final = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})


def media_type(accept: str) -> str:
    """The format for a client that sent the header `Accept`."""
    return OPENMETRICS if "application/openmetrics-text" in accept else TEXT


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
            lines += _head(METRICS[name], is_open=is_open)
        lines += [f"{name}{_labels(sample.labels)} {_value(sample.value)}" for sample in samples]
    return "\n".join([*lines, *(["# EOF"] if is_open else []), ""])


def _head(metric: Metric, *, is_open: bool) -> list[str]:
    family = metric.name.removesuffix("_total") if is_open else metric.name
    unit = _UNITS.get(metric.unit)
    lines = [f"# HELP {family} {metric.description}", f"# TYPE {family} {metric.kind}"]
    if is_open and unit and family.endswith(f"_{unit}"):
        lines.append(f"# UNIT {family} {unit}")
    return lines


def _labels(labels: Labels) -> str:
    return "{" + ",".join(f'{name}="{_escaped(value)}"' for name, value in _sorted(labels)) + "}" if labels else ""


def _sorted(labels: Mapping[str, str]) -> list[tuple[str, str]]:
    return sorted(labels.items())


def _escaped(value: str) -> str:
    return value.translate(_ESCAPES)


def _value(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(value)
