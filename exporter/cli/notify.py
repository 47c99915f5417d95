"""`ax notify`: where notices go, whether they got there, and a try.

In: `DATA/rules/*.yaml` and the control database. Out: tables or JSON; a notice that is sent for real.
"""

import os
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Final

import typer

from exporter import settings
from exporter.cli import words
from exporter.cli.options import AsJson, ConfigFile, Data, Limit, directory
from exporter.cli.show import Column, console, print_json, table
from exporter.clock import SystemClock
from exporter.control.database import Control
from exporter.errors import AxError
from exporter.notify import settle
from exporter.notify.answers import Answer
from exporter.notify.declared import Channel
from exporter.notify.guard import Hold, allowed
from exporter.notify.notice import Said
from exporter.notify.reach import Reach
from exporter.notify.send import send
from exporter.notify.trial import trial
from exporter.watch.declared import Declared, load

app: Final = typer.Typer(add_completion=False, no_args_is_help=True, rich_markup_mode="rich")


@dataclass(frozen=True, slots=True)
class _Shown:
    """A channel and how it does."""

    channel: str
    type: str
    severity: str
    waiting: int
    since: str | None
    dead: int
    last: str


_CHANNELS: Final[tuple[Column[_Shown], ...]] = (
    Column("channel", lambda one: one.channel),
    Column("type", lambda one: one.type),
    Column("severity", lambda one: one.severity, "least"),
    Column("waiting", lambda one: one.waiting, say=words.count),
    Column("since", lambda one: one.since),
    Column("dead", lambda one: one.dead, say=words.count, style=lambda one: "red" if one.dead else ""),
    Column("last", lambda one: one.last, "last answer", is_wide=True),
)
_DEAD: Final[tuple[Column[settle.Dead], ...]] = (
    Column("channel", lambda one: one.channel),
    Column("ended_at", lambda one: words.clock(one.ended_at), "given up"),
    Column("attempts", lambda one: one.attempts, say=words.count),
    Column("status", lambda one: one.status, "answer", is_wide=True),
    Column("of", lambda one: ", ".join(f"{each.said} {each.change.rule}" for each in one.notices), is_wide=True),
)


@app.callback()
def notify() -> None:
    """Try and look after the channels that tell people of alerts.

    ax notify list
    ax notify test ops
    ax notify dead --retry

    Channels and routes are declared in rules/*.yaml in the data directory; their secrets are ${VARIABLES} or files.
    """


@app.command("list")
def listed(data: Data = None, config: ConfigFile = None, *, as_json: AsJson = False) -> None:
    """Show the channels: what they take, what waits for them, what they last answered."""
    path = directory(data)
    declared = _declared(path, config)
    control = Control.open(path)
    try:
        with control.reading() as connection:
            states = settle.posts(connection, [one.name for one in declared.channels])
    finally:
        control.close()
    shown = [
        _Shown(
            one.name,
            one.type,
            one.severity,
            post.waiting,
            None if post.oldest_at is None else words.clock(post.oldest_at),
            post.dead,
            post.status,
        )
        for one, post in zip(declared.channels, states, strict=True)
    ]
    if as_json:
        print_json([asdict(one) for one in shown])
    else:
        console().print(table(shown, _CHANNELS) if shown else "no channels")


@app.command("test")
def try_out(
    channel: Annotated[str, typer.Argument(metavar="CHANNEL", help="Its name, as in `ax notify list`.")],
    data: Data = None,
    config: ConfigFile = None,
    *,
    resolve: Annotated[bool, typer.Option(help="Send the end of the test alert too.")] = True,
) -> None:
    """Send a notice for real, and say what the service answered.

    The notice says that it is a test. Its end is sent after it, so that no incident stays open. Shown is the status of
    the answer, never what else the service wrote.

        ax notify test ops
    """
    path = directory(data)
    alert = settings.load(path, config, os.environ, {}).alert
    found = _named(_declared(path, config), channel)
    clock = SystemClock()
    reach = Reach(os.environ, clock, print, allowed(alert.allow_private))
    started_at = clock.wall()
    both: tuple[Said, ...] = ("firing", "resolved")
    for said in both if resolve else both[:1]:
        answer = send(found, trial(found, said, clock.wall(), started_at), reach, Hold())
        if answer.outcome != "taken":
            raise AxError(f"{channel} did not take the {said} notice: {answer.status}", mend=_mend(found, answer))
        print(f"{channel}: {said} notice taken: {answer.status}")


@app.command()
def dead(
    data: Data = None,
    limit: Limit = 20,
    *,
    channel: Annotated[str | None, typer.Option(metavar="NAME", help="Only of this channel.")] = None,
    retry: Annotated[bool, typer.Option("--retry", help="Send again what still is so.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show what was given up: services refused it, or did not take it within 24 hours.

    With --retry it goes out again as soon as a server runs, as far as it is still so.
    """
    control = Control.open(directory(data))
    try:
        if retry:
            with control.writing() as connection:
                going, past = settle.retry(connection, SystemClock().wall(), channel)
            if as_json:
                print_json({"again": going, "over": past})
            else:
                print(f"{going} notices go out again, {past} are no longer so")
            return
        with control.reading() as connection:
            found = settle.dead(connection, channel, limit)
    finally:
        control.close()
    if as_json:
        print_json([asdict(one) for one in found])
    else:
        console().print(table(found, _DEAD) if found else "nothing was given up")


def _declared(path: Path, config: Path | None) -> Declared:
    """What is declared; what is wrong with it is said beside."""
    declared = load(path, settings.load(path, config, os.environ, {}).alert)
    for wrong in map(str, declared.problems):
        print(f"ax: {wrong}", file=sys.stderr)
    return declared


def _named(declared: Declared, name: str) -> Channel:
    for one in declared.channels:
        if one.name == name:
            return one
    names = ", ".join(one.name for one in declared.channels) or "none"
    raise AxError(f"there is no channel {name}", mend=f"there are: {names}; they are declared in rules/*.yaml")


def _mend(channel: Channel, answer: Answer) -> str:
    if answer.outcome == "again":
        return "a server would try again"
    if "alert.allow_private" in answer.status:
        return "if the host is yours, name it in alert.allow_private of ax.yaml, or in AX_ALERT_ALLOW_PRIVATE"
    return f"look at the address and the secrets of {channel.name} in rules/*.yaml"
