"""Alerting as the prose has it, slowly: every state is worked out anew from all that was seen since it began.

In: a rule in plain words, then slots, faults, restarts and hands, one after the other. Out: what is said of each group
after each of them. Nothing is shared with `exporter.alert`: there timestamps are moved, here the looks are kept, each
with the time that counts for it, and added up.
"""

import math
from dataclasses import dataclass, field
from typing import Literal

SECOND = 10**9
WORST_LAST = ("info", "warning", "error", "critical")

Labels = tuple[tuple[str, str], ...]
Said = tuple[Labels, str, str, str]
"""Of whom, what, how badly, why."""
Found = dict[Labels, tuple[float | None, int | None]]
"""Values, and of how many records."""


@dataclass
class Words:
    """A rule. `kind` is what is asked: an average, a ratio, a count, or SQL; times in nanoseconds."""

    kind: Literal["avg", "ratio", "count", "sql"] = "avg"
    grouped: bool = True
    operator: str = ">"
    rungs: tuple[tuple[str, float], ...] = (("warning", 2.0),)
    resolve: float | None = None
    least: int = 0
    hold: int = 0
    keep: int = 0
    window: int = 60 * SECOND
    no_data: str = "no_data"
    limit: int = 1_000


@dataclass
class Look:
    """One evaluation: `counts` is how much of the time since the one before it counts.

    `badly` is the place of the severity that was met, None for none; `saw` False where there was no answer to go by.
    """

    counts: int
    saw: bool
    badly: int | None = None


@dataclass
class Life:
    """A group: what it is said to be, the looks since that began, and answers that it went without."""

    shown: str = "inactive"
    badly: int = 1
    looks: list[Look] = field(default_factory=list)
    without: int = 0
    looked_after_by: str | None = None

    def true_for(self) -> int:
        """How long it has been true: all that counts since the first look."""
        return sum(look.counts for look in self.looks[1:])

    def not_true_for(self) -> int:
        """How long it has not been true, from the last time that it was."""
        return self._since(lambda look: look.badly is not None)

    def milder_for(self) -> int:
        """How long its severity has not been met."""
        return self._since(lambda look: look.badly is not None and look.badly >= self.badly)

    def _since(self, holds) -> int:  # noqa: ANN001
        last = max(place for place, look in enumerate(self.looks) if look.saw and holds(look))
        rest = self.looks[last + 1 :]
        while rest and not rest[0].saw:  # looks that say nothing do not begin anything
            rest = rest[1:]
        return sum(look.counts for look in rest)


