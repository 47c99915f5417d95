"""Rules, their instances and the model in plain Python say the same, whatever happens and in whatever order.

A history is bytes: a rule, then slots with answers, failures, gaps, restarts, hands, edits and clocks that jump. After
each of them what was said, and what everything is shown as, must be equal.
"""

from collections.abc import Iterator
from functools import lru_cache
from typing import Any, Final

import pytest
from hypothesis import given, seed, settings
from hypothesis import strategies as st

from exporter.alert.evaluate import FAULT_RULE_ID, Context, Failure, Outcome, evaluate
from exporter.alert.machine import acknowledged, closed, fingerprint
from exporter.alert.rule import Group, Rule, Watched
from exporter.alert.schedule import Turn, begun, done, due
from exporter.alert.shapes import Change, Instance, Sample
from tests.alert_model import SECOND, Labels, Model, Said, Words

INTERVAL: Final = 60 * SECOND
START: Final = 1_000_000 * INTERVAL
NAMES: Final = ("a", "b", "c")
VALUES: Final = (0.0, 0.5, 1.0, 1.75, 2.0, 2.5, 3.0, 6.0, None, float("nan"))
RECORDS: Final = (None, 0, 3, 5, 100)
OPERATORS: Final = (">", "<", ">=", "<=", "==", "!=", "absent")
HOLDS: Final = (0, 0, 60, 90, 150)
AWAY_S: Final = (0, 20, 60, 130, 600, 3_700, 90_000, -50, -4_000)
HANDS: Final = ("ana", "ben")
LIMIT: Final = 2


class Bytes:
    """Choices, one after the other; the first ones when there are no more."""

    def __init__(self, raw: bytes) -> None:
        self.raw = iter(raw)
        self.left = len(raw)

    def pick(self, choices: Any) -> Any:
        self.left -= 1
        return choices[next(self.raw, 0) % len(choices)]


def words_of(choose: Bytes) -> Words:
    operator = choose.pick(OPERATORS)
    rising = {">": 1, ">=": 1, "<": -1, "<=": -1}.get(operator, 0)
    base = choose.pick((2.0, 1.0))
    rungs: tuple[tuple[str, float], ...] = ((choose.pick(("warning", "info")), base),)
    resolve = None
    if rising:
        rungs += ((), (("error", base + rising / 2), ("critical", base + 2 * rising)))[choose.pick((0, 1))]
        resolve = choose.pick((None, base - 0.5 * rising, base))
    return Words(
        kind=choose.pick(("avg", "ratio", "count", "sql")),
        grouped=choose.pick((True, True, False)),
        operator=operator,
        rungs=rungs,
        resolve=resolve,
        least=choose.pick((0, 0, 4, 20)),
        hold=choose.pick(HOLDS) * SECOND,
        keep=choose.pick(HOLDS) * SECOND,
        window=choose.pick((30, 150)) * SECOND,
        no_data=choose.pick(("no_data", "ok", "alerting", "keep")),
        limit=choose.pick((1_000, 1_000, LIMIT)),
    )


def rule_of(words: Words) -> Watched:
    return _rule_of(*(getattr(words, name) for name in Words.__dataclass_fields__))


@lru_cache(maxsize=20_000)
def _rule_of(*parts: Any) -> Watched:
    words = Words(*parts)
    written: dict[str, Any] = {
        "alert": "rule",
        "operator": words.operator,
        "severity": words.rungs[0][0],
        "window": f"{words.window // SECOND}s",
        "for": f"{words.hold // SECOND}s",
        "keep_firing_for": f"{words.keep // SECOND}s",
        "no_data": words.no_data,
        "min_samples": words.least,
        "limit": words.limit,
        "cooldown": "30m",
    }
    if words.kind == "sql":
        written["sql"] = "SELECT 1 AS value"
    else:
        written |= {"metric": "queue", "aggregation": {"avg": "avg", "ratio": "p95", "count": "count"}[words.kind]}
    if words.grouped and words.kind != "sql":
        written["by"] = ["service"]
    if words.operator != "absent":
        written["thresholds"] = dict(words.rungs)
        if words.resolve is not None:
            written["resolve_threshold"] = words.resolve
    rule = Rule.model_validate(written)
    return Watched("g/rule", rule, Group(name="g", rules=(rule,)), "here")


def labelled(words: Words) -> list[Labels]:
    return [(("service", name),) for name in NAMES] if words.grouped else [()]


def found_of(choose: Bytes, words: Words) -> dict[Labels, tuple[float | None, int | None]]:
    found = {}
    for labels in labelled(words):
        if choose.pick((True, True, True, False)):
            found[labels] = (choose.pick(VALUES), choose.pick(RECORDS))
    return found


