"""One group of rules at one slot: ask, evaluate, and save all that follows in one transaction.

In: rules, a slot, the data directory. Out: instances, alerts and what is to be told of them, committed.
A rule that fails harms no other: its question, its evaluation and its rows are its own.
"""

import logging
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Lock, Timer
from typing import Final

from exporter.alert import ask, hands, saved, template
from exporter.alert.evaluate import Context, Failure, evaluate, unusable
from exporter.alert.rule import Watched
from exporter.alert.shapes import Change, Sample
from exporter.control import Control
from exporter.errors import AxError
from exporter.notify import outbox
from exporter.query.views import Views, reading
from exporter.units import NS_PER_S, format_duration
from exporter.watch.declared import Declared

Answer = Sequence[Sample] | Failure
_log: Final = logging.getLogger(__name__)
_LONGEST: Final = 500


@dataclass(frozen=True, slots=True)
class Round:
    """A group's rules at a slot; `missed` slots were passed over since it began.

    `gaps` are the rules within whose window our own receiver was not all ears.
    """

    rules: tuple[Watched, ...]
    at: int
    delay_ns: int
    interval_ns: int
    started_at: int
    missed: int = 0
    gaps: frozenset[str] = frozenset()


class Asking:
    """The questions that are asked at this moment, so that all of them can be ended at once."""

    def __init__(self, timeout_ns: int) -> None:
        self._timeout_ns = timeout_ns
        self._lock = Lock()
        self._open: set[Views] = set()

    def answers(self, data: Path, round_: Round) -> dict[str, Answer]:
        """What each rule's question gets; rules with equal questions share one. Raises `NoData`."""
        by_question: dict[object, list[Watched]] = {}
        found: dict[str, Answer] = {}
        for watched in round_.rules:
            try:
                by_question.setdefault(ask.question(watched.rule), []).append(watched)
            except AxError as error:
                found[watched.id] = Failure(str(error))
        with self._reading(data) as views:
            for rules in by_question.values():
                found |= self._answer(views, round_, rules)
        return found

    def interrupt(self) -> None:
        """Ends what is asked now, without an answer."""
        with self._lock:
            for views in self._open:
                views.interrupt()

    def _answer(self, views: Views, round_: Round, rules: Sequence[Watched]) -> dict[str, Answer]:
        late = Event()
        try:
            with _after(self._timeout_ns, views, late):
                answered = ask.samples(views, rules, round_.at, round_.delay_ns)
        except Exception as error:  # noqa: BLE001 (a fault of ours in one question)
            _log.exception("asking for %s", rules[0].id)
            return {watched.id: Failure(_said(error)) for watched in rules}
        if late.is_set():
            took = f"no answer within {format_duration(self._timeout_ns)}; ask for less, or raise alert.timeout"
            return {watched.id: Failure(took) for watched in rules}
        return dict(answered)

    @contextmanager
    def _reading(self, data: Path) -> Iterator[Views]:
        with reading(data) as views:
            with self._lock:
                self._open.add(views)
            try:
                yield views
            finally:
                with self._lock:
                    self._open.discard(views)


def commit(
    control: Control, round_: Round, answers: Mapping[str, Answer], declared: Declared, now: int, took_ns: int
) -> tuple[Change, ...]:
    """Evaluates the rules and saves what follows, with what is to be told, in one transaction; gives what changed."""
    told: list[Change] = []
    each_ns = took_ns // max(len(round_.rules), 1)
    with control.writing() as connection:
        for watched in round_.rules:
            answer = answers.get(watched.id, Failure("it was not asked"))
            try:
                answer = unusable(watched.rule, answer) or answer
                with _own(connection):
                    changes = _evaluate(connection, watched, answer, round_)
            except sqlite3.OperationalError:
                raise  # the disk, not the rule
            except Exception as fault:  # noqa: BLE001 (a fault of ours)
                _log.exception("evaluating %s", watched.id)
                answer = Failure(_said(fault))
                with _own(connection):
                    changes = _evaluate(connection, watched, answer, round_)
            error = answer.message[:_LONGEST] if isinstance(answer, Failure) else ""
            saved.evaluated(connection, watched.id, error, round_.at, each_ns, round_.missed)
            told += changes
        tell(connection, told, declared, now)
    return tuple(told)


def tell(connection: sqlite3.Connection, changes: Iterable[Change], declared: Declared, now: int) -> None:
    """Puts into the outbox what channels are to be told of changes that are saved."""
    outbox.enqueue(connection, changes, declared.routes, declared.channels, now, declared.cooldowns())


def introduce(connection: sqlite3.Connection, declared: Declared, now: int) -> None:
    """Puts into the outbox what channels that were added are to be told of alerts that fire already."""
    outbox.introduce(
        connection, hands.firing(connection), declared.routes, declared.channels, now, declared.cooldowns()
    )


def _evaluate(connection: sqlite3.Connection, watched: Watched, answer: Answer, round_: Round) -> tuple[Change, ...]:
    before = saved.instances(connection, watched.id)
    context = Context(
        started_at=round_.started_at,
        interval_ns=round_.interval_ns,
        gap=watched.id in round_.gaps,
        render=template.render,
    )
    after, changes = evaluate(watched, before, answer, round_.at, context)
    saved.save(connection, before, after, changes)
    return changes


@contextmanager
def _own(connection: sqlite3.Connection) -> Iterator[None]:
    """What one rule writes: all of it or, when it raises, nothing; the transaction goes on."""
    connection.execute("SAVEPOINT rule")
    try:
        yield
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK TO rule")
            connection.execute("RELEASE rule")
        raise
    connection.execute("RELEASE rule")


@contextmanager
def _after(timeout_ns: int, views: Views, late: Event) -> Iterator[None]:
    """Ends the question that takes longer; `late` is then set."""

    def end() -> None:
        late.set()
        views.interrupt()

    timer = Timer(timeout_ns / NS_PER_S, end)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _said(error: Exception) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())}"[:_LONGEST]
