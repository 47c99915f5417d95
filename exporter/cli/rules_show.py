"""Rules, their mistakes and their past as people and programs read them.

In: rules, problems, a backtest. Out: text on standard output, or what JSON can hold.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from rich.text import Text

from exporter.alert.backtest import Backtest, Fired
from exporter.alert.quantity import shown
from exporter.alert.rule import Group, Rule, Watched
from exporter.alert.shapes import Labels
from exporter.cli import words
from exporter.cli.show import Column, chart, console, table
from exporter.rules import Document, Problem
from exporter.units import format_duration

_SCALES: Final = {"ns": (1e9, "s"), "usd_nanos": (1e9, "US$"), "ratio": (0.01, "%"), "bytes": (2.0**20, "MiB")}


def condition(rule: Rule) -> str:
    """What a rule asks and when it holds, in a line: `p95_latency > 2 s over 5 min by model`."""
    asked = rule.asked
    if rule.sql is not None:
        what = "sql"
    elif rule.view is not None:
        what = f"{asked.aggregation}({rule.view}.{rule.field})" if rule.field else f"{asked.aggregation}({rule.view})"
    else:
        what = f"{asked.aggregation}({asked.name})" if asked.aggregation else asked.name
    per = f" per {'minute of ' if rule.per.endswith('_ns') else ''}{rule.per}" if rule.per else ""
    if rule.anomaly is not None:
        side = "" if rule.anomaly.direction == "both" else f", {rule.anomaly.direction} what is expected"
        by = f" by {', '.join(rule.by)}" if rule.by else ""
        return f"{what} is unusual for the hour{side}{by}{f' where {rule.filter}' if rule.filter else ''}"
    steps = " / ".join(shown(rung.threshold, rule.unit) for rung in rule.ladder)
    window = f" over {shown(asked.window_ns or rule.window, 'ns')}"
    by = f" by {', '.join(rule.by)}" if rule.by else ""
    hold = f" for {shown(rule.hold, 'ns')}" if rule.hold else ""
    where = f" where {rule.filter}" if rule.filter else ""
    return f"{what}{per} {rule.operator}{f' {steps}' if steps else ''}{window}{by}{hold}{where}"


def rule_columns(interval_ns: int) -> list[Column[Watched]]:
    """The columns of a table of rules; `interval_ns` is `alert.interval`."""
    return [
        Column("rule", lambda one: one.id),
        Column("severity", lambda one: one.rule.worst),
        Column("condition", lambda one: condition(one.rule), is_wide=True),
        Column("every", lambda one: format_duration(one.group.interval_ns(interval_ns))),
        Column("from", lambda one: _short(one.origin)),
        Column("state", lambda one: "on" if one.enabled else "off"),
    ]


def tell(files: Sequence[Path], documents: Sequence[Document], problems: Sequence[Problem]) -> None:
    """What is wrong with files, and how much is in those that are right."""
    screen = console()
    for problem in sorted(problems, key=lambda one: (one.source, one.line, one.column)):
        screen.print(Text(str(problem), style="red"), soft_wrap=True)
        if problem.picture:
            screen.print(Text(problem.picture), soft_wrap=True)
    bad = {problem.source for problem in problems}
    for document in documents:
        if document.source not in bad:
            screen.print(f"{document.source}: {_counted(document)}", soft_wrap=True)
    if problems:
        several = "mistakes" if len(problems) > 1 else "mistake"
        screen.print(f"{len(problems)} {several} in {len(bad)} of {max(len(files), len(bad))} files")
    elif not files:
        screen.print("no files of rules; those that come with us are in use")


def _counted(document: Document) -> str:
    counts = {name: len(entries) for name, entries in document.entries.items() if entries}
    rules = sum(len(group.rules) for group in document.entries.get("groups", ()) if isinstance(group, Group))
    said = [f"{rules} rule{'s' if rules != 1 else ''}"] if rules else []
    said += [f"{count} {name[: None if count > 1 else -1]}" for name, count in counts.items() if name != "groups"]
    return f"{', '.join(said)}: ok" if said else "nothing in it"


def plain_rule(one: Watched, interval_ns: int) -> dict[str, Any]:
    """A rule as JSON can hold it; `interval_ns` is `alert.interval`."""
    return {
        "id": one.id,
        "condition": condition(one.rule),
        "severity": one.rule.worst,
        "enabled": one.enabled,
        "origin": one.origin,
        "interval": format_duration(one.group.interval_ns(interval_ns)),
        "definition": one.rule.model_dump(mode="json", by_alias=True, exclude_defaults=True),
    }


def _labelled(labels: Labels) -> str:
    return " ".join(f"{name}={text}" for name, text in labels)


def show_backtest(found: Backtest, rule: Rule) -> None:
    """The alerts that would have been, and a chart of the values with the thresholds."""
    screen = console()
    screen.print(Text(found.rule_id, style="bold"))
    screen.print(condition(rule))
    screen.print()
    columns: list[Column[Fired]] = [
        Column("fired", lambda one: one.fired_at, say=words.clock),
        Column("resolved", lambda one: one.resolved_at, say=words.clock),
        Column("severity", lambda one: one.severity),
        Column("labels", lambda one: _labelled(one.labels) or None, is_wide=True),
        Column("value", lambda one: None if one.value is None else shown(one.value, rule.unit)),
        Column("summary", lambda one: one.summary or None, is_wide=True),
    ]
    if found.fired:
        screen.print(table(found.fired, columns))
        screen.print()
    lines: dict[str, Sequence[tuple[int, float | None]]]
    lines = {_labelled(labels) or rule.alert: points for labels, points in found.series}
    if any(value is not None for points in lines.values() for _, value in points):
        scale, unit = _SCALES.get(rule.unit, (1.0, ""))
        ends = (found.series[0][1][0][0], found.series[0][1][-1][0])
        steps = {f"{one.severity} {shown(one.threshold, rule.unit)}": one.threshold for one in rule.ladder}
        lines |= {name: [(at, value) for at in ends] for name, value in steps.items()}
        print(chart(lines, rule.asked.name or rule.alert, scale, unit))
    for line in _summary(found):
        screen.print(Text(line, style="dim"))


def _summary(found: Backtest) -> Iterator[str]:
    count = len(found.fired)
    alerts = f"{count} alert{'s' if count != 1 else ''} in {found.period}"
    yield f"{alerts}, firing for {shown(found.firing_ns, 'ns')} in all; {found.slots} slots, every {_every(found)}"
    if found.failures:
        yield f"at {found.failures} of them the question failed: {found.failure}"


def _every(found: Backtest) -> str:
    return format_duration(found.every_ns)


def plain_backtest(found: Backtest, rule: Rule) -> dict[str, Any]:
    """The same as JSON can hold it."""
    return {
        "rule": found.rule_id,
        "condition": condition(rule),
        "from": words.iso(found.period.start_ns),
        "to": words.iso(found.period.end_ns),
        "every": _every(found),
        "slots": found.slots,
        "failures": found.failures,
        "failure": found.failure,
        "unit": rule.unit,
        "firing_seconds": found.firing_ns / 1e9,
        "alerts": [
            {
                "labels": dict(one.labels),
                "severity": one.severity,
                "fired_at": words.iso(one.fired_at),
                "resolved_at": None if one.resolved_at is None else words.iso(one.resolved_at),
                "reason": one.reason,
                "value": one.value,
                "threshold": one.threshold,
                "summary": one.summary,
            }
            for one in found.fired
        ],
    }


def _short(origin: str) -> str:
    """Without the directory: there are few files of rules, and little room."""
    return Path(origin).name if "/" in origin else origin
