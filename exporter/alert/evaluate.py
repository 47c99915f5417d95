"""One rule at one slot: what its instances were, what was answered, what they are now.

In: a rule, all its instances, an answer or why there is none, the slot. Out: all its instances and what changed, to be
saved together. An instance that is not in the outcome is to be forgotten.

A question that fails changes no instance of its rule. When it has failed three times in a row the rule has an alert of
its own, an instance of `ax/AxRuleError` that travels with the rule's own instances (`fault_fingerprint`).
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final

from exporter.alert import judge
from exporter.alert.machine import KEPT_WITHOUT_ANSWER, Changes, Times, closed, fingerprint, looked, resumed, step
from exporter.alert.rule import Rule, Watched
from exporter.alert.shapes import Change, Instance, Labels, Sample, Verdict
from exporter.units import NS_PER_S

LEAST_GRACE_NS: Final = 60 * NS_PER_S
"""After a start nothing resolves for this long, or for the rule's window where that is longer."""
KEPT_AFTER_RESOLVE_NS: Final = 900 * NS_PER_S
"""How long an instance whose group is gone is kept after its alert, or for the rule's cooldown where that is longer."""
GONE: Final = -1
"""`missed` of such an instance: it waits for nothing but to be forgotten."""
FAULT: Final = "AxRuleError"
FAULT_RULE_ID: Final = f"ax/{FAULT}"
FAILURES_TOLD: Final = 3
"""Failures in a row before somebody is told."""

Answer = Sequence[Sample]
Render = Callable[[Rule, Change], Labels]
"""A rule's annotations for a change, rendered; never raises."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A question got no answer: an error of the query, a timeout; `message` is for people."""

    message: str


@dataclass(frozen=True, slots=True)
class Context:
    """What a rule does not know by itself.

    `started_at` is when this server began to evaluate; `interval_ns` the group's; `gap` whether our own receiver
    refused or was down within the window. `render` is None where nobody reads annotations.
    """

    started_at: int
    interval_ns: int
    gap: bool = False
    tenant_id: str = "default"
    render: Render | None = None


Outcome = tuple[tuple[Instance, ...], Changes]


def fault_fingerprint(rule_id: str, tenant_id: str = "default") -> str:
    """The fingerprint of a rule's own alert, that its question fails."""
    return fingerprint(tenant_id, FAULT_RULE_ID, (("rule", rule_id),))


def evaluate(
    watched: Watched, instances: Sequence[Instance], answer: Answer | Failure, now: int, context: Context
) -> Outcome:
    """The instances of a rule after the slot `now`, and what changed; `instances` may hold its `ax/AxRuleError`."""
    own = [each for each in instances if each.rule_id != FAULT_RULE_ID]
    has_fault = len(own) < len(instances)
    fault = next(each for each in instances if each.rule_id == FAULT_RULE_ID) if has_fault else None
    known, changes = _current(watched, own, now, context)
    failure = unusable(watched.rule, answer)
    if isinstance(answer, Failure) or failure is not None:
        after = [looked(each, now) for each in known]
    else:
        after, stepped = _stepped(watched, known, answer, now, context)
        changes += stepped
    fault, told = failed(fault, watched.id, failure, now, context.tenant_id)
    dressed = _dressed(watched.rule, _expecting(changes, answer), context)
    return (*after, *((fault,) if fault is not None else ())), (*dressed, *told)


def unusable(rule: Rule, answer: Answer | Failure) -> Failure | None:
    """Why an answer cannot be used: there is none, it has more groups than the rule's limit, or two of one name."""
    if isinstance(answer, Failure):
        return answer
    if len(answer) > rule.limit:
        return Failure(f"{len(answer)} groups, more than its limit of {rule.limit}; group by less, or raise `limit`")
    if len(answer) > 1 and len({sample.labels for sample in answer}) < len(answer):
        return Failure("two rows have the same labels; tell them apart, or add them up in the query")
    return None


def failed(
    fault: Instance | None, rule_id: str, failure: Failure | None, now: int, tenant_id: str = "default"
) -> tuple[Instance | None, Changes]:
    """A rule's own alert after a slot: it fires at the third failure in a row and resolves with the next answer.

    `missed` of that instance counts the failures. None where there is nothing to remember.
    """
    if fault is None:
        if failure is None:
            return None, ()
        labels = (("rule", rule_id),)
        mark = fault_fingerprint(rule_id, tenant_id)
        fault = Instance(mark, FAULT_RULE_ID, tenant_id, labels)
    failures = 0 if failure is None else fault.missed + 1
    met = failures >= FAILURES_TOLD
    after, changes = step(fault, Verdict(met, float(failures), "warning", FAILURES_TOLD), Times(), now)
    if failure is None and after.state == "inactive":
        return None, changes
    summary = f"{rule_id} cannot be evaluated" if failure is None else f"{rule_id}: {failure.message}"
    return replace(after, missed=failures), tuple(
        replace(change, annotations=(("summary", summary),)) for change in changes
    )


