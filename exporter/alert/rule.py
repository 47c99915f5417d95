"""What a rule is: what it asks, when that counts as true, and what it then tells.

In: entries of `rules/*.yaml`, or JSON of the API. Out: frozen models; times are nanoseconds, thresholds are numbers of
the metric's unit, from the mildest severity to the worst.
"""

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Annotated, Final, Literal

from pydantic import BeforeValidator, Field

from exporter.alert.anomalous import WINDOW_NS, Wished
from exporter.alert.measured import Asked, NotAsked, checked, of_metric, of_view, usual
from exporter.alert.quantity import Unit, in_unit, parse_quantity
from exporter.alert.shapes import SEVERITIES, Severity
from exporter.errors import AxError, BadConfig
from exporter.rules import Declared, Texts
from exporter.rules.words import Duration, Listed, Mistake, mistake
from exporter.units import NS_PER_S

MINUTE: Final = 60 * NS_PER_S
CRITICAL_INTERVAL_NS: Final = 15 * NS_PER_S
"""Of a group that may fire critical alerts and does not say: out within a minute of being stored."""
FEW: Final = 20
"""Ratios and percentiles of fewer records say little."""
_NAME: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:-]{0,99}")
_LABEL: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.]{0,99}")
_LONGEST_NS: Final = 31 * 86_400 * NS_PER_S

Operator = Literal[">", "<", ">=", "<=", "==", "!=", "absent"]
_WORDS: Final = {
    "gt": ">",
    "lt": "<",
    "gte": ">=",
    "ge": ">=",
    "lte": "<=",
    "le": "<=",
    "eq": "==",
    "=": "==",
    "ne": "!=",
    "neq": "!=",
    "greater_than": ">",
    "less_than": "<",
    "equals": "==",
    "not_equals": "!=",
}
NoData = Literal["no_data", "ok", "alerting", "keep"]
Aggregation = Literal["avg", "sum", "min", "max", "count", "p50", "p95", "p99", "rate", "last"]


def _operator(raw: object) -> object:
    if raw is None or raw == "":  # what YAML makes of a bare > or !=
        raise mistake("an operator is missing", 'write it in quotes: ">", ">=", "!=" or gt, gte, ne')
    return _WORDS.get(raw.strip().lower(), raw) if isinstance(raw, str) else raw


def _name(raw: object) -> object:
    text = str(raw) if isinstance(raw, (str, int)) and not isinstance(raw, bool) else ""
    if not _NAME.fullmatch(text):
        raise mistake(f"{raw!r} cannot be a name", "use letters, digits and _ . : - and no more than 100")
    return text


Name = Annotated[str, BeforeValidator(_name)]
Written = Annotated[str | int | float, BeforeValidator(lambda raw: raw)]
"""A quantity as it was written; `Rule.ladder` has it as a number."""


@dataclass(frozen=True, slots=True)
class Rung:
    """A severity, the threshold from which it holds, and the one behind which it no longer does."""

    severity: Severity
    threshold: float
    resolve: float


