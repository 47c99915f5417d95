"""The life of one instance of a rule: inactive, pending, firing, and what ends it.

In: an instance, a verdict, the rule's times, the time of the slot. Out: the instance after it, and what changed.
Nothing here reads a clock or draws a number, so a state is a function of what was seen and when.

    inactive ──true──▶ pending ──true for `hold`──▶ firing ──false for `keep`──▶ inactive (resolved)
        ▲                 │ false: dropped            │ no answer, three times: resolved, then
        └─────────────────┴───────────────────────────┴──────────────────────────▶ no_data

Time in which we could not know (we were not running, or our own receiver was not) counts for nothing: whatever runs,
`hold` or `keep`, stands still meanwhile.
"""

import hashlib
from dataclasses import dataclass, replace
from typing import Final

from exporter.alert.shapes import SEVERITIES, Change, Instance, Labels, Severity, State, Transition, Verdict
from exporter.units import NS_PER_S

KEPT_WITHOUT_ANSWER: Final = 2
"""Evaluations in a row without an answer that change nothing."""
LONG_OUTAGE_NS: Final = 3_600 * NS_PER_S
"""After being away for longer, what was pending begins anew."""
RANK: Final = {severity: place for place, severity in enumerate(SEVERITIES)}

Changes = tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class Times:
    """A rule's `for` and `keep_firing_for`, in nanoseconds."""

    hold_ns: int = 0
    keep_ns: int = 0


def fingerprint(tenant_id: str, rule_id: str, labels: Labels) -> str:
    """What an instance is known by: 64 hex digits; of equal labels in any order the same.

    Each part is told with its length, so no text in a label can look like another label.
    """
    parts = [tenant_id, rule_id, *(text for pair in sorted(labels) for text in pair)]
    framed = "".join(f"{len(part)}:{part}" for part in parts)
    return hashlib.sha256(framed.encode("utf-8", "surrogatepass")).hexdigest()


def episode(mark: str, active_at: int) -> str:
    """The name of what began at `active_at` for the instance with this fingerprint: 32 hex digits."""
    return hashlib.sha256(f"{mark}:{active_at}".encode()).hexdigest()[:32]


def step(
    instance: Instance, verdict: Verdict, times: Times, now: int, *, held: bool = False
) -> tuple[Instance, Changes]:
    """The instance after the slot `now`, and what changed.

    `held`: the answer may lack what we failed to take, or we have just started. What it finds true counts; anything
    else does not, and time stands still for it.
    """
    if held and not verdict.met:
        return moved(instance, 0 if instance.evaluated_at is None else now - instance.evaluated_at, now), ()
    met, missed = verdict.met, 0
    if met is None:
        missed = instance.missed + 1
        if missed <= KEPT_WITHOUT_ANSWER or verdict.lapse == "keep":
            return replace(instance, missed=missed, evaluated_at=now), ()
        if verdict.lapse == "no_data":
            after, changes = _no_data(instance, verdict, now)
            return replace(after, missed=missed, evaluated_at=now), changes
        met = verdict.lapse == "true"
        if met and instance.severity is not None and instance.state != "no_data":
            verdict = replace(verdict, severity=instance.severity, threshold=instance.threshold)
    after, changes = _true(instance, verdict, times, now) if met else _false(instance, verdict, times, now)
    if changes or after is not instance:
        return replace(after, missed=missed, value=verdict.value, evaluated_at=now), changes
    return _quiet(instance, missed, verdict.value, now), ()


def looked(instance: Instance, now: int) -> Instance:
    """The instance after a slot whose question failed: as it was."""
    return replace(instance, evaluated_at=now)


def moved(instance: Instance, by_ns: int, now: int) -> Instance:
    """The instance with all that runs moved on by what does not count, but not beyond `now`."""

    def on(since: int | None) -> int | None:
        return None if since is None else min(since + by_ns, now)

    return replace(
        instance,
        active_at=on(instance.active_at),
        keep_since=on(instance.keep_since),
        milder_since=on(instance.milder_since),
        evaluated_at=now,
    )


def resumed(instance: Instance, interval_ns: int, now: int) -> Instance:
    """The instance at the first slot after a start: the slots that were missed count for nothing.

    Where the clock was set back meanwhile, its times move back with it.
    """
    if instance.evaluated_at is None:
        return instance
    away_ns = now - instance.evaluated_at
    lost_ns = away_ns if away_ns < 0 else max(0, away_ns - interval_ns)
    after = moved(instance, lost_ns, min(now, instance.evaluated_at + lost_ns))
    if lost_ns > LONG_OUTAGE_NS and instance.state == "pending":
        return replace(after, active_at=now)
    return after


def closed(instance: Instance, reason: str, now: int, *, by: str | None = None) -> tuple[Instance, Changes]:
    """The instance with its episode ended, whatever is true: the rule was edited or removed, or somebody says so."""
    if instance.state == "inactive":
        return instance, ()
    transition: Transition = "dropped" if instance.state == "pending" else "resolved"
    change = _change(instance, transition, now, "inactive", reason=reason, by=by)
    resolved_at = now if instance.state == "firing" else instance.resolved_at
    ended = replace(
        instance,
        state="inactive",
        episode=None,
        severity=None,
        active_at=None,
        fired_at=None,
        keep_since=None,
        milder_since=None,
        missed=0,
        threshold=None,
        acknowledged_by=None,
        acknowledged_at=None,
        resolved_at=resolved_at,
    )
    return ended, (change,)


