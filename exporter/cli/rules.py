"""`ax rules`: check files of rules, list rules, test them on series that are written down, and on what is stored.

In: files, or the id of a rule. Out: what is wrong and where; rules; what would have fired.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from pydantic import BaseModel
from rich.text import Text

from exporter import settings
from exporter.alert import ask, trial
from exporter.alert.backtest import Backtest, Fired, backtest
from exporter.alert.declared import FOLDER, declared
from exporter.alert.kept import kept, toggled
from exporter.alert.quantity import shown
from exporter.alert.rule import Group, Rule, Watched
from exporter.alert.shapes import Labels
from exporter.alert.trial_file import Trial
from exporter.cli import words
from exporter.cli.options import AsJson, Data, Range, directory
from exporter.cli.show import Column, chart, console, print_json, table
from exporter.clock import SystemClock
from exporter.config import Config
from exporter.control.database import FILE as CONTROL_FILE
from exporter.control.database import Control
from exporter.errors import AxError
from exporter.query.period import MINUTE, Period
from exporter.query.views import reading
from exporter.rules import BadRules, Document, Problem
from exporter.rules.read import listed, read_file
from exporter.sandbox import Sandbox, SqlRefused
from exporter.store import duck
from exporter.units import format_duration, parse_duration
from exporter.watch.declared import SECTIONS

app: Final = typer.Typer(add_completion=False, no_args_is_help=True, help="Check, list and try alert rules.")
_ALL: Final[Mapping[str, type[BaseModel]]] = {**SECTIONS, "tests": Trial}
_SCALES: Final = {"ns": (1e9, "s"), "usd_nanos": (1e9, "US$"), "ratio": (0.01, "%"), "bytes": (2.0**20, "MiB")}

Paths = Annotated[
    list[Path] | None, typer.Argument(metavar="[PATH]…", help="Files, or directories of them; else rules/ of the data.")
]


@app.command()
def check(paths: Paths = None, data: Data = None, *, as_json: AsJson = False) -> None:
    """Check files of rules, budgets, channels and routes: everything that is wrong, with file, line and column.

        ax rules check
        ax rules check rules/chat.yaml

    Templates and filters are checked too, and the SQL of rules where there are data to bind it to. The exit code is 1
    where something is wrong.
    """
    where = directory(data)
    files, problems = _files(paths, where / FOLDER)
    documents: list[Document] = []
    for path in files:
        try:
            documents.append(read_file(path, _ALL))
        except BadRules as error:
            problems += error.problems
    problems += declared(documents, with_defaults=False)[1]
    problems += (problem for document in documents for problem in _bad_sql(document, where))
    if as_json:
        names = ("source", "line", "column", "message", "mend")
        told = [{name: getattr(one, name) for name in names} for one in problems]
        print_json({"files": [str(path) for path in files], "problems": told})
    else:
        _tell(files, documents, problems)
    if problems:
        raise typer.Exit(1)


@app.command("list")
def list_(data: Data = None, *, as_json: AsJson = False) -> None:
    """List all rules: those that come with us, those of files, those made over the API.

    ax rules list
    """
    config = _config(data)
    rules, problems = _all_rules(config)
    if as_json:
        print_json([_plain(one, config) for one in rules])
        return
    columns: list[Column[Watched]] = [
        Column("rule", lambda one: one.id),
        Column("severity", lambda one: one.rule.worst),
        Column("condition", lambda one: condition(one.rule), is_wide=True),
        Column("every", lambda one: format_duration(one.group.interval_ns(config.alert.interval))),
        Column("from", lambda one: one.origin, is_wide=True),
        Column("state", lambda one: "on" if one.enabled else "off"),
    ]
    screen = console()
    screen.print(table(rules, columns) if rules else "no rules; write some into rules/*.yaml of the data directory")
    for path in dict.fromkeys(one.source for one in problems):
        screen.print(Text(f"{path} cannot be used as it is: `ax rules check` tells why", style="yellow"))


@app.command("test")
def test_(
    files: Annotated[list[Path], typer.Argument(metavar="FILE…", help="Files with rules and `tests:`.")],
    *,
    as_json: AsJson = False,
) -> None:
    """Try rules on series that are written down, in a time that passes as fast as it can.

        ax rules test rules/chat_test.yaml

    The exit code is 1 where a test fails.
    """
    reports = [trial.run(path) for path in files]
    if as_json:
        print_json(
            [
                {"source": report.source, "test": one.name, "passed": one.passed, "failures": list(one.failures)}
                for report in reports
                for one in report.tried
            ]
        )
    else:
        for report in reports:
            print(report)
    if not all(report.passed for report in reports):
        raise typer.Exit(1)


@app.command("backtest")
def backtest_(
    rule: Annotated[str, typer.Argument(metavar="RULE", help="The rule's id, or its name where there is one of it.")],
    span: Range = "7d",
    file: Annotated[
        Path | None, typer.Option("--file", metavar="FILE", help="Take the rule from this file, in use or not.")
    ] = None,
    data: Data = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Show what a rule would have fired on what is stored.

    ax rules backtest SlowCalls --range 7d
    ax rules backtest chat/SlowCalls --file draft.yaml --range 24h
    """
    config = _config(data)
    if file is not None:
        rules, problems = declared([read_file(file, _ALL)], with_defaults=False)
        if problems:
            raise BadRules(problems)
    else:
        rules, _ = _all_rules(config)
    watched = _named(rule, rules)
    period = Period.last(parse_duration(span), SystemClock().wall())
    screen = console()
    with reading(config.data) as views, screen.status("asking…") as status:
        found = backtest(
            views,
            watched,
            period,
            interval_ns=watched.group.interval_ns(config.alert.interval),
            delay_ns=watched.group.delay_ns(config.alert.delay),
            say=status.update,
        )
    if as_json:
        print_json(_plain_backtest(found, watched.rule))
    else:
        _show_backtest(found, watched.rule)


