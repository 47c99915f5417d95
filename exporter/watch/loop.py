"""The loop: what happens when, in threads of the serving process. What it does is elsewhere.

In: settings, a clock, the control database. Out: evaluated rules, checked budgets, sent notices, published tables.
Threads start in the order in which they need each other and end together, within a second; none of them answers
requests, so whatever one waits for, the UI port answers.
"""

import logging
import sqlite3
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import replace
from pathlib import Path
from threading import Event, Lock
from time import monotonic
from typing import Final

from exporter import figures
from exporter.alert import ask, hands, kept, saved
from exporter.alert.rule import Watched
from exporter.alert.schedule import Turn, begun, done, due, wait_ns
from exporter.alert.shapes import Change
from exporter.budget import kept as kept_budgets
from exporter.clock import Clock
from exporter.config import Config
from exporter.control import Control
from exporter.control.files import Publisher
from exporter.notify import settle, silences
from exporter.notify.delivery import Delivery
from exporter.notify.reach import Reach
from exporter.notify.silences import Silence
from exporter.query.ask import NoData
from exporter.query.period import HOUR, MINUTE, Period
from exporter.query.views import reading
from exporter.store import duck
from exporter.units import NS_PER_S
from exporter.watch import gaps
from exporter.watch.declared import Declared, load, stamp
from exporter.watch.money import Ledger
from exporter.watch.round import Asking, Round, commit, introduce, tell
from exporter.watch.threads import Repeated

CONCURRENCY: Final = 4
"""Groups that are evaluated at once."""
_TICK_S: Final = 0.25
_LOOK_NS: Final = NS_PER_S
_PUBLISH_S: Final = 0.2
_FILES_S: Final = 5.0
_BUDGETS_LEAST_NS: Final = 5 * NS_PER_S  # told within 10 s of a commit; a check costs 0.1 s of CPU
_BUDGETS_MOST_NS: Final = MINUTE
_STOP_S: Final = 0.9
_log: Final = logging.getLogger(__name__)


