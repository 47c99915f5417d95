"""Whatever happens: nothing is missed, and nothing contradicts.

Alerts come and go, sends fail in all ways, the process dies; in the end the service knows how everything is.
"""

import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from exporter.control.database import Control
from exporter.notify import settle
from exporter.notify.answers import Answer
from exporter.notify.notice import Batch
from tests.notices import OPS, PAGER, SECOND, T0, TAKEN, Desk, change

NAMES = ("a", "b", "c")
ANSWERS = {
    "taken": (TAKEN, True),
    "lost answer": (Answer("again", "no answer in time", is_maybe=True), True),
    "broken": (Answer("again", "HTTP 503", is_maybe=True), False),
    "nobody there": (Answer("again", "no connection: refused"), False),
    "busy": (Answer("again", "HTTP 429", rest_s=60.0), False),
}


class Outbox(RuleBasedStateMachine):
    """A channel, three rules that fire one episode after another, and a service that fails."""

    @initialize(channel=st.sampled_from([OPS, PAGER]))
    def begins(self, channel: Any) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.control = Control.open(Path(self.folder.name))
        self.desk = Desk(self.control, channel)
        self.desk.cooldowns = {f"latency/{name}": 0 for name in NAMES}
        self.channel = channel
        self.at = T0
        self.episodes = dict.fromkeys(NAMES, 0)
        self.firing: dict[str, str | None] = dict.fromkeys(NAMES)
        self.in_flight: Batch | None = None
        self.said_under: dict[str, str] = {}
        self.arrived: dict[str, list[tuple[str, str]]] = {name: [] for name in NAMES}

    def teardown(self) -> None:
        if not hasattr(self, "desk"):
            return
        try:
            self.ends()
        finally:
            self.control.close()
            self.folder.cleanup()

    @rule(name=st.sampled_from(NAMES), what=st.sampled_from(["firing", "escalated", "acknowledged", "resolved"]))
    def happens(self, name: str, what: Any) -> None:
        state = self.firing[name]
        if (what == "firing") != (state is None) or (what == "escalated" and state == "critical"):
            return
        self.episodes[name] += what == "firing"
        self.firing[name] = {"firing": "warning", "escalated": "critical", "resolved": None}.get(what, state)
        severity: Any = self.firing[name] or state
        self.at += SECOND
        made = change(what, alert=name, episode=self.episodes[name], severity=severity, at=self.at)
        self.desk.happens(made, at=self.at)

    @rule(seconds=st.sampled_from([5, 40, 400, 20_000]))
    def time_passes(self, seconds: int) -> None:
        self.at += seconds * SECOND

    @rule(how=st.sampled_from([*ANSWERS, None]), delay_s=st.integers(0, 300))
    def sends(self, how: str | None, delay_s: int) -> None:
        """`how` None: it is on its way, and so it may still be when the next thing happens."""
        batch = self.in_flight or self.desk.fixed(self.at)
        self.in_flight = batch
        if batch is not None and how is not None:
            answer, arrives = ANSWERS[how]
            self.leaves(batch, arrives=arrives)
            self.desk.answered(batch, answer, self.at, delay_s * SECOND)
            self.in_flight = None

    @rule(arrives=st.booleans())
    def dies(self, *, arrives: bool) -> None:
        if self.in_flight is not None:
            self.leaves(self.in_flight, arrives=arrives)
        self.in_flight = None
        with self.control.writing() as connection:
            settle.recover(connection, self.channel.name, self.at)

    def leaves(self, batch: Batch, *, arrives: bool) -> None:
        said = repr([(one.said, one.change) for one in batch.notices])
        assert self.said_under.setdefault(batch.key, said) == said, "another text under the same key"
        for one in batch.notices if arrives else ():
            state = "over" if one.said == "resolved" else "open"
            self.arrived[one.change.rule].append((one.change.episode, state))

    def ends(self) -> None:
        """The service is well again: in the end it knows how everything is."""
        self.dies(arrives=False)
        for _ in range(4):
            self.at += 1_000 * SECOND
            while batch := self.desk.fixed(self.at):
                self.leaves(batch, arrives=True)
                self.desk.answered(batch, TAKEN, self.at)
        for name in NAMES:
            heard = self.arrived[name]
            now = change(alert=name, episode=self.episodes[name]).episode
            open_ones = {episode for episode, _ in heard if (episode, "over") not in heard}
            assert open_ones == ({now} if self.firing[name] else set()), (name, heard)
            for episode in {one for one, _ in heard}:
                states = [state for one, state in heard if one == episode]
                assert states == sorted(states), "told that it fires after it was told that it ended"


class TestOutbox(Outbox.TestCase):  # type: ignore[name-defined, misc]
    settings = settings(max_examples=40, stateful_step_count=30)


@pytest.mark.slow
class TestOutboxLong(Outbox.TestCase):  # type: ignore[name-defined, misc]
    settings = settings(max_examples=500, stateful_step_count=50)
