"""A rule played through: every slot of a test in virtual time, one after the other.

In: a rule, the series and events of a test. Out: what each instance was at each slot, and the alerts at the moments
that the test asks for.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from exporter.alert import template, timeline
from exporter.alert.evaluate import FAULT_RULE_ID, Answer, Context, Failure, evaluate
from exporter.alert.machine import Changes, acknowledged, closed
from exporter.alert.rule import Rule, Watched
from exporter.alert.series import Point, Series, named
from exporter.alert.shapes import Instance, Labels, Sample, Severity, State
from exporter.alert.trial_file import Event, Trial
from exporter.errors import AxError
from exporter.units import NS_PER_S

BEGIN: Final = 1_767_225_600 * NS_PER_S
"""When every test begins: 2026-01-01, when the server has been running for ever."""
ENOUGH: Final = 1_000_000
"""Records behind a value that does not say of how many it is."""


@dataclass(frozen=True, slots=True)
class Shown:
    """An alert as it is at a moment."""

    state: State
    severity: Severity
    labels: Labels
    annotations: Labels


@dataclass(frozen=True, slots=True)
class Played:
    """What became of a rule: a line a group (`timeline`), and its alerts at the moments asked for.

    `idle` is the line of a group that is never anything.
    """

    watched: Watched
    interval_ns: int
    idle: str
    lines: Mapping[Labels, str]
    moments: Mapping[int, tuple[Shown, ...]]


@dataclass(slots=True)
class _Tape:
    """What is seen on the way."""

    idle: list[str] = field(default_factory=list)
    letters: dict[Labels, list[str]] = field(default_factory=dict)
    annotations: dict[str, Labels] = field(default_factory=dict)

    def add(self, instances: Sequence[Instance], changes: Changes) -> None:
        """A slot."""
        for change in changes:
            self.annotations[change.episode] = change.annotations
        for instance in instances:
            if instance.rule_id != FAULT_RULE_ID:
                line = self.letters.setdefault(instance.labels, [])
                line.extend(self.idle[len(line) :])
                line.append(timeline.letter(instance))
        self.idle.append(timeline.INACTIVE)

    def skip(self) -> None:
        """A slot at which the server was down."""
        for line in self.letters.values():
            line.extend(self.idle[len(line) :])
            line.append(timeline.DOWN)
        self.idle.append(timeline.DOWN)

    def lines(self) -> dict[Labels, str]:
        """A line a group, all of one length."""
        return {labels: "".join(line + self.idle[len(line) :]) for labels, line in self.letters.items()}

    def shown(self, rule: Rule, instances: Sequence[Instance]) -> tuple[Shown, ...]:
        """The alerts there are now."""
        extra = tuple(rule.labels.items())
        return tuple(
            Shown(
                each.state,
                each.severity or rule.severity,
                tuple(sorted(each.labels + extra)),
                self.annotations.get(each.episode or "", ()),
            )
            for each in instances
            if each.state != "inactive" and each.rule_id != FAULT_RULE_ID
        )


@dataclass(frozen=True, slots=True)
class _Given:
    """The values of a group, and of how many records each is."""

    values: Sequence[Point]
    records: Sequence[Point]

    def sample(self, labels: Labels, step: int) -> Sample | None:
        """The group in the answer at a step; None where it is not there."""
        point = self.values[step] if step < len(self.values) else None
        if point is None:
            return None
        told = self.records[step] if step < len(self.records) else None
        records = ENOUGH if told is None or told[0] is None else int(told[0])
        return Sample(labels, point[0], records)


def asks(rule: Rule) -> set[str]:
    """The names by which a series is for this rule: its own, and what it asks."""
    return {rule.alert, *(name for name in (rule.metric, rule.view) if name is not None)}


def play(watched: Watched, trial: Trial) -> Played:
    """A rule at every slot of a test. Raises `AxError` where a series cannot be an answer to the rule."""
    rule, interval_ns = watched.rule, watched.group.interval or trial.interval
    given = _given(rule, trial)
    moments = sorted({each.eval_time for each in trial.alert_rule_test if each.alertname == rule.alert})
    hands = sorted((each for each in trial.events if each.acknowledge or each.resolve), key=lambda each: each.at)
    tape = _Tape()
    instances: tuple[Instance, ...] = ()
    shown: dict[int, tuple[Shown, ...]] = {}
    for passed_ns in range(0, _length_ns(trial, given, interval_ns), interval_ns):
        while moments and moments[0] < passed_ns:
            shown[moments.pop(0)] = tape.shown(rule, instances)
        while hands and hands[0].at <= passed_ns:
            instances = _by_hand(instances, rule, hands.pop(0))
        if _during(trial, "restart", passed_ns):
            tape.skip()
            continue
        context = Context(
            _started_at(trial, passed_ns),
            interval_ns,
            gap=_during(trial, "gap", passed_ns),
            render=template.render,
        )
        answer = _answer(trial, given, passed_ns)
        instances, changes = evaluate(watched, instances, answer, BEGIN + passed_ns, context)
        tape.add(instances, changes)
    shown |= {moment: tape.shown(rule, instances) for moment in moments}
    return Played(watched, interval_ns, "".join(tape.idle), tape.lines(), shown)


def _length_ns(trial: Trial, given: Mapping[Labels, _Given], interval_ns: int) -> int:
    if trial.length is not None:
        return trial.length
    values = max((len(each.values) for each in given.values()), default=1) * trial.interval
    lines = max((len(timeline.read(line)) for line in trial.timelines.values()), default=0) * interval_ns
    return max(values, lines, *(each.eval_time + 1 for each in trial.alert_rule_test), 1)


def _given(rule: Rule, trial: Trial) -> dict[Labels, _Given]:
    own = [each for each in trial.input_series if named(each.series)[0] == rule.alert]
    given: dict[Labels, _Given] = {}
    for one in own or [each for each in trial.input_series if named(each.series)[0] in asks(rule)]:
        if rule.anomaly is not None:
            mend = "try it on what is stored: `ax rules backtest`"
            raise AxError(f"{rule.alert} compares with weeks that a test does not have", mend=mend)
        labels = named(one.series)[1]
        if rule.sql is None:
            told = dict(labels)
            labels = tuple(sorted((name, told.get(name, "")) for name in rule.by))
        if labels in given:
            grouped = f"by {', '.join(rule.by)}" if rule.by else "nothing"
            raise AxError(f"{one.series} is a second series of one group", mend=f"{rule.alert} groups {grouped}")
        records = Series(one.records).points("count") if one.records is not None else ()
        given[labels] = _Given(Series(one.values).points(rule.unit), records)
    return given


def _answer(trial: Trial, given: Mapping[Labels, _Given], passed_ns: int) -> Answer | Failure:
    if _during(trial, "fail", passed_ns):
        return Failure("the test says that it fails")
    step = passed_ns // trial.interval
    return [found for labels, each in given.items() if (found := each.sample(labels, step)) is not None]


def _during(trial: Trial, what: str, passed_ns: int) -> bool:
    if not trial.events:
        return False
    lasting = ((each.at, getattr(each, what)) for each in trial.events)
    return any(at <= passed_ns < at + for_ns for at, for_ns in lasting if for_ns is not None)


def _started_at(trial: Trial, passed_ns: int) -> int:
    ends = (each.at + each.restart for each in trial.events if each.restart is not None)
    return max((BEGIN + end for end in ends if end <= passed_ns), default=0)


def _by_hand(instances: tuple[Instance, ...], rule: Rule, event: Event) -> tuple[Instance, ...]:
    name, labels = named(event.acknowledge or event.resolve or "")
    if name != rule.alert:
        return instances
    now = BEGIN + event.at
    after = []
    for each in instances:
        is_meant = each.labels == labels and each.rule_id != FAULT_RULE_ID
        if is_meant and event.acknowledge is not None:
            after.append(acknowledged(each, event.by, now)[0])
        elif is_meant:
            after.append(closed(each, "by_hand", now, by=event.by)[0])
        else:
            after.append(each)
    return tuple(after)
