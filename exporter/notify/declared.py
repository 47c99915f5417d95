"""Channels and routes, as `rules/*.yaml` declares them.

In: entries of `channels:` and `routes:`. Out: frozen models that name secrets and never hold them.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from email.errors import MessageError
from email.headerregistry import Address
from typing import Annotated, Any, Final, Literal, Self
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field, model_validator

from exporter.alert.shapes import Change, Severity
from exporter.config import Duration
from exporter.notify.match import matches, names_of
from exporter.notify.notice import RANKS
from exporter.rules import Declared, Secret, mistakes
from exporter.rules.words import Listed, Mistake, mistake
from exporter.units import NS_PER_S

ChannelType = Literal["slack", "email", "pagerduty", "webhook", "teams", "discord", "console"]
MINUTE: Final = 60 * NS_PER_S
PAGERDUTY: Final = "https://events.pagerduty.com/v2/enqueue"
FAILED: Final = "ax/AxNotifierFailed"
"""The rule of our own that says that a channel does not take what it is sent."""


@dataclass(frozen=True, slots=True)
class Takes:
    """What a type of channel needs and may have, beside name, type and severity; how many notices it takes at once."""

    needs: frozenset[str]
    may_have: frozenset[str] = frozenset()
    most: int = 100
    acknowledgements: bool = False

    @property
    def grouped(self) -> bool:
        """Whether waiting for others of a group is of use."""
        return self.most > 1


TYPES: Final[dict[ChannelType, Takes]] = {
    "slack": Takes(frozenset({"url"})),
    "teams": Takes(frozenset({"url"})),
    "discord": Takes(frozenset({"url"})),
    "webhook": Takes(frozenset({"url"}), frozenset({"secret"}), acknowledgements=True),
    "pagerduty": Takes(frozenset({"routing_key"}), frozenset({"url"}), most=1, acknowledgements=True),
    "email": Takes(frozenset({"host", "sender", "to"}), frozenset({"port", "tls", "username", "password"})),
    "console": Takes(frozenset(), most=1, acknowledgements=True),
}
_PARTS: Final = frozenset().union(*(one.needs | one.may_have for one in TYPES.values()))
_SECRETS: Final = ("url", "secret", "routing_key", "password", "username")
_OPEN: Final = {"webhook", "pagerduty"}
"""Types whose address need not be a secret."""
_NAME: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}")


def _name(raw: object) -> object:
    if not isinstance(raw, str) or not _NAME.fullmatch(raw):
        raise mistake(f"{raw!r} cannot be a channel's name", "use letters, digits and _ . - and no more than 64")
    return raw


def _address(raw: object) -> object:
    """A literal address is kept, without what may be a secret in it; which types may have one is seen later."""
    if isinstance(raw, str) and "${" not in raw:
        parts = urlsplit(raw)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise mistake("this is no address", 'write "https://…", or "${NAME}" and set that variable')
        if parts.username or parts.password or parts.query:
            raise mistake("a secret does not belong into a file of rules", 'write "${NAME}" and set that variable')
        return Secret(template=raw)
    return raw


def mailbox(raw: str) -> str:
    """A mail address, as it may stand in a header; raises `ValueError`."""
    try:
        parsed = Address(addr_spec=raw)
    except (MessageError, IndexError, ValueError):
        raise ValueError(raw) from None
    if not raw.isascii() or not raw.isprintable() or not parsed.username or not parsed.domain:
        raise ValueError(raw)
    return raw


def _mailboxes(raw: object) -> object:
    for one in (raw,) if isinstance(raw, str) else raw if isinstance(raw, (list, tuple)) else ():
        try:
            mailbox(str(one))
        except ValueError:
            raise mistake(f"{one!r} is no mail address", "write it as name@example.com") from None
    return raw


class Channel(Declared):
    """A place where notices go. `severity` is the least that it takes; what else it needs depends on its `type`."""

    name: Annotated[str, BeforeValidator(_name)]
    type: ChannelType
    severity: Severity = "info"
    url: Annotated[Secret | None, BeforeValidator(_address)] = None
    secret: Secret | None = None
    routing_key: Secret | None = None
    host: str | None = Field(None, pattern=r"^[A-Za-z0-9.:\-]{1,253}$")
    port: int | None = Field(None, ge=1, le=65_535)
    tls: Literal["starttls", "tls", "none"] = "starttls"
    username: Secret | None = None
    password: Secret | None = None
    sender: Annotated[str | None, BeforeValidator(_mailboxes)] = Field(None, alias="from")
    to: Annotated[Listed, BeforeValidator(_mailboxes)] = Field((), max_length=50)

    @model_validator(mode="before")
    @classmethod
    def _files(cls, raw: Any) -> Any:
        """`url_file: PATH` is `url: {file: PATH}`."""
        if not isinstance(raw, Mapping):
            return raw
        return {
            (name[:-5] if (is_file := name.endswith("_file") and name[:-5] in _SECRETS) else name): (
                {"file": value} if is_file else value
            )
            for name, value in raw.items()
        }

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        mistakes("Channel", list(self._mistakes()))
        return self

    @property
    def takes(self) -> Takes:
        """What its type does."""
        return TYPES[self.type]

    def _mistakes(self) -> Iterator[tuple[tuple[str | int, ...], str, str]]:
        said = {name: "from" if name == "sender" else name for name in _PARTS}
        takes = self.takes
        for name in sorted(takes.needs):
            if not getattr(self, name):
                yield (), f"a channel of type {self.type} needs {said[name]}", f"add {said[name]}: …"
        for name in sorted((_PARTS & self.model_fields_set) - takes.needs - takes.may_have):
            yield (said[name],), f"a channel of type {self.type} has no {said[name]}", "leave it out"
        if self.url is not None and self.url.file is None and "${" not in self.url.template and self.type not in _OPEN:
            yield ("url",), "a secret does not belong into a file of rules", 'write "${NAME}" and set that variable'
        if (self.username is None) != (self.password is None):
            yield (), "username and password belong together", "give both, or neither"
        elif self.password is not None and self.tls == "none":
            yield ("tls",), "a password would go over the wire in clear", "use tls: starttls or tls: tls"


def _texts(raw: object) -> object:
    values = raw if isinstance(raw, (list, tuple)) else (raw,)
    if any(value is None or isinstance(value, (bool, Mapping)) for value in values):
        raise mistake(f"{raw!r} is no text", "write it in quotes")
    return tuple(str(value) for value in values)


class Route(Declared):
    """What matches is told to these channels, in groups. The first route that matches holds, unless it `continue`s.

    What no route takes goes to every channel, as everything does where there are no routes.
    """

    match: dict[str, Annotated[tuple[str, ...], BeforeValidator(_texts)]] = Field(default_factory=dict)
    severity: Severity = "info"
    channels: Listed
    group_by: Listed = ("alert",)
    group_wait: Duration = Field(30 * NS_PER_S, ge=0)
    group_interval: Duration = Field(5 * MINUTE, ge=0)
    repeat_interval: Duration = Field(240 * MINUTE, ge=MINUTE)
    goes_on: bool = Field(default=False, alias="continue")

    @model_validator(mode="after")
    def _names_channels(self) -> Self:
        if not self.channels:
            mistakes("Route", [(("channels",), "a route to no channel", "name at least one")])
        return self


DEFAULT_ROUTE: Final = Route(channels=("*",))
CONSOLE: Final = Channel(name="console", type="console")


def effective(channels: Sequence[Channel], *, console: bool) -> tuple[Channel, ...]:
    """The channels that there are: those declared, or, where there are none, the server's own log."""
    return tuple(channels) or ((CONSOLE,) if console else ())