def condition(rule: Rule) -> str:
    """What a rule asks and when it holds, in a line: `p95_latency > 2 s over 5 min by model`."""
    asked = rule.asked
    if rule.sql is not None:
        what = "sql"
    elif rule.view is not None:
        what = f"{asked.aggregation}({rule.view}.{rule.field})" if rule.field else f"{asked.aggregation}({rule.view})"
    else:
        what = f"{asked.aggregation}({asked.name})" if asked.aggregation else asked.name
    per = f" per {rule.per}" if rule.per else ""
    steps = " / ".join(shown(rung.threshold, rule.unit) for rung in rule.ladder)
    window = f" over {shown(asked.window_ns or rule.window, 'ns')}"
    by = f" by {', '.join(rule.by)}" if rule.by else ""
    hold = f" for {shown(rule.hold, 'ns')}" if rule.hold else ""
    where = f" where {rule.filter}" if rule.filter else ""
    return f"{what}{per} {rule.operator}{f' {steps}' if steps else ''}{window}{by}{hold}{where}"


# ── Files and rules ───────────────────────────────────────────────────────────────────────────────────────────────


def _config(data: Path | None) -> Config:
    return settings.load(data, None, os.environ, {})


def _files(paths: Sequence[Path] | None, usual: Path) -> tuple[list[Path], list[Problem]]:
    if not paths:
        return listed(usual), []
    found: list[Path] = []
    problems = []
    for path in paths:
        if path.is_dir():
            found += listed(path)
        elif path.is_file():
            found.append(path)
        else:
            problems.append(Problem(str(path), 1, 1, "there is no such file", "check the path"))
    return found, problems


def _all_rules(config: Config) -> tuple[tuple[Watched, ...], tuple[Problem, ...]]:
    documents: list[Document] = []
    problems: list[Problem] = []
    for path in listed(config.data / FOLDER):
        try:
            documents.append(read_file(path, SECTIONS))
        except BadRules as error:
            problems += error.problems
    own: list[tuple[str, Rule]] = []
    switched: dict[str, bool] = {}
    if (config.data / CONTROL_FILE).is_file():
        control = Control.open(config.data)
        try:
            with control.reading() as connection:
                own, switched = kept(connection), toggled(connection)
        finally:
            control.close()
    rules, more = declared(documents, with_defaults=config.alert.defaults, kept=own, toggled=switched)
    return rules, (*problems, *more)


def _named(name: str, rules: Sequence[Watched]) -> Watched:
    found = [one for one in rules if one.id == name] or [one for one in rules if one.rule.alert == name]
    if len(found) == 1:
        return found[0]
    if found:
        raise AxError(f"there are several rules {name}", mend=f"name one of {', '.join(one.id for one in found)}")
    raise AxError(f"there is no rule {name}", mend="`ax rules list` shows them all")


def _bad_sql(document: Document, data: Path) -> Iterator[Problem]:
    """The rules of a file whose SQL cannot be asked; where there are no data, nobody knows."""
    if not (data / duck.FILE).is_file():
        return
    groups = [group for group in document.entries.get("groups", ()) if isinstance(group, Group)]
    asked = {(g, r): rule.sql for g, group in enumerate(groups) for r, rule in enumerate(group.rules) if rule.sql}
    with closing(Sandbox()) as sandbox:
        for (group, place), sql in asked.items():
            try:
                sandbox.run(data, f"EXPLAIN {ask.windowed(sql, Period(0, MINUTE))}")
            except SqlRefused as error:
                if not error.is_retryable:
                    yield document.problem(("groups", group, "rules", place, "sql"), error.message, error.mend)


# ── What is shown ─────────────────────────────────────────────────────────────────────────────────────────────────


def _tell(files: Sequence[Path], documents: Sequence[Document], problems: Sequence[Problem]) -> None:
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


def _plain(one: Watched, config: Config) -> dict[str, Any]:
    return {
        "id": one.id,
        "condition": condition(one.rule),
        "severity": one.rule.worst,
        "enabled": one.enabled,
        "origin": one.origin,
        "interval": format_duration(one.group.interval_ns(config.alert.interval)),
        "definition": one.rule.model_dump(mode="json", by_alias=True, exclude_defaults=True),
    }


def _labelled(labels: Labels) -> str:
    return " ".join(f"{name}={text}" for name, text in labels)


def _show_backtest(found: Backtest, rule: Rule) -> None:
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


def _plain_backtest(found: Backtest, rule: Rule) -> dict[str, Any]:
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
