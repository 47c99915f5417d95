"""The condition `anomaly: true`: a figure is not what it is at this hour of other days.

In: a rule's `anomaly`, a group's last whole hours. Out: a sample with what was expected and the bound that it crossed.
A group that is still learned has no value, and so can neither fire nor be missed.
"""

from typing import Annotated, Final, Literal

from pydantic import BeforeValidator

from exporter.alert.shapes import Labels, Sample
from exporter.outlook.anomaly import HOUR_NS
from exporter.outlook.unusual import Unusual
from exporter.rules import Declared
from exporter.rules.words import mistake

WINDOW_NS: Final = HOUR_NS
"""Whole hours are compared; the last one counts."""
_OUTSIDE: Final = {"above": {"high"}, "below": {"low"}, "both": {"high", "low"}}


class Anomaly(Declared):
    """Which side of what is usual counts."""

    direction: Literal["above", "below", "both"] = "both"


def _anomaly(raw: object) -> object:
    if raw is True:
        return Anomaly()
    if raw is False:
        return None
    if isinstance(raw, (dict, Anomaly)) or raw is None:
        return raw
    raise mistake(f"{raw!r} is no anomaly", "write true, or {direction: above}, below or both")


Wished = Annotated[Anomaly | None, BeforeValidator(_anomaly)]
"""`true`, or a direction."""


def sample(anomaly: Anomaly, labels: Labels, found: Unusual) -> Sample:
    """The last whole hour of a group; `bound` is None where it is as usual, on the side that is asked for."""
    now = found.now
    if now.state == "learning":
        return Sample(labels, None)
    is_out = now.state in _OUTSIDE[anomaly.direction]
    bound = (now.high if now.state == "high" else now.low) if is_out else None
    return Sample(labels, now.value, expected=now.expected, bound=bound)
