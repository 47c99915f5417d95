"""What an answer means: whether a rule's condition holds, how badly, and what it means that there is no answer.

In: a rule, a group of its answer or that there is none, the instance. Out: a verdict.

| what came | what it means |
|---|---|
| a number | the worst rung whose threshold it meets; a rung that fires holds until its resolve threshold |
| a number of fewer records than `min_samples` | no answer; in the end false: it can neither fire nor keep firing |
| no rows, of a count or a sum | 0 |
| no rows, NULL, NaN, 0/0 of anything else | no answer; in the end what the rule's `no_data` says |
| a group is missing and others are there; a row of a SQL rule | no answer; in the end false: `missing_series` |
| of an anomaly, a figure out of its bounds | true; one that is still learned is no answer, in the end false |
| any of these, with the operator `absent` | true; anything that is there is false |

"In the end" is at the third evaluation in a row (`machine.step`).
"""

import math
from collections.abc import Callable
from typing import Final

from exporter.alert.machine import RANK
from exporter.alert.rule import NoData, Operator, Rule, Rung
from exporter.alert.shapes import Instance, Lapse, Sample, Severity, Verdict

RELATIVE_TOLERANCE: Final = 1e-9
ABSOLUTE_TOLERANCE: Final = 1e-12
"""Two numbers are `==` where they differ by less, as sums of the same numbers in another order do."""

_LAPSES: Final[dict[NoData, Lapse]] = {"no_data": "no_data", "ok": "false", "alerting": "true", "keep": "keep"}


def equal(left: float, right: float) -> bool:
    """Whether two numbers are the same but for rounding."""
    return math.isclose(left, right, rel_tol=RELATIVE_TOLERANCE, abs_tol=ABSOLUTE_TOLERANCE)


HOLDS: Final[dict[Operator, Callable[[float, float], bool]]] = {
    ">": lambda value, threshold: value > threshold,
    "<": lambda value, threshold: value < threshold,
    ">=": lambda value, threshold: value >= threshold,
    "<=": lambda value, threshold: value <= threshold,
    "==": equal,
    "!=": lambda value, threshold: not equal(value, threshold),
}
"""The order of numbers is exact; only equality allows for rounding."""


def mildest(rule: Rule) -> Severity:
    """The severity of a rule where there is no value to tell it."""
    return rule.ladder[0].severity if rule.ladder else rule.severity


def verdict(rule: Rule, sample: Sample, instance: Instance) -> Verdict:
    """What a group that is there means."""
    if rule.anomaly is not None:
        return _unusual(rule, sample)
    value = sample.value
    if value is not None and math.isnan(value):
        value = None
    if rule.operator == "absent":
        return _absent(rule, value, sample.records)
    if value is None:
        return judged(rule, 0.0, instance) if rule.adds else _silence(rule)
    if sample.records is not None and sample.records < rule.least_samples:
        return Verdict(None, value, mildest(rule), reason="too_few_records", lapse="false")
    return judged(rule, value, instance)


def no_rows(rule: Rule, instance: Instance) -> Verdict:
    """What it means that nothing was found for an instance, nor for any other of its rule."""
    if rule.anomaly is not None:
        return _unusual(rule, Sample(instance.labels, None))
    if rule.operator == "absent":
        return _absent(rule, None, 0)
    if rule.sql is not None and instance.labels:
        return missing(rule, instance)
    if rule.adds:
        return judged(rule, 0.0, instance)
    return _silence(rule)


def missing(rule: Rule, instance: Instance) -> Verdict:
    """What it means that a group is not in an answer that has others."""
    if rule.operator == "absent" and instance.labels:
        return _absent(rule, None, 0)
    return Verdict(None, None, mildest(rule), reason="missing_series", lapse="false")


def judged(rule: Rule, value: float, instance: Instance) -> Verdict:
    """What a number means: the worst rung that it meets, or that fires and is not let go yet."""
    holds = HOLDS[rule.operator]
    fires = RANK[instance.severity] if instance.state == "firing" and instance.severity is not None else -1
    for rung in reversed(rule.ladder):
        if holds(value, rung.threshold) or (RANK[rung.severity] <= fires and _kept(rung, value, holds)):
            return Verdict(met=True, value=value, severity=rung.severity, threshold=rung.threshold)
    return Verdict(met=False, value=value)


def _unusual(rule: Rule, sample: Sample) -> Verdict:
    if sample.value is None:
        return Verdict(None, None, rule.severity, reason="no_data", lapse="false")
    if sample.bound is None:
        return Verdict(met=False, value=sample.value)
    return Verdict(met=True, value=sample.value, severity=rule.severity, threshold=sample.bound)


def _silence(rule: Rule) -> Verdict:
    return Verdict(None, None, mildest(rule), reason="no_data", lapse=_LAPSES[rule.no_data])


def _kept(rung: Rung, value: float, holds: Callable[[float, float], bool]) -> bool:
    return rung.resolve != rung.threshold and holds(value, rung.resolve)


def _absent(rule: Rule, value: float | None, records: int | None) -> Verdict:
    is_there = bool(records) if records is not None else value is not None
    if is_there:
        return Verdict(met=False, value=value)
    return Verdict(met=True, value=value, severity=rule.severity)
