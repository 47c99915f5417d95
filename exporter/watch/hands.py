"""What people do about alerts, whichever process they are in: recorded and put into the outbox in one transaction.

In: the control database, what is declared, the beginning of an alert's id, who says so. Out: the alert as it then is.
"""

import sqlite3
from collections.abc import Sequence

from exporter.alert import hands
from exporter.alert.listed import Alert, find
from exporter.alert.shapes import Change
from exporter.control import Control
from exporter.notify import silences
from exporter.notify.match import Matcher
from exporter.notify.silences import Silence
from exporter.watch.declared import Declared
from exporter.watch.round import tell


def acknowledge(control: Control, declared: Declared, prefix: str, by: str, now: int, note: str = "") -> Alert:
    """Somebody looks after an alert. Raises `NoAlert` and `OSError`."""
    with control.writing() as connection:
        alert = find(connection, prefix)
        return _told(connection, alert, hands.acknowledge(connection, alert.episode, by, now, note), declared, now)


def resolve(control: Control, declared: Declared, prefix: str, by: str, now: int) -> Alert:
    """Somebody ends an alert. Raises `NoAlert` and `OSError`."""
    with control.writing() as connection:
        alert = find(connection, prefix)
        return _told(connection, alert, hands.resolve(connection, alert.episode, by, now), declared, now)


def silence(
    control: Control,
    matchers: Sequence[Matcher],
    *,
    alert: str | None = None,
    for_ns: int,
    by: str,
    now: int,
    note: str = "",
) -> Silence:
    """Nobody is told, for a while, of what fulfils the matchers, or of one alert and those that follow it there.

    Raises `AxError` and `OSError`.
    """
    with control.writing() as connection:
        these = tuple(matchers)
        if alert is not None:
            these += (Matcher("fingerprint", "=", find(connection, alert).fingerprint),)
        return silences.add(connection, these, starts_at=now, ends_at=now + for_ns, by=by, note=note, now=now)


def lift(control: Control, prefix: str, now: int) -> Silence:
    """Ends a silence. Raises `AxError` and `OSError`."""
    with control.writing() as connection:
        return silences.lift(connection, prefix, now)


def _told(
    connection: sqlite3.Connection, alert: Alert, changes: Sequence[Change], declared: Declared, now: int
) -> Alert:
    tell(connection, changes, declared, now)
    return find(connection, alert.episode, active=False) if alert.state != "pending" else alert