class Rule(Declared):
    """One rule. What it asks is one of `metric`, `view` with `field`, `sql`."""

    alert: Name
    description: str = Field("", max_length=1_000)
    metric: str | None = Field(None, min_length=1, max_length=255)
    of: Literal["calls", "spans"] = "calls"
    view: str | None = None
    field: str | None = None
    per: str | None = None
    sql: str | None = Field(None, max_length=20_000)
    aggregation: Aggregation | None = None
    filter: str | None = Field(None, max_length=4_000)
    by: Listed = Field((), max_length=20)
    operator: Annotated[Operator, BeforeValidator(_operator)] = ">"
    threshold: Written | None = None
    thresholds: dict[Severity, Written] | None = None
    resolve_threshold: Written | None = None
    anomaly: Wished = None
    window: Duration = Field(5 * MINUTE, ge=NS_PER_S, le=_LONGEST_NS)
    hold: Duration = Field(0, alias="for", ge=0)
    keep_firing_for: Duration = Field(0, ge=0)
    severity: Severity = "warning"
    min_samples: int | None = Field(None, ge=0, le=10**9)
    no_data: NoData = "no_data"
    cooldown: Duration = Field(5 * MINUTE, ge=0)
    labels: Texts = Field(default_factory=dict, max_length=50)
    annotations: Texts = Field(default_factory=dict, max_length=50)
    enabled: bool = True
    limit: int = Field(1_000, ge=1, le=10_000)

    def wrong(self) -> Iterator[Mistake]:
        """What is wrong between its fields."""
        for name in self.labels:
            if not _LABEL.fullmatch(name):
                yield ("labels", name), f"{name!r} cannot be a label's name", "use letters, digits, _ and ."
        if clash := sorted(set(self.labels) & set(self.by)):
            yield ("labels", clash[0]), f"{clash[0]} is a label by which the rule groups", "give it another name"
        found = list(self._unclear())
        yield from found
        if not found:
            yield from self._wrong_thresholds()

    def _unclear(self) -> Iterator[Mistake]:
        said = [name for name in ("metric", "view", "sql") if getattr(self, name) is not None]
        if len(said) != 1:
            what = "nothing is asked" if not said else f"{' and '.join(said)}: only one can be asked"
            yield (said[1],) if said else (), what, "give one of metric, view (with field) and sql"
            return
        try:
            checked(self.asked, self.filter, self.by)
        except NotAsked as error:
            yield (error.key,) if error.key else (), error.message, error.mend

    def _wrong_anomaly(self) -> Iterator[Mistake]:
        if self.metric is None:
            yield (
                ("anomaly",),
                "only a metric is compared with the weeks before",
                "ask for a metric, or give a threshold",
            )
        elif self.aggregation is not None and self.aggregation != "sum" and not self.asked.needs_many:
            yield ("aggregation",), "an anomaly has no aggregation: what adds up is added", "leave it out"
        for name in ("threshold", "thresholds", "resolve_threshold", "operator", "window", "no_data", "min_samples"):
            if getattr(self, name) != type(self).model_fields[name].default:
                what = "an anomaly is of whole hours and has bounds that it learns"
                yield (name,), f"{what}: {name} says nothing", "leave it out, or leave out anomaly"

    def _wrong_thresholds(self) -> Iterator[Mistake]:
        if self.anomaly is not None:
            yield from self._wrong_anomaly()
            return
        told = [name for name in ("threshold", "thresholds") if getattr(self, name) is not None]
        if self.operator == "absent":
            for name in (*told, *(("resolve_threshold",) if self.resolve_threshold is not None else ())):
                yield (name,), "absent compares with nothing", "leave it out"
            return
        if len(told) != 1:
            what = "the threshold is missing" if not told else "threshold and thresholds: only one can hold"
            yield (told[1],) if told else (), what, "write threshold: 5, or thresholds: {warning: 5, critical: 9}"
            return
        places: list[tuple[tuple[str | int, ...], object]] = [(("threshold",), self.threshold)]
        if self.thresholds is not None:
            places = [(("thresholds", name), raw) for name, raw in self.thresholds.items()]
            if not places:
                yield ("thresholds",), "no threshold", "write thresholds: {warning: 5, critical: 9}"
        if self.resolve_threshold is not None:
            places.append((("resolve_threshold",), self.resolve_threshold))
        wrong = list(self._unreadable(places))
        yield from wrong
        if not wrong:
            yield from self._disordered()

    def _unreadable(self, places: list[tuple[tuple[str | int, ...], object]]) -> Iterator[Mistake]:
        for place, raw in places:
            try:
                in_unit(raw, self.unit)
            except AxError as error:
                yield place, error.message, error.mend

    def _disordered(self) -> Iterator[Mistake]:
        rising = {">": 1, ">=": 1, "<": -1, "<=": -1}.get(self.operator, 0)
        values = [rung.threshold for rung in self.ladder]
        if not rising:
            if len(values) > 1:
                yield ("thresholds",), f"{self.operator} has no order of severities", "write one threshold"
            if self.resolve_threshold is not None:
                yield ("resolve_threshold",), f"{self.operator} has no other side", "leave it out"
        elif any(rising * later < rising * earlier for earlier, later in pairwise(values)):
            yield ("thresholds",), "a worse severity is met before a milder one", "order them by severity"
        elif self.ladder and rising * self.ladder[0].resolve > rising * values[0]:
            side = "above" if rising > 0 else "below"
            told = f"it is {side} the threshold: it would resolve while it fires"
            yield ("resolve_threshold",), told, "swap them"

    @cached_property
    def asked(self) -> Asked:
        """What it asks. Raises `NotAsked`."""
        unit = self._written_unit()
        if self.metric is not None and self.anomaly is not None:
            return usual(self.metric, self.of, self.aggregation, WINDOW_NS)
        if self.metric is not None:
            return of_metric(self.metric, self.of, self.aggregation, unit)
        if self.view is not None:
            return of_view(self.view, self.field, self.aggregation, self.per, unit)
        return Asked("sql", "", unit)

    def _written_unit(self) -> Unit:
        """What the threshold was written in: that of values which do not say."""
        written = [self.threshold, *(self.thresholds or {}).values()]
        with suppress(BadConfig):  # it is said where thresholds are read
            return next((parse_quantity(raw).unit for raw in written if raw is not None), "number")
        return "number"

    @property
    def unit(self) -> Unit:
        """What its values and thresholds are numbers of."""
        return self.asked.unit

    @cached_property
    def ladder(self) -> tuple[Rung, ...]:
        """Severities with their thresholds, the mildest first; empty where there is none to write down."""
        if self.operator == "absent" or self.anomaly is not None:
            return ()
        steps = self.thresholds if self.thresholds is not None else {self.severity: self.threshold}
        read = {severity: float(in_unit(raw, self.unit)) for severity, raw in steps.items()}
        mildest = min(read, key=SEVERITIES.index)
        gap = 0.0
        if self.resolve_threshold is not None:
            gap = read[mildest] - in_unit(self.resolve_threshold, self.unit)
        # Each rung is let go as far behind its threshold as the first.
        return tuple(Rung(each, read[each], read[each] - gap) for each in SEVERITIES if each in read)

    @property
    def worst(self) -> Severity:
        """The highest severity that it can have."""
        return self.ladder[-1].severity if self.ladder else self.severity

    @property
    def adds(self) -> bool:
        """Whether no rows mean zero: a count or a sum."""
        return self.asked.adds

    @property
    def least_samples(self) -> int:
        """Of fewer records a value is not judged."""
        if self.min_samples is not None:
            return self.min_samples
        return FEW if self.asked.needs_many else 0

    @cached_property
    def expression(self) -> tuple[object, ...]:
        """What makes it this rule: where it changes, instances are closed as `rule_changed`."""
        asks = (self.metric, self.of, self.view, self.field, self.per, self.sql, self.aggregation, self.filter, self.by)
        expected = () if self.anomaly is None else (self.anomaly.direction,)
        return (*asks, self.operator, self.ladder, self.window, tuple(sorted(self.labels.items())), *expected)


