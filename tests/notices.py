"""Alerts as the evaluation reports them, and one control database to tell of them from.

In: a few words. Out: `Change`s, and what channels are sent.
"""

import hashlib
from dataclasses import replace
from typing import Any, Final

from exporter.alert.shapes import Change, Severity, State, Transition
from exporter.control.database import Control
from exporter.notify import outbox, settle
from exporter.notify.answers import Answer
from exporter.notify.declared import Channel, Route
from exporter.notify.notice import Batch, Kind, Notice, Said, key_of, key_of_batch
from exporter.notify.silences import Silence
from exporter.units import NS_PER_S as SECOND

T0: Final = 1_790_000_000 * SECOND
"""When everything begins."""
MINUTE: Final = 60 * SECOND

OPS: Final = Channel(name="ops", type="slack", url="${SLACK}")
PAGER: Final = Channel(name="pager", type="pagerduty", routing_key="${KEY}")
LOG: Final = Channel(name="log", type="console")
TAKEN: Final = Answer("taken", "HTTP 200")

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
        value=3.25e9,
        threshold=2e9,
        labels=labels,
        annotations=(("summary", "Calls take 3.25 s"),),
        unit="ns",
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


def seconds(count: float) -> int:
    """A time so long after the beginning."""
    return T0 + int(count * SECOND)


class Desk:
    """An outbox in a database of its own, and what its channels were told."""

    def __init__(self, control: Control, *channels: Channel, routes: tuple[Route, ...] = ()) -> None:
        self.control = control
        self.channels = channels
        self.routes = routes
        self.cooldowns: dict[str, int] = {}
        self.silenced: list[Silence] = []
        self.own: list[Change] = []

    def happens(self, *changes: Change, at: int = T0) -> None:
        with self.control.writing() as connection:
            outbox.enqueue(connection, changes, self.routes, self.channels, at, self.cooldowns)

    def fixed(self, at: int, channel: Channel | None = None) -> Batch | None:
        with self.control.writing() as connection:
            return outbox.fix(connection, channel or self.channels[0], at, self.silenced)

    def answered(self, batch: Batch, answer: Answer, at: int, delay_ns: int = SECOND) -> None:
        channel = next(one for one in self.channels if one.name == batch.channel)
        with self.control.writing() as connection:
            self.own += settle.settle(connection, channel, batch, answer, at, delay_ns)

    def told(self, at: int, channel: Channel | None = None) -> list[str]:
        """Sends all that is due at a time, and says what it said."""
        said = []
        while batch := self.fixed(at, channel):
            self.answered(batch, TAKEN, at)
            said += [f"{one.said} {one.change.rule}" for one in batch.notices]
        return said

    def due(self, channel: Channel | None = None) -> int | None:
        """Seconds after the beginning when there will be something to say."""
        with self.control.reading() as connection:
            at = outbox.next_at(connection, (channel or self.channels[0]).name)
        return None if at is None else (at - T0) // SECOND