def acknowledged(instance: Instance, by: str, now: int) -> tuple[Instance, Changes]:
    """The instance with somebody looking after it; nothing where there is nothing to look after, or it is known."""
    if instance.state not in {"firing", "no_data"} or instance.acknowledged_by == by:
        return instance, ()
    after = replace(instance, acknowledged_by=by, acknowledged_at=now)
    return after, (_change(after, "acknowledged", now, after.state, by=by),)


def _quiet(instance: Instance, missed: int, value: float | None, now: int) -> Instance:
    """As `replace`, in half the time: this is what nearly every evaluation of nearly every instance comes to."""
    return Instance(
        instance.fingerprint,
        instance.rule_id,
        instance.tenant_id,
        instance.labels,
        instance.state,
        instance.episode,
        instance.severity,
        instance.active_at,
        instance.fired_at,
        instance.keep_since,
        instance.milder_since,
        missed,
        value,
        instance.threshold,
        instance.acknowledged_by,
        instance.acknowledged_at,
        instance.resolved_at,
        now,
        instance.expression,
    )


def _true(instance: Instance, verdict: Verdict, times: Times, now: int) -> tuple[Instance, Changes]:
    if instance.state == "no_data":
        instance, ended = closed(replace(instance, value=verdict.value), "data", now)
        after, changes = _true(instance, verdict, times, now)
        return after, ended + changes
    if instance.state == "firing":
        return _still_firing(instance, verdict, times, now)
    seen = replace(instance, value=verdict.value, severity=verdict.severity, threshold=verdict.threshold)
    if instance.active_at is None:
        seen = replace(seen, active_at=now, episode=episode(instance.fingerprint, now))
    active_at = now if seen.active_at is None else seen.active_at
    if now - active_at >= times.hold_ns:
        return replace(seen, state="firing", fired_at=now), (_change(seen, "firing", now, "firing"),)
    if instance.state == "pending":
        return seen, ()
    return replace(seen, state="pending"), (_change(seen, "pending", now, "pending"),)


def _still_firing(instance: Instance, verdict: Verdict, times: Times, now: int) -> tuple[Instance, Changes]:
    seen = replace(instance, value=verdict.value, keep_since=None)
    if verdict.severity is None or verdict.severity == instance.severity:
        return replace(seen, threshold=verdict.threshold, milder_since=None), ()
    other = replace(seen, severity=verdict.severity, threshold=verdict.threshold, milder_since=None)
    if instance.severity is None or RANK[verdict.severity] > RANK[instance.severity]:
        other = replace(other, acknowledged_by=None, acknowledged_at=None)
        return other, (_change(other, "escalated", now, "firing"),)
    milder_since = _last_held(instance.milder_since, instance, now)
    if now - milder_since >= times.keep_ns:
        return other, (_change(other, "deescalated", now, "firing"),)
    return replace(seen, milder_since=milder_since), ()


def _false(instance: Instance, verdict: Verdict, times: Times, now: int) -> tuple[Instance, Changes]:
    if instance.state == "inactive":
        return instance, ()
    seen = replace(instance, value=verdict.value)
    if instance.state == "no_data":
        return closed(seen, "data" if verdict.met is False else verdict.reason, now)
    if instance.state == "pending":
        return closed(seen, verdict.reason, now)
    keep_since = _last_held(instance.keep_since, instance, now)
    if now - keep_since >= times.keep_ns:
        return closed(seen, verdict.reason, now)
    milder_since = _last_held(instance.milder_since, instance, now)
    seen = replace(seen, keep_since=keep_since, milder_since=milder_since)
    if instance.keep_since is not None:
        return seen, ()
    return seen, (_change(seen, "recovering", now, "firing", reason=verdict.reason),)


def _last_held(since: int | None, instance: Instance, now: int) -> int:
    """When it was true for the last time: at the slot before the first at which it was not."""
    if since is None:
        since = now if instance.evaluated_at is None else instance.evaluated_at
    return min(since, now)


def _no_data(instance: Instance, verdict: Verdict, now: int) -> tuple[Instance, Changes]:
    if instance.state == "no_data":
        return instance, ()
    ended, changes = closed(instance, "no_data", now)
    begun = replace(
        ended,
        value=None,
        severity=instance.severity or verdict.severity,
        active_at=now,
        episode=episode(instance.fingerprint, now),
    )
    return replace(begun, state="no_data"), (*changes, _change(begun, "no_data", now, "no_data", reason="no_data"))


def _change(
    instance: Instance,
    transition: Transition,
    now: int,
    to_state: State,
    *,
    reason: str = "",
    by: str | None = None,
) -> Change:
    severity: Severity = instance.severity or "warning"
    return Change(
        rule_id=instance.rule_id,
        rule=instance.rule_id.rpartition("/")[2],
        fingerprint=instance.fingerprint,
        episode=instance.episode or episode(instance.fingerprint, now),
        tenant_id=instance.tenant_id,
        transition=transition,
        at=now,
        from_state=instance.state,
        to_state=to_state,
        severity=severity,
        value=instance.value,
        threshold=instance.threshold,
        labels=instance.labels,
        by=by,
        reason=reason,
    )