class Group(Declared):
    """Rules that are evaluated together."""

    name: Name
    interval: Duration | None = Field(None, ge=NS_PER_S, le=86_400 * NS_PER_S)
    delay: Duration | None = Field(None, ge=0, le=3_600 * NS_PER_S)
    once_seen: Literal["voice_turns", "workflow_runs", "agent_runs", "tool_calls", "llm_calls"] | None = None
    rules: tuple[Rule, ...]

    def wrong(self) -> Iterator[Mistake]:
        """Two rules of one name."""
        seen: set[str] = set()
        for place, rule in enumerate(self.rules):
            if rule.alert in seen:
                yield ("rules", place, "alert"), f"there are two rules {rule.alert}", "rename one of them"
            seen.add(rule.alert)

    def interval_ns(self, default_ns: int) -> int:
        """How often it is evaluated; `default_ns` is `alert.interval`."""
        if self.interval is not None:
            return self.interval
        can_be_critical = any(rule.worst == "critical" for rule in self.rules)
        return min(CRITICAL_INTERVAL_NS, default_ns) if can_be_critical else default_ns

    def delay_ns(self, default_ns: int) -> int:
        """How long it waits for records; `default_ns` is `alert.delay`."""
        return default_ns if self.delay is None else self.delay


@dataclass(frozen=True, slots=True)
class Watched:
    """A rule as it is evaluated: its id, its group, where it comes from, whether it is on.

    `origin` is `default`, `api`, or FILE:LINE; `is_own` whether the API may change it.
    """

    id: str
    rule: Rule
    group: Group
    origin: str
    enabled: bool = True

    @property
    def is_own(self) -> bool:
        """Whether it was made over the API, which then may change it."""
        return self.origin == "api"
