"""Silences: alerts that go on, of which nobody is told for a while.

In: a transaction of `DATA/control.sqlite`. Out: silences, and until when one holds for an alert.
"""

import hashlib
import json
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import asdict, astuple, dataclass
from typing import Final

from exporter.alert.shapes import Change
from exporter.errors import AxError
from exporter.notify.match import Matcher, fulfils, names_of

MOST: Final = 1_000
FOR_EVER: Final = 2**63 - 1
"""The end of the silence of a rule that is switched off."""


class NoSilence(AxError):
    """No silence, or more than one, has an id that begins so."""


@dataclass(frozen=True, slots=True)
class Silence:
    """What fulfils all `matchers` is not told in [`starts_at`, `ends_at`)."""

    id: str
    matchers: tuple[Matcher, ...]
    starts_at: int
    ends_at: int
    by: str
    note: str = ""


def add(
    connection: sqlite3.Connection,
    matchers: Sequence[Matcher],
    *,
    starts_at: int,
    ends_at: int,
    by: str,
    note: str = "",
    now: int,
) -> Silence:
    """A new silence. Raises `AxError` for one that silences all or nothing, and where there are too many."""
    if not matchers:
        raise AxError("a silence without matchers would silence everything", mend="say of what: team=chat, alert=Slow*")
    if ends_at <= max(starts_at, now):
        raise AxError("a silence ends before it begins", mend="give it a duration, such as 2h")
    (count,) = connection.execute("SELECT count(*) FROM silences WHERE ends_at > ?", (now,)).fetchone()
    if count >= MOST:
        raise AxError(f"there are {MOST} silences already", mend="lift some")
    said = json.dumps([[astuple(one) for one in matchers], starts_at, ends_at, by, note, now])
    identity = hashlib.sha256(said.encode()).hexdigest()[:12]
    made = Silence(identity, tuple(matchers), starts_at, ends_at, by, note)
    connection.execute(
        "INSERT OR REPLACE INTO silences VALUES (?, ?, ?, ?, ?, ?, ?)",
        (identity, json.dumps([astuple(one) for one in matchers]), starts_at, ends_at, by, note, now),
    )
    return made


def lift(connection: sqlite3.Connection, prefix: str, now: int) -> Silence:
    """Ends a silence now, by the beginning of its id. Raises `NoSilence`."""
    found = [one for one in active(connection, now, coming=True) if prefix and one.id.startswith(prefix)]
    if len(found) != 1:
        what = f"no silence {prefix!r}" if not found else f"{len(found)} silences begin with {prefix!r}"
        raise NoSilence(what, mend="ask for the list of silences")
    connection.execute("UPDATE silences SET ends_at = ? WHERE id = ?", (now, found[0].id))
    return found[0]


def active(connection: sqlite3.Connection, now: int, *, coming: bool = False) -> list[Silence]:
    """The silences that hold now, and with `coming` those that will."""
    found = connection.execute(
        "SELECT id, matchers, starts_at, ends_at, by, note FROM silences "
        "WHERE ends_at > ? AND (starts_at <= ? OR ?) ORDER BY starts_at, id",
        (now, now, coming),
    )
    return [
        Silence(one, tuple(Matcher(*each) for each in json.loads(matchers)), *rest) for one, matchers, *rest in found
    ]


def switched_off(rules: Iterable[str]) -> list[Silence]:
    """What rules that are switched off amount to: nobody is told of their alerts."""
    return [Silence(f"off:{rule}", (Matcher("rule", "=", rule),), 0, FOR_EVER, "ax") for rule in rules]


def until(change: Change, silences: Sequence[Silence], now: int) -> int | None:
    """The end of the silence that holds longest for an alert, None where none does."""
    names = names_of(change)
    ends = [one.ends_at for one in silences if one.starts_at <= now < one.ends_at and fulfils(one.matchers, names)]
    return max(ends, default=None)


def prune(connection: sqlite3.Connection, before: int) -> None:
    """Forgets silences that ended before then."""
    connection.execute("DELETE FROM silences WHERE ends_at < ?", (before,))


def shown(silence: Silence) -> dict[str, object]:
    """As JSON has it."""
    return asdict(silence) | {"matchers": [str(one) for one in silence.matchers]}