def ended(
    watched: Watched, instances: Sequence[Instance], reason: str, now: int, render: Render | None = None
) -> Outcome:
    """The instances of a rule that is no more, or that somebody resolves: all are closed."""
    closings = [closed(each, reason, now) for each in instances]
    changes = tuple(change for _, made in closings for change in made)
    context = Context(started_at=now, interval_ns=0, render=render)
    return tuple(instance for instance, _ in closings), _dressed(watched.rule, changes, context)


def grace_ns(rule: Rule) -> int:
    """How long after a start nothing of a rule resolves."""
    return max(rule.window, LEAST_GRACE_NS)


def _current(
    watched: Watched, instances: Sequence[Instance], now: int, context: Context
) -> tuple[list[Instance], Changes]:
    """The instances as of now: time that we were away taken out, those of the rule as it was before closed."""
    written = _mark(watched.rule.expression)
    changes: Changes = ()
    current = []
    for instance in instances:
        seen_at = instance.evaluated_at
        if seen_at is not None and (seen_at < context.started_at or seen_at >= now):
            instance = resumed(instance, context.interval_ns, now)  # noqa: PLW2901
        if instance.expression != written:
            instance, made = closed(instance, "rule_changed", now)  # noqa: PLW2901
            instance = replace(instance, expression=written)  # noqa: PLW2901
            changes += made
        current.append(instance)
    return current, changes


def _stepped(
    watched: Watched, known: Sequence[Instance], answer: Answer, now: int, context: Context
) -> tuple[list[Instance], Changes]:
    rule = watched.rule
    times = Times(rule.hold, rule.keep_firing_for)
    held = context.gap or now < context.started_at + grace_ns(rule)
    by_labels = {instance.labels: instance for instance in known}
    samples = list(answer)
    if not samples and not rule.by and (rule.sql is None or _is_absent(rule, known)):
        samples = [Sample((), 0.0 if rule.adds else None, 0)]
    after: list[Instance] = []
    changes: list[Change] = []
    for sample in samples:
        instance = by_labels.pop(sample.labels, None) or _fresh(watched, sample.labels, context)
        if instance.missed == GONE:
            instance = replace(instance, missed=0)
        instance, made = step(instance, judge.verdict(rule, sample, instance), times, now, held=held)
        after.append(instance)
        changes += made
    for instance in by_labels.values():
        stepped, made = instance, ()
        if instance.missed != GONE:
            meant = judge.missing(rule, instance) if samples else judge.no_rows(rule, instance)
            stepped, made = step(instance, meant, times, now, held=held)
            changes += made
        if held or not _is_gone(stepped):
            after.append(stepped)
        elif stepped.resolved_at is not None and now - stepped.resolved_at < max(KEPT_AFTER_RESOLVE_NS, rule.cooldown):
            after.append(replace(stepped, missed=GONE, evaluated_at=now))
    return after, tuple(changes)


def _fresh(watched: Watched, labels: Labels, context: Context) -> Instance:
    mark = fingerprint(context.tenant_id, watched.id, labels)
    written = _mark(watched.rule.expression)
    return Instance(mark, watched.id, context.tenant_id, labels, expression=written)


def _is_absent(rule: Rule, known: Sequence[Instance]) -> bool:
    """Whether SQL found nothing where nothing is known by name that could be missing."""
    return rule.operator == "absent" and not any(each.labels and each.missed != GONE for each in known)


def _is_gone(instance: Instance) -> bool:
    """Whether a group that is not in the answer can be forgotten."""
    return instance.state == "inactive" and not 0 < instance.missed <= KEPT_WITHOUT_ANSWER


def _expecting(changes: Changes, answer: Answer | Failure) -> Changes:
    """The changes with what would have been usual of their groups."""
    if not changes or isinstance(answer, Failure):
        return changes
    expected = {each.labels: each.expected for each in answer if each.expected is not None}
    return tuple(replace(each, expected=expected.get(each.labels)) for each in changes) if expected else changes


def _dressed(rule: Rule, changes: Changes, context: Context) -> Changes:
    """The changes with the rule's name, labels and unit and with annotations."""
    if not changes:
        return ()
    extra = tuple(rule.labels.items())
    named = tuple(
        replace(each, rule=rule.alert, labels=tuple(sorted(each.labels + extra)), unit=rule.unit) for each in changes
    )
    if context.render is None:
        return named
    render = context.render
    return tuple(replace(each, annotations=render(rule, each)) for each in named)


@lru_cache(maxsize=4_096)
def _mark(expression: tuple[object, ...]) -> str:
    return hashlib.sha256(repr(expression).encode("utf-8", "surrogatepass")).hexdigest()[:16]
