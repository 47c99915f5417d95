"""`python -m tests.bench NAME [--json]`: progress on standard error, figures on standard output.

A bench is a module with a `Plan`, whose fields are the options, and `measure(plan, say)`, whose `Figures` are printed;
their `errors`, if they have any, name what was wrong. The exit status says whether nothing was, never whether it was
quick.
"""

import json
import sys
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from importlib import import_module
from inspect import getdoc
from typing import Any, Final


@dataclass(frozen=True, slots=True)
class _Bench:
    """The module, which is imported when it is asked for, and what of its plan the name stands for."""

    module: str
    plan: Mapping[str, Any] = field(default_factory=dict)


BENCHES: Final = {
    "ingest": _Bench("tests.bench.ingest"),
    "logs": _Bench("tests.bench.records", {"signal": "logs"}),
    "metrics": _Bench("tests.bench.records", {"signal": "metrics"}),
    "restart": _Bench("tests.bench.restart"),
    "query": _Bench("tests.bench.query"),
    "files": _Bench("tests.bench.files"),
    "rollup": _Bench("tests.bench.rollup"),
    "rules": _Bench("tests.bench.rules"),
    "notified": _Bench("tests.bench.notified"),
    "sdk": _Bench("tests.bench.sdk"),
    "api": _Bench("tests.bench.api"),
    "browse": _Bench("tests.bench.browse"),
    "told": _Bench("tests.bench.told"),
    "watched": _Bench("tests.bench.watched"),
    "views": _Bench("tests.bench.views"),
}


def main(words: Sequence[str]) -> int:
    """Runs the bench that is named; 1 where something was wrong."""
    names = ArgumentParser("python -m tests.bench", description=__doc__)
    names.add_argument("bench", choices=BENCHES)
    name = names.parse_args(words[:1]).bench
    bench = BENCHES[name]
    module = import_module(bench.module)
    parser = ArgumentParser(
        f"python -m tests.bench {name}",
        description=f"{module.__doc__}\n{getdoc(module.Plan)}",
        formatter_class=RawDescriptionHelpFormatter,
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    for option in fields(module.Plan):
        if option.name not in bench.plan:
            _add(parser, option.name, option.default)
    chosen = vars(parser.parse_args(words[1:]))
    as_json = chosen.pop("json")
    plan = module.Plan(**bench.plan, **chosen)
    figures = asdict(module.measure(plan, lambda line: print(line, file=sys.stderr, flush=True)))
    if as_json:
        print(json.dumps(figures))
    else:
        for figure, value in figures.items():
            print(f"{figure:32} {value}")
    errors = figures.get("errors", [])
    for error in errors:
        print(f"wrong: {error}", file=sys.stderr)
    return 1 if errors else 0


def _add(parser: ArgumentParser, name: str, default: Any) -> None:
    """An option of a plan: a switch, one value, or several, of the type of the default."""
    flag = f"--{name.replace('_', '-')}"
    if isinstance(default, bool):
        parser.add_argument(flag, action="store_true", default=default)
    elif isinstance(default, tuple):
        parser.add_argument(flag, nargs="+", type=type(default[0]), default=default, help="default: %(default)s")
    else:
        kind = str if default is None else type(default)
        parser.add_argument(flag, type=kind, default=default, help="default: %(default)s")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
