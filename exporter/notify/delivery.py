"""The workers that empty the outbox: one thread a channel, so that a channel that hangs holds up no other.

In: `DATA/control.sqlite`, channels, a clock. Out: notices sent, and what became of each.
"""

import logging
import random
import sqlite3
import threading
from collections.abc import Callable, Sequence
from typing import Final

from exporter.alert.shapes import Change
from exporter.clock import Clock
from exporter.control.database import Control
from exporter.notify import outbox, settle, silences
from exporter.notify.answers import Answer, delay_s
from exporter.notify.declared import Channel
from exporter.notify.guard import Hold
from exporter.notify.notice import Batch
from exporter.notify.reach import Reach
from exporter.notify.send import send
from exporter.notify.silences import Silence
from exporter.units import NS_PER_S

_LONGEST_WAIT_S: Final = 5.0
_AFTER_FAULT_S: Final = 1.0
_STOP_S: Final = 0.8
_log: Final = logging.getLogger(__name__)

Tell = Callable[[sqlite3.Connection, Sequence[Change]], None]
Silenced = Callable[[sqlite3.Connection, int], Sequence[Silence]]


class Delivery:
    """A running worker for each channel that was declared; any thread may call it."""

    def __init__(
        self,
        control: Control,
        reach: Reach,
        tell: Tell,
        silenced: Silenced = silences.active,
        chance: random.Random | None = None,
    ) -> None:
        """`tell` saves changes of our own (`AxNotifierFailed`) and puts them into the outbox, within a transaction.

        `silenced` are the silences that hold, those of rules that are switched off among them.
        """
        self._control = control
        self._reach = reach
        self._tell = tell
        self._silenced = silenced
        self._chance = chance or random.SystemRandom()
        self._workers: dict[str, _Worker] = {}
        self._lock = threading.Lock()

    def declare(self, channels: Sequence[Channel]) -> None:
        """The channels that there are from now on; what waits for others stays in the outbox."""
        now = {one.name: one for one in channels}
        with self._lock:
            for name in [name for name, worker in self._workers.items() if worker.channel != now.get(name)]:
                self._workers.pop(name).stop()
            for name, channel in now.items():
                if name not in self._workers:
                    self._workers[name] = _Worker(
                        channel, self._control, self._reach, self._tell, self._silenced, self._chance
                    )

    def wake(self) -> None:
        """There may be something new in the outbox. Cheap, and never blocks."""
        with self._lock:
            for worker in self._workers.values():
                worker.wake()

    def stop(self, within_s: float = _STOP_S) -> None:
        """Cuts off what is being sent, which then goes out again at the next start; waits no longer than that."""
        with self._lock:
            workers, self._workers = list(self._workers.values()), {}
        deadline = self._reach.clock.monotonic() + int(within_s * NS_PER_S)
        for worker in workers:
            worker.stop()
        for worker in workers:
            worker.join(max(0.0, (deadline - self._reach.clock.monotonic()) / NS_PER_S))


class _Worker:
    """One channel's thread."""

    def __init__(
        self,
        channel: Channel,
        control: Control,
        reach: Reach,
        tell: Tell,
        silenced: Silenced,
        chance: random.Random,
    ) -> None:
        self.channel = channel
        self._control = control
        self._steady = Steady(reach.clock)
        self._reach = reach
        self._tell = tell
        self._silenced = silenced
        self._chance = chance
        self._stopping = threading.Event()
        self._woken = threading.Event()
        self._hold: Hold | None = None
        self._thread = threading.Thread(target=self._run, name=f"notify {channel.name}", daemon=True)
        self._thread.start()

    def wake(self) -> None:
        self._woken.set()

    def stop(self) -> None:
        self._stopping.set()
        self._woken.set()
        if (hold := self._hold) is not None:
            hold.cut()

    def join(self, timeout_s: float) -> None:
        self._thread.join(timeout_s)

    def _run(self) -> None:
        is_recovered = is_said = False
        while not self._stopping.is_set():
            try:
                if not is_recovered:
                    with self._control.writing() as connection:
                        settle.recover(connection, self.channel.name, self._steady.wall())
                    is_recovered = True
                self._once()
                is_said = False
            except (OSError, sqlite3.Error) as error:  # the disk is full, or the database is locked for long
                if self._stopping.is_set():
                    return
                if not is_said:
                    _log.error("channel %s: %s; tried again", self.channel.name, error)
                    is_said = True
                self._stopping.wait(_AFTER_FAULT_S)
            except Exception:  # noqa: BLE001 (logged; a thread that ended would tell nobody anything)
                _log.exception("channel %s: an error of ours; tried again", self.channel.name)
                self._stopping.wait(_AFTER_FAULT_S)

    def _once(self) -> None:
        """Sends what is due, or waits until something may be."""
        self._woken.clear()
        with self._control.reading() as connection:
            due_at = outbox.next_at(connection, self.channel.name)
        now = self._steady.wall()
        if due_at is None or due_at > now:
            wait_s = _LONGEST_WAIT_S if due_at is None else min((due_at - now) / NS_PER_S, _LONGEST_WAIT_S)
            self._woken.wait(wait_s)
            return
        with self._control.writing() as connection:
            batch = outbox.fix(connection, self.channel, now, self._silenced(connection, now))
        if batch is None or self._stopping.is_set():
            return
        self._hold = Hold()
        if self._stopping.is_set():
            return
        answer = send(self.channel, batch, self._reach, self._hold)
        if self._stopping.is_set() and answer.outcome != "taken":
            return  # cut off: the batch is as it was, and goes out again
        self._settle(batch, answer)

    def _settle(self, batch: Batch, answer: Answer) -> None:
        now = self._steady.wall()
        delay_ns = int(delay_s(batch.attempts, answer, self._chance) * NS_PER_S)
        while True:  # what was sent must be written down, or it is sent again for ever
            try:
                with self._control.writing() as connection:
                    own = settle.settle(connection, self.channel, batch, answer, now, delay_ns)
                    if own:
                        self._tell(connection, own)
                break
            except OSError:
                if self._stopping.wait(_AFTER_FAULT_S):
                    return
        if answer.outcome == "refused":
            _log.warning("channel %s did not take a notice: %s", self.channel.name, answer.status)


class Steady:
    """Wall time that never goes back: while a clock that was put back catches up, it goes on by the monotonic one."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._ahead = clock.wall() - clock.monotonic()

    def wall(self) -> int:
        """Nanoseconds since the Unix epoch."""
        monotonic = self._clock.monotonic()
        self._ahead = max(self._ahead, self._clock.wall() - monotonic)
        return monotonic + self._ahead