class Watch:
    """The running loop of one server; any thread may ask it. Use it between `start` and `stop`."""

    def __init__(self, config: Config, clock: Clock, control: Control, reach: Reach) -> None:
        """Nothing runs yet; `reach` is what notices are sent with."""
        self.control = control
        self.clock = clock
        self.declared = Declared()
        self.missed = 0
        self._config = config
        self._started_at = clock.wall()
        self._declaring = Lock()
        self._has_declared = Event()
        self._stamp: object = None
        self._looked_at = 0
        self._seen = gaps.Seen()
        self._turning = Lock()
        self._turns: dict[str, Turn] = {}
        self._rounds: dict[str, Future[None]] = {}
        self._noticed: set[str] = set()
        self._said: set[str] = set()
        self._asking = Asking(config.alert.timeout)
        self._pool = ThreadPoolExecutor(CONCURRENCY, thread_name_prefix="rules")
        self._ended = Event()
        self._publisher = Publisher(control, config.data)
        self._version: int | None = None
        self._checked_files = 0.0
        self._ledger = Ledger(control, config.data, config.store)
        self._money: tuple[object, int, object] = (None, 0, None)
        self._delivery = Delivery(control, reach, self._tell, self._silenced)
        self._publishing = Repeated("publish control", self._publish)
        self._ruling = Repeated("rules", self._rule)
        self._spending = Repeated("budgets", self._spend)
        self._upkeep = Repeated("upkeep", self._keep_up)
        self._threads = [self._publishing, self._ruling, self._spending, self._upkeep]
        control.on_commit = self._publishing.wake

    def start(self) -> None:
        """Begins; what is declared is read first, in the thread of the rules, and tried again where it cannot be."""
        for one in [self._publishing, self._ruling, self._spending, self._upkeep]:
            one.start()

    def every(self, name: str, interval_s: float, work: Callable[[], object]) -> None:
        """Calls `work` in a thread of its own, now and each `interval_s`, until `stop`."""

        def again() -> float:
            work()
            return interval_s

        one = Repeated(name, again)
        self._threads.append(one)
        one.start()

    def stop(self) -> None:
        """Ends all of it within a second; what was being sent or asked is cut off, and done again at the next start."""
        self._ended.set()
        deadline = monotonic() + _STOP_S
        for one in self._threads:
            one.end()
        self._asking.interrupt()
        self._pool.shutdown(wait=False, cancel_futures=True)
        self._delivery.stop(_STOP_S / 2)
        has_ended = [one.join(deadline) for one in self._threads]
        left = [one for one in self._rounds.values() if not one.cancelled()]
        if all(has_ended) and not wait(left, max(0.0, deadline - monotonic())).not_done:
            self.control.close()

    def has_declared(self, wait_s: float) -> bool:
        """Whether what is declared has been read once, or is within `wait_s`."""
        return self._has_declared.wait(wait_s)

    def wake(self) -> None:
        """Something was changed by hand: look at it now."""
        self._looked_at = 0
        for one in (self._publishing, self._ruling, self._spending):
            one.wake()
        self._delivery.wake()

    def reload(self) -> Declared:
        """Reads what is declared, and lets it hold from now on; gives it, with what could not be used."""
        with self._declaring:
            self._stamp = self._what_holds()
            with self.control.reading() as connection:
                made, toggled = kept.kept(connection), kept.toggled(connection)
                budgets = kept_budgets.kept(connection)
            declared = load(
                self._config.data, self._config.alert, self.declared, kept=made, toggled=toggled, budgets=budgets
            )
            self._tell_problems(declared)
            self._declare(declared)
        self.wake()
        return declared

    def failing(self) -> dict[str, str]:
        """Threads that fail at this moment, by name, and why."""
        return {one.name: one.failing for one in self._threads if one.failing}

    # ── Rules ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def _rule(self) -> float:
        now = self.clock.wall()
        if abs(now - self._looked_at) >= _LOOK_NS:
            self._looked_at = now
            parts = [figures.read(figures.path_of(self._config.data, name)) for name in ("receive", "write")]
            self._seen = gaps.observe(self._seen, parts[0], parts[1], now)
            if self._what_holds() != self._stamp:
                self.reload()
        waits = [_TICK_S]
        with self._turning:
            for name, turn in self._turns.items():
                self._turns[name], slot = due(turn, now)
                if slot is not None and not self._ended.is_set():
                    self._rounds[name] = self._pool.submit(self._round, name, slot)
                if (left_ns := wait_ns(self._turns[name], now)) is not None:
                    waits.append(left_ns / NS_PER_S)
        return min(waits)

    def _round(self, name: str, slot: int) -> None:
        """A group at a slot, in a thread of the pool."""
        try:
            declared = self.declared
            rules = declared.groups().get(name)
            if rules and self._is_on(rules[0].group.once_seen):
                self._evaluate(self._round_of(name, rules, slot), declared)
            self._said.discard(name)
        except NoData:
            pass  # the writer has not published yet
        except Exception:  # noqa: BLE001 (the disk is full, or a fault of ours; the next slot may be better)
            if not self._ended.is_set() and name not in self._said:
                self._said.add(name)
                _log.exception("rules of %s are not evaluated at present", name)
        finally:
            with self._turning:
                if name in self._turns:
                    self._turns[name] = done(self._turns[name])

    def _round_of(self, name: str, rules: Sequence[Watched], slot: int) -> Round:
        settings, group = self._config.alert, rules[0].group
        delay_ns = group.delay_ns(settings.delay)
        quiet = frozenset(
            one.id
            for one in rules
            if gaps.touches(self._seen, Period(slot - delay_ns - (one.rule.asked.window_ns or one.rule.window), slot))
        )
        with self._turning:
            missed = self._turns[name].missed
        return Round(
            rules=tuple(rules),
            at=slot,
            delay_ns=delay_ns,
            interval_ns=group.interval_ns(settings.interval),
            started_at=self._started_at,
            missed=missed,
            gaps=quiet,
        )

    def _evaluate(self, round_: Round, declared: Declared) -> None:
        began = self.clock.monotonic()
        answers = self._asking.answers(self._config.data, round_)
        if self._ended.is_set():
            return  # questions were cut off, which says nothing of the rules
        took_ns = self.clock.monotonic() - began
        if commit(self.control, round_, answers, declared, self.clock.wall(), took_ns):
            self._delivery.wake()

    def _is_on(self, view: str | None) -> bool:
        """Whether a group that waits for rows of a view has them; once it has, it is on until the next start."""
        if view is None or view in self._noticed:
            return True
        if has_rows(self._config.data, view, self.clock.wall()):
            self._noticed.add(view)
        return view in self._noticed

    # ── What is declared ──────────────────────────────────────────────────────────────────────────────────────────

    def _what_holds(self) -> object:
        """Changes when files or what was made over the API do."""
        with self.control.reading() as connection:
            return stamp(self._config.data), kept.mark(connection), kept_budgets.mark(connection)

    def _declare(self, declared: Declared) -> None:
        settings, now = self._config.alert, self.clock.wall()
        groups = declared.groups()
        intervals = {name: rules[0].group.interval_ns(settings.interval) for name, rules in groups.items()}
        with self.control.writing() as connection:
            saved.declare(connection, [(one, intervals[one.group.name]) for one in declared.rules])
            gone = saved.left_behind(connection, [one.id for one in declared.rules])
            tell(connection, hands.remove(connection, gone, "rule_removed", now), declared, now)
            if (declared.channels, declared.routes) != (self.declared.channels, self.declared.routes):
                introduce(connection, declared, now)
        with self._turning:
            before = self._turns
            self._turns = {
                name: before[name]
                if name in before and before[name].interval_ns == interval_ns
                else replace(begun(name, interval_ns, now), running=name in before and before[name].running)
                for name, interval_ns in intervals.items()
            }
        self.declared = declared
        self._delivery.declare(declared.channels)
        self._has_declared.set()

    def _tell_problems(self, declared: Declared) -> None:
        known = {str(one) for one in self.declared.problems}
        for problem in declared.problems:
            if str(problem) not in known:
                _log.error("%s", problem)

    # ── Notices, budgets, tables, upkeep ──────────────────────────────────────────────────────────────────────────

    def _tell(self, connection: sqlite3.Connection, changes: Sequence[Change]) -> None:
        """Changes of our own, as that a channel fails: alerts as others are."""
        saved.record(connection, changes)
        tell(connection, changes, self.declared, self.clock.wall())

    def _silenced(self, connection: sqlite3.Connection, now: int) -> list[Silence]:
        return [*silences.active(connection, now), *silences.switched_off(self.declared.switched_off())]

    def _spend(self) -> float:
        now, last = self.clock.wall(), self._money
        if self._stamp is None:
            return _TICK_S  # budgets are not known yet
        try:
            version = (self._config.data / duck.FILE).stat().st_mtime_ns
        except OSError:
            return 1.0
        since = abs(now - last[1])
        declared = self.declared
        is_new = version != last[0] and since >= _BUDGETS_LEAST_NS
        if is_new or since >= _BUDGETS_MOST_NS or declared.budgets != last[2]:
            self._money = (version, now, declared.budgets)
            if self._ledger.check(declared, now):
                self._delivery.wake()
        return _BUDGETS_LEAST_NS / NS_PER_S

    def _publish(self) -> float:
        version = self.control.version()
        if version != self._version or self._publisher.is_behind or not self._is_whole():
            self._publisher.publish()
            self._version = version
            self._delivery.wake()  # another process may have put something into the outbox
        return _PUBLISH_S

    def _is_whole(self) -> bool:
        """Whether the tables' files are as we wrote them; looked at rarely, since it was most of what idling cost."""
        now = monotonic()
        if now < self._checked_files + _FILES_S:
            return True
        self._checked_files = now
        return self._publisher.is_whole()

    def _keep_up(self) -> float:
        now = self.clock.wall()
        before = now - self._config.alert.retention
        with self.control.writing() as connection:
            saved.forget(connection, now, self._config.alert.retention)
            settle.prune(connection, before)
            silences.prune(connection, before)
        return HOUR / NS_PER_S


def has_rows(data: Path, view: str, now: int) -> bool:
    """Whether a view has anything of the last day. Raises `AxError`."""
    with reading(data) as views:
        return ask.seen(views, view, now)
