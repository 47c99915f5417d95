"""The words of alerting: what an answer says, what follows from it, what an instance of a rule is in, what changed.

In: nothing. Out: frozen values; all times are Unix nanoseconds.
"""

from dataclasses import dataclass
from typing import Final, Literal

from exporter.alert.quantity import Unit

Severity = Literal["info", "warning", "error", "critical"]
SEVERITIES: Final[tuple[Severity, ...]] = ("info", "warning", "error", "critical")
"""From the mildest to the worst."""

State = Literal["inactive", "pending", "firing", "no_data"]
"""Of an instance; `acknowledged` and `resolved` are what an alert, its episode, is shown as."""

Transition = Literal[
    "pending",  # true for the first time, with a `for` to wait
    "firing",
    "escalated",  # firing, now at a higher severity
    "deescalated",
    "recovering",  # false, within `keep_firing_for`
    "acknowledged",
    "resolved",  # an episode ended; `reason` says why
    "dropped",  # pending, and false before it fired
    "no_data",
]

Labels = tuple[tuple[str, str], ...]
"""Pairs sorted by name."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One group of an answer: its labels by what the rule groups by, its value, and of how many records.

    `value` is None for NULL, NaN and 0/0; `records` None where it is not known (SQL rules). Of an anomaly `expected` is
    what is usual, and `bound` what it crossed, None where it crossed nothing.
    """

    labels: Labels
    value: float | None
    records: int | None = None
    expected: float | None = None
    bound: float | None = None


Lapse = Literal["no_data", "false", "true", "keep"]
"""What evaluations without an answer come to in the end."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a sample means: `met` None is no answer; `severity` and `threshold` are those of the highest rung met.

    `reason` is what a resolve by it is put down to; `lapse` what it comes to where `met` stays None.
    """

    met: bool | None
    value: float | None = None
    severity: Severity | None = None
    threshold: float | None = None
    reason: str = "false"
    lapse: Lapse = "no_data"


@dataclass(frozen=True, slots=True)
class Instance:
    """One rule, one set of labels: everything that the next evaluation needs to know of those before.

    `episode` is set from the moment it is pending. `fired_at` None: not fired in this episode. `missed` counts
    evaluations in a row without an answer. `keep_since` and `milder_since` are when it, and its severity, last held.
    `resolved_at` stays through the next episode: a cooldown begins there. `expression` is a mark of the rule as it was
    written; where the rule's differs the instance is closed.
    """

    fingerprint: str
    rule_id: str
    tenant_id: str
    labels: Labels
    state: State = "inactive"
    episode: str | None = None
    severity: Severity | None = None
    active_at: int | None = None
    fired_at: int | None = None
    keep_since: int | None = None
    milder_since: int | None = None
    missed: int = 0
    value: float | None = None
    threshold: float | None = None
    acknowledged_by: str | None = None
    acknowledged_at: int | None = None
    resolved_at: int | None = None
    evaluated_at: int | None = None
    expression: str = ""


@dataclass(frozen=True, slots=True)
class Change:
    """An instance went from one state to another, at a slot or by somebody's hand.

    `labels` are the group's and the rule's together; `annotations` are rendered. `by` is who, where it was a person;
    `reason` such as `false`, `missing_series`, `rule_changed`, `by_hand`; `unit` is of `value` and `threshold`;
    `expected` is what would be usual, of an anomaly.
    """

    rule_id: str
    rule: str
    fingerprint: str
    episode: str
    tenant_id: str
    transition: Transition
    at: int
    from_state: State
    to_state: State
    severity: Severity
    value: float | None
    threshold: float | None
    labels: Labels
    annotations: Labels = ()
    by: str | None = None
    reason: str = ""
    unit: Unit = "number"
    expected: float | None = None
