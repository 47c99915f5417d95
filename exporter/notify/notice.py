"""What is said: a notice is one thing about one alert to one channel, a batch is what goes out together.

In: changes of alerts. Out: frozen values, their JSON, and keys that are the same after a restart.
"""

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal

from exporter.alert.shapes import Change, Labels, Severity

Said = Literal["firing", "escalated", "deescalated", "acknowledged", "resolved", "repeated"]
"""What a notice says; `repeated` is that an alert still fires."""
Kind = Literal["alert", "no_data"]
"""Of what it says so: of the alert, or of there being no data to tell by; each has its own key."""

_PAIRS: Final = ("labels", "annotations")


@dataclass(frozen=True, slots=True)
class Notice:
    """One thing about one episode; `since` is when it began. `key` is this notice's, at this channel, for ever."""

    key: str
    said: Said
    kind: Kind
    since: int
    change: Change

    @property
    def severity(self) -> Severity:
        """Of the alert, now."""
        return self.change.severity


@dataclass(frozen=True, slots=True)
class Batch:
    """What one request or message says; it does not change once it is made. `attempts` counts this one too."""

    number: int
    key: str
    channel: str
    group: Labels
    notices: tuple[Notice, ...]
    made_at: int
    attempts: int

    @property
    def worst(self) -> Notice:
        """Of those that are not over the severest, else the first."""
        return max(self.notices, key=lambda one: (one.said != "resolved", RANKS[one.severity]))


RANKS: Final[dict[str, int]] = {"info": 0, "warning": 1, "error": 2, "critical": 3}


def key_of(fingerprint: str, episode: str, transition: str, channel: str) -> str:
    """The idempotency key of a notice."""
    return hashlib.sha256(json.dumps([fingerprint, episode, transition, channel]).encode()).hexdigest()


def key_of_batch(notices: tuple[Notice, ...]) -> str:
    """That of its one notice, or of all of them."""
    if len(notices) == 1:
        return notices[0].key
    return hashlib.sha256(json.dumps([one.key for one in notices]).encode()).hexdigest()


def dump_change(change: Change) -> str:
    """JSON that `load_change` reads back."""
    return json.dumps(asdict(change), separators=(",", ":"))


def load_change(text: str) -> Change:
    """A change as `dump_change` wrote it."""
    return _change(json.loads(text))


def dump_notices(notices: tuple[Notice, ...]) -> str:
    """JSON that `load_notices` reads back."""
    return json.dumps([asdict(one) for one in notices], separators=(",", ":"))


def load_notices(text: str) -> tuple[Notice, ...]:
    """Notices as `dump_notices` wrote them."""
    return tuple(Notice(**{**raw, "change": _change(raw["change"])}) for raw in json.loads(text))


def dump_labels(labels: Labels) -> str:
    """JSON that `load_labels` reads back; equal labels give equal text."""
    return json.dumps(sorted(labels), separators=(",", ":"))


def load_labels(text: str) -> Labels:
    """Labels as `dump_labels` wrote them."""
    return tuple((name, value) for name, value in json.loads(text))


def _change(raw: dict[str, Any]) -> Change:
    return Change(**{**raw, **{name: tuple((key, value) for key, value in raw[name]) for name in _PAIRS}})
