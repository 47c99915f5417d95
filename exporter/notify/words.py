"""The words of a notice, before any service's markup: a title, a summary, facts.

In: a notice. Out: plain text; all of it may hold what strangers wrote.
"""

from datetime import UTC, datetime
from typing import Final

from exporter.alert.quantity import shown
from exporter.alert.shapes import Change
from exporter.notify.notice import Batch, Notice, Said
from exporter.notify.text import link, plain
from exporter.units import NS_PER_S

_HEADS: Final[dict[Said, str]] = {
    "firing": "FIRING",
    "escalated": "WORSE",
    "deescalated": "MILDER",
    "acknowledged": "ACKNOWLEDGED",
    "resolved": "RESOLVED",
    "repeated": "STILL FIRING",
}
COLOURS: Final = {"info": 0x3B82F6, "warning": 0xF59E0B, "error": 0xEF4444, "critical": 0xB91C1C}
RESOLVED_COLOUR: Final = 0x22C55E
_REASONS: Final = {
    "missing_series": "its series ended",
    "rule_changed": "its rule was changed",
    "by_hand": "by hand",
    "no_data": "there was no data",
}


def head(notice: Notice) -> str:
    """What has happened, in capitals."""
    return "NO DATA" if notice.kind == "no_data" and notice.said in {"firing", "repeated"} else _HEADS[notice.said]


def title(notice: Notice) -> str:
    """One line that says what, how bad and of which rule."""
    return f"{head(notice)} {notice.severity}: {plain(notice.change.rule, 200)}"


def headline(batch: Batch) -> str:
    """One line over a whole batch."""
    more = len(batch.notices) - 1
    return title(batch.worst) + (f" and {more} more" if more else "")


def summary(notice: Notice) -> str:
    """The rule's own words, else its labels."""
    annotations = dict(notice.change.annotations)
    said = annotations.get("summary") or annotations.get("description")
    return plain(said or labels_line(notice) or notice.change.rule)


def labels_line(notice: Notice) -> str:
    """Labels as `a=b c=d`."""
    return " ".join(f"{plain(name, 100)}={plain(value, 300)}" for name, value in notice.change.labels)


def facts(notice: Notice) -> list[tuple[str, str]]:
    """Names and values, the most wanted first, then the labels."""
    change = notice.change
    said = [("severity", str(change.severity))]
    said += figures(change)
    said.append(("since", moment(notice.since)))
    if notice.said == "resolved":
        said.append(("resolved", moment(change.at)))
        if change.reason in _REASONS:
            said.append(("because", _REASONS[change.reason]))
    if change.by:
        said.append(("by", plain(change.by, 100)))
    return said + [(plain(name, 100), plain(value, 1_000)) for name, value in change.labels]


def runbook(notice: Notice) -> str | None:
    """The address of what to do, where the rule names one."""
    return link(dict(notice.change.annotations).get("runbook_url", ""))


def description(notice: Notice) -> str:
    """The rule's longer words, where it has some beside the summary."""
    annotations = dict(notice.change.annotations)
    return plain(annotations.get("description", "")) if "summary" in annotations else ""


def figures(change: Change) -> list[tuple[str, str]]:
    """Its value and threshold with their unit, those that there are."""
    both = (("value", change.value), ("threshold", change.threshold))
    return [(name, shown(value, change.unit)) for name, value in both if value is not None]


def moment(at: int) -> str:
    """A time for people, in UTC; that of a clock gone wild is as near as a calendar goes."""
    seconds = min(max(at // NS_PER_S, 0), 253_402_300_799)
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def stamp(at: int) -> str:
    """The same for programs: RFC 3339."""
    seconds = min(max(at // NS_PER_S, 0), 253_402_300_799)
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
