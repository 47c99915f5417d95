"""`ax config`.

In: the settings as `ax serve` would find them. Out: whether they are right; all of them, as YAML that it would read.
"""

import os
from collections.abc import Mapping
from typing import Annotated

import typer

from exporter import settings
from exporter.cli.options import ConfigFile, Data

app = typer.Typer(no_args_is_help=True, help="Check and show the settings.")


@app.command()
def check(data: Data = None, config: ConfigFile = None) -> None:
    """Say whether `ax serve` would take the settings.

    ax config check --config ax.yaml
    """
    resolved = settings.resolve(data, config, os.environ, {})
    changed = len(resolved.origins)
    print(f"ok: {changed} setting{'' if changed == 1 else 's'} set, the data directory is {resolved.config.data}")


@app.command()
def show(
    data: Data = None,
    config: ConfigFile = None,
    *,
    defaults: Annotated[bool, typer.Option("--defaults", help="The defaults, whatever is set.")] = False,
) -> None:
    """Print every setting as YAML, each with its variable, where its value came from and what it means.

    ax config show
    ax config show --defaults > ax.yaml
    """
    if defaults:
        print(as_yaml({setting.path: setting.default for setting in settings.table()}, {}), end="")
    else:
        resolved = settings.resolve(data, config, os.environ, {})
        print(as_yaml(settings.values(resolved.config), resolved.origins), end="")


def as_yaml(values: Mapping[str, str], origins: Mapping[str, str]) -> str:
    """All settings with `values` and comments; the data directory, which a file in it cannot set, is a comment."""
    lines: list[str] = []
    open_sections: list[str] = []
    for setting in settings.table():
        *sections, name = setting.path.split(".")
        shared = sum(1 for a, b in zip(sections, open_sections, strict=False) if a == b)
        lines += [f"{'  ' * depth}{section}:" for depth, section in enumerate(sections) if depth >= shared]
        open_sections = sections
        origin = f" (from {origins[setting.path]})" if setting.path in origins else ""
        entry = f"{'# ' if setting.path == 'data' else '  ' * len(sections)}{name}: {values[setting.path]}"
        lines.append(f"{entry:<34}  # {setting.variable}{origin}: {setting.description}")
    return "\n".join([*lines, ""])