class Both:
    """The real thing and the model, side by side."""

    def __init__(self, words: Words) -> None:
        self.words = words
        self.wall = START
        self.turn: Turn = begun("g", INTERVAL, START)
        self.started = START
        self.instances: tuple[Instance, ...] = ()
        self.said: list[Change] = []
        self.model = Model(words, INTERVAL, START)

    def slot(self, answer: Any, *, gap: bool = False) -> None:
        self.turn, at = due(self.turn, self.wall)
        if at is None:
            return
        found = None if isinstance(answer, Failure) else answer
        samples = [Sample(labels, *told) for labels, told in answer.items()] if found is not None else answer
        context = Context(self.started, INTERVAL, gap=gap)
        self.take(evaluate(rule_of(self.words), self.instances, samples, at, context))
        self.model.slot(at, found, gap=gap)
        self.turn = done(self.turn)

    def take(self, outcome: Outcome) -> None:
        self.instances, changes = outcome
        self.said += changes

    def restart(self, away_s: int) -> None:
        self.wall += away_s * SECOND
        self.started = self.wall
        self.turn = begun("g", INTERVAL, self.wall)
        self.model.restart(self.wall)

    def edit(self, words: Words) -> None:
        self.words = words
        self.model.edit(words)

    def by_hand(self, labels: Labels, by: str, *, resolve: bool) -> None:
        mark = fingerprint("default", "g/rule", labels)
        for place, each in enumerate(self.instances):
            if each.fingerprint == mark:
                now = self.wall
                after, told = closed(each, "by_hand", now, by=by) if resolve else acknowledged(each, by, now)
                self.take(((*self.instances[:place], after, *self.instances[place + 1 :]), told))
        if resolve:
            self.model.resolve(labels)
        else:
            self.model.acknowledge(labels, by)

    def assert_equal(self) -> None:
        assert sorted(map(_said, self.said), key=_whose) == sorted(self.model.said, key=_whose)
        assert self.shown() == self.shown_by_model()
        self.said, self.model.said = [], []

    def shown(self) -> dict[Labels, tuple[object, ...]]:
        return {
            each.labels: (each.state, each.severity, each.acknowledged_by)
            for each in self.instances
            if each.state != "inactive" and each.rule_id != FAULT_RULE_ID
        }

    def shown_by_model(self) -> dict[Labels, tuple[object, ...]]:
        names = ("info", "warning", "error", "critical")
        return {
            labels: (life.shown, names[life.badly], life.looked_after_by)
            for labels, life in self.model.lives.items()
            if life.shown != "inactive"
        }


def _said(change: Change) -> Said:
    labels = (("fault", ""),) if change.rule_id == FAULT_RULE_ID else change.labels
    return labels, change.transition, change.severity, change.reason


def _whose(said: Said) -> Labels:
    return said[0]


def happen(raw: bytes) -> Iterator[Both]:
    """A history, shown after each step."""
    choose = Bytes(raw)
    both = Both(words_of(choose))
    both.wall += choose.pick((0, 1_000)) * SECOND
    while choose.left > 0:
        both.wall += INTERVAL
        what = choose.pick(range(24))
        if what < 15:
            both.slot(found_of(choose, both.words))
        elif what < 17:
            both.slot(Failure("no such table"))
        elif what == 17:
            both.slot(found_of(choose, both.words), gap=True)
        elif what == 18:
            both.wall += choose.pick((1, 3, 30)) * INTERVAL
            both.slot(found_of(choose, both.words))
        elif what == 19:
            both.wall += choose.pick((-30, -59, -61, -600, 3_600)) * SECOND
        elif what == 20:
            both.restart(choose.pick(AWAY_S))
        elif what == 21:
            both.by_hand(choose.pick(labelled(both.words)), choose.pick(HANDS), resolve=False)
        elif what == 22:
            both.by_hand(choose.pick(labelled(both.words)), choose.pick(HANDS), resolve=True)
        else:
            both.edit(words_of(choose))
        yield both


def _agree(raw: bytes) -> None:
    for both in happen(raw):
        both.assert_equal()


@given(st.binary(min_size=60, max_size=240))
@settings(max_examples=600)
def test_what_is_said_is_what_the_model_says(raw: bytes) -> None:
    _agree(raw)


@pytest.mark.slow
@pytest.mark.parametrize("number", range(100))
def test_what_is_said_is_what_the_model_says_in_100000_histories(number: int) -> None:
    @seed(number)
    @given(st.binary(min_size=60, max_size=300))
    @settings(max_examples=1_000, derandomize=False, database=None)
    def histories(raw: bytes) -> None:
        _agree(raw)

    histories()
