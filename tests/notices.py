"""Alerts as the evaluation reports them, and one control database to tell of them from.

In: a few words. Out: `Change`s, and what channels are sent.
"""

import hashlib
from dataclasses import replace
from typing import Any, Final

from exporter.alert.shapes import Change, Severity, State, Transition
from exporter.notify.declared import Channel
from exporter.notify.notice import Batch, Kind, Notice, Said, key_of, key_of_batch
from exporter.units import NS_PER_S

T0: Final = 1_790_000_000 * NS_PER_S
"""When everything begins."""
MINUTE: Final = 60 * NS_PER_S

_STATES: Final[dict[Transition, tuple[State, State]]] = {
    "pending": ("inactive", "pending"),
    "dropped": ("pending", "inactive"),
    "resolved": ("firing", "inactive"),
    "acknowledged": ("firing", "firing"),
    "escalated": ("firing", "firing"),
    "deescalated": ("firing", "firing"),
    "recovering": ("firing", "firing"),
    "no_data": ("firing", "no_data"),
    "firing": ("inactive", "firing"),
}


def change(
    transition: Transition = "firing",
    *,
    alert: str = "SlowCalls",
    severity: Severity = "warning",
    episode: int = 1,
    at: int = T0,
    **parts: Any,
) -> Change:
    """One change of an alert of a rule; the same labels and rule give the same fingerprint."""
    labels = tuple(sorted(parts.pop("labels", {"model": "gpt-9", "team": "chat"}).items()))
    fingerprint = hashlib.sha256(repr((alert, labels)).encode()).hexdigest()
    before, after = _STATES[transition]
    made = Change(
        rule_id=f"latency/{alert}",
        rule=alert,
        fingerprint=fingerprint,
        episode=hashlib.sha256(f"{fingerprint} {episode}".encode()).hexdigest()[:32],
        tenant_id="default",
        transition=transition,
        at=at,
        from_state=before,
        to_state=after,
        severity=severity,
        value=3.25,
        threshold=2.0,
        labels=labels,
        annotations=(("summary", "Calls take 3.25 s"),),
    )
    return replace(made, **parts)


def batch(channel: Channel, *changes: Change, said: Said | None = None, kind: Kind = "alert") -> Batch:
    """A batch that says these changes."""
    notices = tuple(
        Notice(
            key_of(one.fingerprint, one.episode, one.transition, channel.name),
            said or ("resolved" if one.transition == "resolved" else "firing"),
            kind,
            T0,
            one,
        )
        for one in changes
    )
    return Batch(1, key_of_batch(notices), channel.name, (("alert", "SlowCalls"),), notices, T0, 1)
