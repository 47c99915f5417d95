"""What a rule would have done with what is stored: the real machine over its questions of the past.

In: a rule, the views, a range. Out: the alerts that would have fired, and the values that it would have seen. Windows
that lie end to end are one question, so a week of them is a few questions; where windows do not fit into each other,
or the question is SQL, each slot is asked by itself, and only as many as is bearable.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from exporter import sandbox
from exporter.alert import ask, schedule, template
from exporter.alert.answered import Answered, Figure, read
from exporter.alert.ask import Question, RunSql
from exporter.alert.evaluate import Context, Failure, evaluate
from exporter.alert.rule import Watched
from exporter.alert.shapes import Change, Instance, Labels, Severity
from exporter.errors import AxError
from exporter.query.period import HOUR, MINUTE, Period
from exporter.query.views import Views
from exporter.units import format_duration

MOST_SLOTS: Final = 50_000
MOST_QUESTIONS: Final = 1_000
MOST_SQL: Final = 200
"""A statement in the sandbox takes a process of its own."""
_MOST_SERIES: Final = 7

Say = Callable[[str], object]


@dataclass(frozen=True, slots=True)
class Fired:
    """An alert that would have been; `resolved_at` None: it would still fire at the end."""

    labels: Labels
    severity: Severity
    fired_at: int
    resolved_at: int | None
    value: float | None
    threshold: float | None
    summary: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Backtest:
    """How a rule did: `every_ns` is between slots that were looked at, `series` are values of the groups that fired."""

    rule_id: str
    period: Period
    every_ns: int
    slots: int
    fired: tuple[Fired, ...]
    pending: int
    failures: int
    failure: str
    series: tuple[tuple[Labels, tuple[tuple[int, float | None], ...]], ...]

    @property
    def firing_ns(self) -> int:
        """For how long any instance would have fired, added up."""
        return sum((one.resolved_at or self.period.end_ns) - one.fired_at for one in self.fired)


def backtest(
    views: Views,
    watched: Watched,
    period: Period,
    *,
    interval_ns: int,
    delay_ns: int,
    run_sql: RunSql = sandbox.run,
    say: Say = lambda _line: None,
) -> Backtest:
    """The rule at each slot of `period`, with nothing known before. Raises `AxError`."""
    slots, every_ns = _slots(watched, period, interval_ns)
    # The clock of the past stands still between slots, so a server that began long before has no grace to give.
    context = Context(started_at=period.start_ns - 24 * HOUR, interval_ns=every_ns, render=template.render)
    instances: tuple[Instance, ...] = ()
    changes: list[Change] = []
    seen: dict[Labels, list[tuple[int, float | None]]] = {}
    failures: list[str] = []
    for at, answer in _answers(views, watched, slots, delay_ns, run_sql, say):
        if isinstance(answer, Failure):
            failures.append(answer.message)
        else:
            for sample in answer:
                seen.setdefault(sample.labels, []).append((at, sample.value))
        instances, made = evaluate(watched, instances, answer, at, context)
        changes += (change for change in made if change.rule_id == watched.id)
    fired = _fired(changes)
    return Backtest(
        rule_id=watched.id,
        period=period,
        every_ns=every_ns,
        slots=len(slots),
        fired=fired,
        pending=sum(change.transition == "pending" for change in changes),
        failures=len(failures),
        failure=failures[0] if failures else "",
        series=_shown(seen, fired, watched),
    )


def _slots(watched: Watched, period: Period, interval_ns: int) -> tuple[range, int]:
    """The slots to look at, fewer than there are where each is a question."""
    first = schedule.slot(watched.group.name, interval_ns, period.start_ns) + interval_ns
    count = max(0, (period.end_ns - first) // interval_ns + 1)
    if count > MOST_SLOTS:
        longest = format_duration(MOST_SLOTS * interval_ns)
        raise AxError(f"{count} slots are more than a backtest looks at", mend=f"give a range of at most {longest}")
    most = MOST_SLOTS
    if watched.rule.sql is not None:
        most = MOST_SQL
    elif watched.rule.anomaly is not None:
        most = max(1, (period.end_ns - period.start_ns) // HOUR)  # between, it is the same hour that is judged
    elif tiles(ask.question(watched.rule), interval_ns) is None:
        most = MOST_QUESTIONS
    every = -(-count // most) or 1
    return range(first, period.end_ns + 1, interval_ns * every), interval_ns * every


def tiles(wanted: Question, interval_ns: int) -> int | None:
    """How many slots a window spans, so that every so many windows lie end to end; None where they do not fit."""
    if wanted.source == "usual":
        return None
    window_ns = wanted.window_ns
    if wanted.source in {"outcomes", "points"}:
        if interval_ns % MINUTE:
            return None
        window_ns += MINUTE  # the whole minutes that it touches
    return window_ns // interval_ns if window_ns % interval_ns == 0 else None


def _answers(
    views: Views, watched: Watched, slots: range, delay_ns: int, run_sql: RunSql, say: Say
) -> Iterator[tuple[int, Answered]]:
    wanted = ask.question(watched.rule) if watched.rule.sql is None else None
    apart = tiles(wanted, slots.step) if wanted is not None else None
    if wanted is None or apart is None:
        for number, at in enumerate(slots):
            if number % 100 == 0 and number:
                say(f"{number} of {len(slots)} slots")
            yield at, ask.samples(views, [watched], at, delay_ns, run_sql=run_sql)[watched.id]
        return
    found: dict[int, list[Any]] = {}
    for phase in range(min(apart, len(slots))):
        say(f"question {phase + 1} of {min(apart, len(slots))}")
        for at, row in _tiled(views, wanted, slots[phase::apart], delay_ns, apart * slots.step):
            found.setdefault(at, []).append(row)
    for at in slots:
        yield at, read(watched.rule, tuple(found.pop(at, ())))


def _tiled(views: Views, wanted: Question, slots: range, delay_ns: int, step_ns: int) -> Iterator[tuple[int, Figure]]:
    """Each row of the windows of these slots, which lie end to end, with its slot."""
    window = Period(slots[0] - delay_ns - wanted.window_ns, slots[0] - delay_ns)
    begin = window.widened(MINUTE) if wanted.source in {"outcomes", "points"} else window
    over = Period(begin.start_ns, begin.start_ns + len(slots) * step_ns)
    for row in ask.stored(views, wanted, window, over, step_ns):
        place = round((row.bucket_ns - begin.start_ns) / step_ns)  # buckets begin at whole microseconds, slots need not
        if 0 <= place < len(slots):
            yield slots[place], row


def _fired(changes: Sequence[Change]) -> tuple[Fired, ...]:
    fired: dict[str, Fired] = {}
    for change in changes:
        known = fired.get(change.episode)
        if change.transition == "firing" and known is None:
            fired[change.episode] = Fired(
                labels=change.labels,
                severity=change.severity,
                fired_at=change.at,
                resolved_at=None,
                value=change.value,
                threshold=change.threshold,
                summary=dict(change.annotations).get("summary", ""),
            )
        elif change.transition == "escalated" and known is not None:
            fired[change.episode] = replace(known, severity=change.severity, threshold=change.threshold)
        elif change.transition == "resolved" and known is not None:
            fired[change.episode] = replace(known, resolved_at=change.at, reason=change.reason)
    return tuple(sorted(fired.values(), key=lambda one: (one.fired_at, one.labels)))


def _shown(
    seen: dict[Labels, list[tuple[int, float | None]]], fired: Sequence[Fired], watched: Watched
) -> tuple[tuple[Labels, tuple[tuple[int, float | None], ...]], ...]:
    """The values of the groups that fired, then of those with the most values."""
    own = set(watched.rule.labels)
    first = [tuple(pair for pair in one.labels if pair[0] not in own) for one in fired]
    order = dict.fromkeys([*first, *sorted(seen, key=lambda labels: -len(seen[labels]))])
    return tuple((labels, tuple(seen[labels])) for labels in order if labels in seen)[:_MOST_SERIES]
