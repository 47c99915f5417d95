"""When a group of rules is evaluated: at slots that depend on its name and on nothing else.

In: groups' names and intervals, the wall clock. Out: which groups are due, and for which slot.

A slot is `k * interval + hash(name) % interval`: the same on every machine and after every restart, spread over the
interval so that a thousand groups do not ask at once. A slot that passes while its group is still evaluated is counted
as missed and never made up for. Where the clock is set back, nothing is due until it has caught up; where it is set
forward, the slots between are missed.
"""

import hashlib
from dataclasses import dataclass, replace
from typing import Final

_HASH_BYTES: Final = 8


@dataclass(frozen=True, slots=True)
class Turn:
    """Where a group stands: its last slot, whether that is still evaluated, how many it missed since it began.

    `last` is at first the time of the start: what was due before is not made up for.
    """

    name: str
    interval_ns: int
    last: int
    running: bool = False
    missed: int = 0


def offset(name: str, interval_ns: int) -> int:
    """Where within each interval a group has its slot."""
    digest = hashlib.sha256(name.encode()).digest()
    return int.from_bytes(digest[:_HASH_BYTES], "big") % interval_ns


def slot(name: str, interval_ns: int, now: int) -> int:
    """The latest slot of a group that is not after `now`."""
    shift = offset(name, interval_ns)
    return (now - shift) // interval_ns * interval_ns + shift


def begun(name: str, interval_ns: int, now: int) -> Turn:
    """A group from now on; its first slot is the next one."""
    return Turn(name, interval_ns, now)


def due(turn: Turn, now: int) -> tuple[Turn, int | None]:
    """The group, and its slot if it is to be evaluated now: never while it is running, never at or before the last.

    Call `done` when that evaluation ends.
    """
    latest = slot(turn.name, turn.interval_ns, now)
    if latest <= turn.last or turn.running:
        return turn, None
    return replace(turn, last=latest, running=True, missed=turn.missed + _between(turn, latest)), latest


def done(turn: Turn) -> Turn:
    """The group when its evaluation has ended, however it ended."""
    return replace(turn, running=False)


def next_at(turn: Turn) -> int:
    """The first slot after the last."""
    return slot(turn.name, turn.interval_ns, turn.last) + turn.interval_ns


def wait_ns(turn: Turn, now: int) -> int | None:
    """How long there is nothing to do; None while it is running: it may have outlasted its next slot by then."""
    return None if turn.running else max(0, next_at(turn) - now)


def _between(turn: Turn, latest: int) -> int:
    return (latest - next_at(turn)) // turn.interval_ns