def check(channels: Sequence[Channel], routes: Sequence[Route], known: Iterable[str] | None = None) -> list[Mistake]:
    """What is wrong with channels and routes together, by section, number and key: names given twice, or to nobody.

    `known` are the names that routes may use; without it, those of `channels`.
    """
    found: list[Mistake] = []
    names = [one.name for one in channels]
    for number, name in enumerate(names):
        if name in names[:number]:
            found.append((("channels", number, "name"), f"the channel {name} is declared twice", "rename one of them"))
    there = set(names if known is None else known)
    mend = f"channels are {', '.join(sorted(there))}" if there else "declare it under channels:"
    for number, route in enumerate(routes):
        for place, name in enumerate(route.channels):
            if name not in there:
                what = f"a route names the channel {name}, which is not declared"
                found.append((("routes", number, "channels", place), what, mend))
    return found


def audience(change: Change, routes: Sequence[Route], channels: Sequence[Channel]) -> list[tuple[Channel, Route]]:
    """Who is told of an alert, if its severity is enough, and by which route; a channel at most once."""
    found: dict[str, tuple[Channel, Route]] = {}
    known = {one.name: one for one in channels}
    names = names_of(change)
    for route in routes:
        if RANKS[change.severity] < RANKS[route.severity] or not matches(route.match, names):
            continue
        for name in route.channels:
            if name in known:
                found.setdefault(name, (known[name], route))
        if not route.goes_on:
            break
    told = list(found.values()) or [(one, DEFAULT_ROUTE) for one in channels]
    if change.rule_id == FAILED:  # who does not listen is not told that he does not listen
        told = [pair for pair in told if pair[0].name != dict(change.labels).get("channel")]
    return told
