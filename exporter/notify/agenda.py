"""When what is said: pure rules over one line, which is what one channel is to know of one episode.

In: a line, when its group last went out, when the fingerprint was last told. Out: what there is to say, and when.
"""

from dataclasses import dataclass
from typing import Final

from exporter.alert.shapes import Severity
from exporter.notify.notice import RANKS, Kind, Said
from exporter.units import NS_PER_S

COOLDOWN_NS: Final = 300 * NS_PER_S
"""Where a rule does not say."""
RECHECK_NS: Final = 60 * NS_PER_S
"""How often what is silenced is looked at again, so that a silence that is lifted early is seen."""


@dataclass(frozen=True, slots=True)
class Line:
    """One channel, one episode: what is so (`severity` to `changed_at`), how it waits, what was told (`told_*`).

    The columns are explained in `control/sql/notify.sql`.
    """

    number: int
    channel: str
    episode: str
    kind: Kind
    fingerprint: str
    group_key: str
    group_labels: str
    change: str
    severity: Severity
    is_over: int
    is_acknowledged: int
    since: int
    changed_at: int
    group_wait_ns: int
    group_interval_ns: int
    repeat_interval_ns: int
    cooldown_ns: int
    told_at: int | None
    told_severity: Severity | None
    told_acknowledged: int
    told_over: int
    repeats: int
    tries: int
    free_at: int
    due_at: int | None
    batch: int | None


def news(line: Line, *, acknowledgements: bool) -> Said | None:
    """What has changed since the channel was told; a channel that never heard of an alert is not told of its end."""
    if line.is_over:
        return "resolved" if line.told_at is not None and not line.told_over else None
    if line.told_at is None:
        return "firing"
    told = RANKS[line.told_severity or line.severity]
    if RANKS[line.severity] != told:
        return "escalated" if RANKS[line.severity] > told else "deescalated"
    if line.is_acknowledged and not line.told_acknowledged and acknowledgements:
        return "acknowledged"
    return None


def said(line: Line, *, acknowledgements: bool) -> Said | None:
    """`news`, or that it still fires, where nobody has said that he has seen it."""
    new = news(line, acknowledgements=acknowledgements)
    if new is None and not line.is_over and not line.is_acknowledged:
        return "repeated"
    return new


def due(
    line: Line, *, acknowledgements: bool, flushed_at: int | None, told_before: int | None
) -> tuple[int | None, int]:
    """When the line is due, and from when on it may go with others of its group.

    `told_before` is when the channel was last told that another episode of the same fingerprint fires. Critical
    firings, escalations and acknowledgements wait for nothing; a firing waits `group_wait` for others, and everything
    waits until `group_interval` after its group last went out.
    """
    what = said(line, acknowledgements=acknowledgements)
    if what is None:
        return None, 0
    if what == "repeated":
        at = (line.told_at or 0) + line.repeat_interval_ns
        return at, at
    is_urgent = what in {"escalated", "acknowledged"} or (what == "firing" and line.severity == "critical")
    at = line.changed_at
    if not is_urgent:
        at += line.group_wait_ns if what == "firing" else 0
        at = max(at, (flushed_at or 0) + line.group_interval_ns if flushed_at is not None else 0)
    free_at = told_before + line.cooldown_ns if what == "firing" and told_before is not None else 0
    return max(at, free_at), free_at
