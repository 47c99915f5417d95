"""`ax rules`: check files of rules, list rules, test them on series that are written down, and on what is stored.

In: files, or the id of a rule. Out: what is wrong and where; rules; what would have fired.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import Annotated, Final

import typer
from pydantic import BaseModel
from rich.text import Text

from exporter import settings
from exporter.alert import ask, trial
from exporter.alert.answered import check_columns
from exporter.alert.backtest import backtest
from exporter.alert.declared import FOLDER, declared
from exporter.alert.kept import kept, toggled
from exporter.alert.rule import Group, Rule, Watched
from exporter.alert.trial_file import Trial
from exporter.cli.options import AsJson, Data, Range, directory
from exporter.cli.rules_show import plain_backtest, plain_rule, rule_columns, show_backtest, tell
from exporter.cli.show import console, print_json, table
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
from exporter.units import parse_duration
from exporter.watch.declared import SECTIONS, between

app: Final = typer.Typer(add_completion=False, no_args_is_help=True, help="Check, list and try alert rules.")
_ALL: Final[Mapping[str, type[BaseModel]]] = {**SECTIONS, "tests": Trial}

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
    problems += between(documents, list(_others(files, where / FOLDER)))
    problems += (problem for document in documents for problem in _bad_sql(document, where))
    if as_json:
        names = ("source", "line", "column", "message", "mend")
        told = [{name: getattr(one, name) for name in names} for one in problems]
        print_json({"files": [str(path) for path in files], "problems": told})
    else:
        tell(files, documents, problems)
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
        print_json([plain_rule(one, config.alert.interval) for one in rules])
        return
    columns = rule_columns(config.alert.interval)
    screen = console()
    screen.print(table(rules, columns) if rules else "no rules; write some into rules/*.yaml of the data directory")
    for path in dict.fromkeys(one.source for one in problems):
        screen.print(Text(f"{path} cannot be used as it is: `ax rules check` tells why", style="yellow"))


@app.command("test")
def try_(
    files: Annotated[list[Path], typer.Argument(metavar="FILE…", help="Files with rules and `tests:`.")],
    *,
    as_json: AsJson = False,
) -> None:
    """Try rules on series that are written down, in a time that passes as fast as it can.

        ax rules test rules/chat_test.yaml

    Such a file has `groups:` as rules have them, and tests, which are written much as promtool's are:

        tests:
          - name: slow calls are told after two minutes
            interval: 1m
            input_series:
              - {series: 'p95_latency{model="a"}', values: '500ms 3sx4 500msx2'}
            alert_rule_test:
              - {eval_time: 4m, alertname: SlowModel, exp_alerts: [{exp_labels: {model: a}}]}
            timelines: {'SlowModel{model="a"}': '.PPFFF...'}

    Values are one an interval: 3sx4 is 3 s five times, 1s+1sx3 climbs from 1 s to 4 s, _ is none. A timeline has a
    letter for each: `.` inactive, P pending, F firing, A acknowledged, N no data.

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
        print_json(plain_backtest(found, watched.rule))
    else:
        show_backtest(found, watched.rule)


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


def _others(files: Sequence[Path], usual: Path) -> Iterator[Document]:
    """The files in use that are not checked now, whose channels routes may name."""
    checked = {path.resolve() for path in files}
    for path in listed(usual):
        if path.resolve() not in checked:
            with suppress(BadRules):
                yield read_file(path, SECTIONS)


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
    asked = {(g, r): rule for g, group in enumerate(groups) for r, rule in enumerate(group.rules) if rule.sql}
    with closing(Sandbox()) as sandbox:
        for (group, place), rule in asked.items():
            try:
                described = sandbox.run(data, f"DESCRIBE {ask.windowed(rule.sql or '', Period(0, MINUTE))}")
                check_columns(rule, [str(row[0]) for row in described.rows])
            except AxError as error:
                if not isinstance(error, SqlRefused) or not error.is_retryable:
                    yield document.problem(("groups", group, "rules", place, "sql"), error.message, error.mend)
