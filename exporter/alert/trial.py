"""`ax rules test FILE`: what rules would say of series that are written down, in a time that passes as fast as it can.

In: a file with rules and tests. Out: a report; where something differs, timelines one below the other.

    groups:                                          # or `rules: FILE` in a test, beside this file
      - {name: latency, rules: [{alert: SlowCalls, metric: p95_latency, by: [model], threshold: 2s, for: 2m}]}
    tests:
      - name: a model that is slow for two minutes
        interval: 1m                                 # between values, and between evaluations of groups that do not say
        input_series:
          - {series: 'p95_latency{model="gpt-5"}', values: '1s 3sx4 1s'}
        timelines:
          'SlowCalls{model="gpt-5"}': .PPFFF.
        alert_rule_test:
          - {eval_time: 3m, alertname: SlowCalls, exp_alerts: [{exp_labels: {model: gpt-5}}]}

A value is what the rule's question gets at that time: of its window, already added up. A series is named for the rule,
or for what the rule asks. `events` are what else happens: `restart`, `fail` and `gap` last for a time, `acknowledge`
and `resolve` name an instance as `timelines` do.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict

from exporter.alert import timeline
from exporter.alert.played import Played, Shown, asks, play
from exporter.alert.rule import Group, Watched
from exporter.alert.series import Labels, named, written
from exporter.alert.trial_file import Expected, Moment, Trial
from exporter.errors import AxError
from exporter.rules import BadRules, Document
from exporter.rules.read import read_file
from exporter.units import format_duration


class _Other(BaseModel):
    """A section of a rule file that a test has nothing to do with."""

    model_config = ConfigDict(extra="allow")


_SECTIONS: Final[Mapping[str, type[BaseModel]]] = {"groups": Group, "tests": Trial}
_RULES: Final[Mapping[str, type[BaseModel]]] = {
    "groups": Group,
    "budgets": _Other,
    "channels": _Other,
    "routes": _Other,
}


@dataclass(frozen=True, slots=True)
class Tried:
    """A test: what it is called, and what was not as expected, each in a few lines."""

    name: str
    failures: tuple[str, ...] = ()
    evaluations: int = 0

    @property
    def passed(self) -> bool:
        """Whether everything was as expected."""
        return not self.failures


@dataclass(frozen=True, slots=True)
class Report:
    """All tests of a file, in their order."""

    source: str
    tried: tuple[Tried, ...]

    @property
    def passed(self) -> bool:
        """Whether all of them passed; a file without tests passes nothing."""
        return bool(self.tried) and all(each.passed for each in self.tried)

    def __str__(self) -> str:
        """For people: a line a test, and what differs below it."""
        lines = [f"{self.source}: no tests; write `tests:`"] if not self.tried else []
        for each in self.tried:
            lines.append(f"{'ok  ' if each.passed else 'FAIL'} {each.name}")
            lines += [f"     {line}" for failure in each.failures for line in failure.splitlines()]
        return "\n".join(lines)


def run(path: Path) -> Report:
    """The tests of a file. Raises `BadRules` where the file, or one that it names, cannot be used."""
    document = read_file(path, _SECTIONS)
    own = _groups(document)
    tried = []
    for number, trial in enumerate(document.entries.get("tests", ())):
        if isinstance(trial, Trial):
            groups = own if trial.rules is None else (*own, *_groups(read_file(path.parent / trial.rules, _RULES)))
            try:
                tried.append(attempt(trial, groups))
            except AxError as error:
                raise BadRules([document.problem(("tests", number), error.message, error.mend)]) from None
    return Report(str(path), tuple(tried))


def attempt(trial: Trial, groups: Sequence[Group]) -> Tried:
    """One test. Raises `AxError` where a series or an expectation is of no rule."""
    rules = [Watched(f"{group.name}/{rule.alert}", rule, group, "test") for group in groups for rule in group.rules]
    _check(trial, rules)
    played = [play(each, trial) for each in rules]
    failures = [failure for each in played for failure in (*_timelines(trial, each), *_moments(trial, each))]
    return Tried(trial.name, tuple(failures), sum(len(each.idle) for each in played))


def _groups(document: Document) -> tuple[Group, ...]:
    return tuple(each for each in document.entries.get("groups", ()) if isinstance(each, Group))


def _check(trial: Trial, rules: Sequence[Watched]) -> None:
    names = [each.rule.alert for each in rules]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise AxError(f"there are two rules {twice[0]}", mend="rename one of them")
    for one in trial.input_series:
        if not any(named(one.series)[0] in asks(each.rule) for each in rules):
            raise AxError(f"no rule asks for {one.series}", mend="name it for a rule, or for what one asks")
    told = [*trial.timelines, *(each.alertname for each in trial.alert_rule_test)]
    for event in trial.events:
        told += [one for one in (event.acknowledge, event.resolve) if one is not None]
    for name in (named(one)[0] for one in told):
        if name not in names:
            raise AxError(f"there is no rule {name}", mend=f"rules are {', '.join(names)}" if names else "write some")


def _timelines(trial: Trial, played: Played) -> Iterator[str]:
    """What differs from the timelines; an instance of the same rule that none of them is of has to be inactive."""
    name = played.watched.rule.alert
    expected = {named(text)[1]: timeline.read(line) for text, line in trial.timelines.items() if named(text)[0] == name}
    if not expected:
        return
    for labels in sorted({*expected, *played.lines}):
        got = played.lines.get(labels, played.idle)
        wanted = expected.get(labels, "")
        wanted += played.idle[len(wanted) :]
        if lines := timeline.differences(wanted, got, played.interval_ns):
            yield "\n".join([written(name, labels), *(f"  {line}" for line in lines)])


def _moments(trial: Trial, played: Played) -> Iterator[str]:
    for moment in trial.alert_rule_test:
        if moment.alertname == played.watched.rule.alert:
            shown = played.moments.get(moment.eval_time, ())
            told = [each for each in shown if each.state in _states(moment)]
            missing = [one for one in moment.exp_alerts if not any(_is(one, each) for each in told)]
            extra = [each for each in told if not any(_is(one, each) for one in moment.exp_alerts)]
            if missing or extra:
                yield "\n".join(_told(moment, played, missing, extra))


def _states(moment: Moment) -> set[str]:
    return {"firing", "no_data", *(one.state for one in moment.exp_alerts)}


def _is(expected: Expected, shown: Shown) -> bool:
    """Whether it is this alert; labels are all of them; annotations and severity where they are written."""
    return (
        expected.state == shown.state
        and tuple(sorted(expected.exp_labels.items())) == shown.labels
        and expected.severity in {None, shown.severity}
        and (expected.exp_annotations is None or tuple(sorted(expected.exp_annotations.items())) == shown.annotations)
    )


def _told(moment: Moment, played: Played, missing: Sequence[Expected], extra: Sequence[Shown]) -> Iterator[str]:
    yield f"{moment.alertname} at {format_duration(moment.eval_time)}"
    for one in missing:
        labels = tuple(sorted(one.exp_labels.items()))
        yield f"  expected {_alert(one.state, one.severity, labels, one.exp_annotations)}"
    for each in extra:
        yield f"  got      {_alert(each.state, each.severity, each.labels, dict(each.annotations))}"
    place = min(moment.eval_time // played.interval_ns, len(played.idle) - 1)
    for group, line in sorted(played.lines.items()):
        begin = max(0, place - 60)
        cut = "…" if begin else ""
        yield f"  {cut}{line[begin : place + 20]}  {written(moment.alertname, group)}"
        yield f"  {' ' * (len(cut) + place - begin)}^"


def _alert(state: str, severity: str | None, labels: Labels, annotations: Mapping[str, str] | None) -> str:
    told = [state, *([severity] if severity else []), written("", labels)]
    told += [f"{name}: {text!r}" for name, text in sorted((annotations or {}).items())]
    return " ".join(each for each in told if each)