class Model:
    """A rule and all its groups, from a start on."""

    def __init__(self, words: Words, interval: int, started: int) -> None:
        self.words = self.written = words
        self.interval = interval
        self.started = started
        self.lives: dict[Labels, Life] = {}
        self.looked: int | None = None
        self.failures = 0
        self.said: list[Said] = []

    # ── What happens ──────────────────────────────────────────────────────────────────────────────────────────

    def slot(self, now: int, found: Found | None, *, gap: bool = False) -> None:
        """One evaluation; `found` None is a question that failed."""
        counts, away = self._counting(now)
        self.looked = now
        if away > 3_600 * SECOND:
            self._begin_anew()
        self._read_the_rule()
        if found is not None and len(found) > self.words.limit:
            found = None
        self._faulty(failed=found is None)
        if found is None:
            for life in self.lives.values():
                life.looks.append(Look(counts, saw=False))
            return
        in_doubt = gap or now < self.started + max(self.words.window, 60 * SECOND)
        is_one = not self.words.grouped and self.words.kind != "sql"
        if not found and (is_one or self._nobody_is_known()):
            found = {(): (0.0 if self.words.kind == "count" else None, 0)}
        for labels, (value, records) in found.items():
            life = self.lives.setdefault(labels, Life())
            self._look(labels, life, self._meant(life, value, records), counts, in_doubt=in_doubt)
        for labels in [each for each in self.lives if each not in found]:
            life = self.lives[labels]
            self._look(labels, life, self._absent(labels, life, nothing=not found), counts, in_doubt=in_doubt)
            if life.shown == "inactive" and not in_doubt and life.without not in {1, 2}:
                del self.lives[labels]

    def restart(self, now: int) -> None:
        """The server has begun again."""
        self.started = now

    def edit(self, words: Words) -> None:
        """Somebody has written the rule anew; it shows at the next slot."""
        self.written = words

    def acknowledge(self, labels: Labels, by: str) -> None:
        """Somebody looks after it."""
        life = self.lives.get(labels)
        if life is not None and life.shown in {"firing", "no_data"} and life.looked_after_by != by:
            life.looked_after_by = by
            self._say(labels, life, "acknowledged", "")

    def resolve(self, labels: Labels) -> None:
        """Somebody says that it is over."""
        life = self.lives.get(labels)
        if life is not None and life.shown != "inactive":
            self._end(labels, life, "by_hand")
            life.without = 0

    # ── What an answer means ──────────────────────────────────────────────────────────────────────────────────

    def _meant(self, life: Life, value: float | None, records: int | None) -> tuple[str, int | None, str]:
        """`yes`, `no` or what silence comes to, how badly, why."""
        words = self.words
        mildest = WORST_LAST.index(words.rungs[0][0])
        is_number = value is not None and not math.isnan(value)
        if words.operator == "absent":
            there = records > 0 if records is not None else is_number
            return ("no", None, "false") if there else ("yes", mildest, "")
        if not is_number:
            return self._absent((), life, nothing=True) if words.kind != "sql" else self._silence()
        if records is not None and records < words.least:
            return "silent: no", mildest, "too_few_records"
        met = None
        for severity, threshold in words.rungs:
            place = WORST_LAST.index(severity)
            let_go = threshold
            if words.resolve is not None and life.shown == "firing" and life.badly >= place:
                let_go = threshold - (words.rungs[0][1] - words.resolve)
            if compare(words.operator, value, threshold) or compare(words.operator, value, let_go):
                met = place
        return ("no", None, "false") if met is None else ("yes", met, "")

    def _absent(self, labels: Labels, life: Life, *, nothing: bool) -> tuple[str, int | None, str]:
        words = self.words
        mildest = WORST_LAST.index(words.rungs[0][0])
        if words.operator == "absent" and (labels or nothing):
            return "yes", mildest, ""
        if not nothing or (words.kind == "sql" and labels):
            return "silent: no", mildest, "missing_series"
        if words.kind == "count":
            return Model._meant(self, life, 0.0, None)
        return self._silence()

    def _nobody_is_known(self) -> bool:
        """Whether SQL, asked if anything is there, found nothing and there is no name that could be missing."""
        is_asked = self.words.kind == "sql" and self.words.operator == "absent"
        return is_asked and not any(self.lives)

    def _silence(self) -> tuple[str, int | None, str]:
        mildest = WORST_LAST.index(self.words.rungs[0][0])
        comes_to = {"ok": "silent: no", "alerting": "silent: yes", "keep": "silent: keep", "no_data": "silent: no_data"}
        return comes_to[self.words.no_data], mildest, "no_data"

    # ── What follows ──────────────────────────────────────────────────────────────────────────────────────────

    def _look(
        self, labels: Labels, life: Life, meant: tuple[str, int | None, str], counts: int, *, in_doubt: bool
    ) -> None:
        said, badly, why = meant
        if in_doubt and said != "yes":
            life.looks.append(Look(0, saw=False))
            return
        if said.startswith("silent"):
            life.without += 1
            said = said.removeprefix("silent: ")
            if life.without <= 2 or said == "keep":
                life.looks.append(Look(counts, saw=False))
                return
            if said == "yes" and life.shown in {"pending", "firing"}:
                badly = life.badly
            if said == "no" and life.shown == "no_data":
                self._end(labels, life, why)
                return
        else:
            life.without = 0
        if said == "no_data":
            self._becomes_no_data(labels, life, badly)
        elif said == "yes":
            assert badly is not None
            self._true(labels, life, Look(counts, saw=True, badly=badly))
        else:
            self._false(labels, life, Look(counts, saw=True), why)

    def _true(self, labels: Labels, life: Life, look: Look) -> None:
        assert look.badly is not None
        if life.shown == "no_data":
            self._end(labels, life, "data")
        if life.shown in {"inactive", "pending"}:
            if life.shown == "inactive":
                life.looks = []
            life.looks.append(look)
            life.badly = look.badly
            if life.true_for() >= self.words.hold:
                life.shown = "firing"
                self._say(labels, life, "firing", "")
            elif life.shown == "inactive":
                life.shown = "pending"
                self._say(labels, life, "pending", "")
            return
        life.looks.append(look)
        if look.badly > life.badly:
            life.badly, life.looked_after_by = look.badly, None
            self._say(labels, life, "escalated", "")
        elif look.badly < life.badly and life.milder_for() >= self.words.keep:
            life.badly = look.badly
            self._say(labels, life, "deescalated", "")

    def _false(self, labels: Labels, life: Life, look: Look, why: str) -> None:
        if life.shown in {"pending", "no_data"}:
            self._end(labels, life, why if life.shown == "pending" else "data")
        elif life.shown == "firing":
            was_true = not any(each.saw and each.badly is None for each in self._after_last_true(life))
            life.looks.append(look)
            if life.not_true_for() >= self.words.keep:
                self._end(labels, life, why)
            elif was_true:
                self._say(labels, life, "recovering", why)

    def _after_last_true(self, life: Life) -> list[Look]:
        last = max(place for place, look in enumerate(life.looks) if look.badly is not None)
        return life.looks[last + 1 :]

    def _becomes_no_data(self, labels: Labels, life: Life, badly: int | None) -> None:
        if life.shown == "no_data":
            return
        keeps = life.badly if life.shown != "inactive" else badly
        self._end(labels, life, "no_data")
        assert keeps is not None
        life.shown, life.badly = "no_data", keeps
        self._say(labels, life, "no_data", "no_data")

    def _end(self, labels: Labels, life: Life, why: str) -> None:
        if life.shown != "inactive":
            self._say(labels, life, "dropped" if life.shown == "pending" else "resolved", why)
        life.shown, life.looks, life.looked_after_by = "inactive", [], None

    def _say(self, labels: Labels, life: Life, what: str, why: str) -> None:
        self.said.append((labels, what, WORST_LAST[life.badly], why))

    def _read_the_rule(self) -> None:
        """Another condition is another rule; other times, or what to do in silence, are not."""
        if condition(self.words) != condition(self.written):
            for labels, life in self.lives.items():
                life.without = life.without if life.shown == "inactive" else 0
                self._end(labels, life, "rule_changed")
        self.words = self.written

    def _begin_anew(self) -> None:
        for life in self.lives.values():
            if life.shown == "pending":
                life.looks = []

    def _faulty(self, *, failed: bool) -> None:
        before = self.failures
        self.failures = before + 1 if failed else 0
        if self.failures == 3:
            self.said.append(((("fault", ""),), "firing", "warning", ""))
        elif before >= 3 and not failed:
            self.said.append(((("fault", ""),), "resolved", "warning", "false"))

    def _counting(self, now: int) -> tuple[int, int]:
        """How much of the time since the last look counts, and for how long nobody looked.

        A look that is before the start, or not in the past, was another run's.
        """
        if self.looked is None:
            return 0, 0
        passed = now - self.looked
        is_since_the_start = self.started <= self.looked < now
        if is_since_the_start:
            return passed, 0
        return max(0, min(passed, self.interval)), passed - self.interval


def condition(words: Words) -> tuple[object, ...]:
    """What is asked, and when that is true; SQL does not say what it groups by, and `absent` compares with nothing."""
    asked = words.kind, words.grouped or words.kind == "sql", words.operator, words.window
    if words.operator == "absent":
        return asked
    return *asked, words.rungs, words.rungs[0][1] if words.resolve is None else words.resolve


def compare(operator: str, value: float, threshold: float) -> bool:
    """As people read it; equality allows for rounding."""
    same = abs(value - threshold) <= max(1e-12, 1e-9 * max(abs(value), abs(threshold)))
    if operator in {"==", "!="}:
        return same == (operator == "==")
    if operator in {">", ">="} and value > threshold:
        return True
    if operator in {"<", "<="} and value < threshold:
        return True
    return operator in {">=", "<="} and value == threshold
