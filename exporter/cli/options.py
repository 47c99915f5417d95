"""Options that several commands have.

In: nothing. Out: annotated types for typer, and the data directory that they mean.
"""

import os
from pathlib import Path
from typing import Annotated

import typer

from exporter import settings

Data = Annotated[
    Path | None,
    typer.Option("--data", metavar="DIR", help="The data directory; else AX_DATA, else the platform's own."),
]
ConfigFile = Annotated[
    Path | None,
    typer.Option("--config", metavar="FILE", help="Settings in YAML; else ax.yaml in the data directory."),
]

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Since = Annotated[str | None, typer.Option(metavar="DURATION", help="Only the last 15m, 1h, 7d …")]
Where = Annotated[
    str | None,
    typer.Option("--filter", metavar="FILTER", help='Only what fulfils it: provider = "openai" and duration > 2s'),
]
Range = Annotated[str, typer.Option("--range", metavar="DURATION", help="How far back: 15m, 1h, 7d …")]
By = Annotated[
    str | None, typer.Option("--by", metavar="FIELDS", help="Tell apart by provider, model, tenant … ; several: a,b")
]
Limit = Annotated[int, typer.Option("--limit", "-n", min=1, max=10_000, help="Most rows.")]


def fields(by: str | None) -> tuple[str, ...]:
    """The fields that `--by` names."""
    return tuple(name.strip() for name in (by or "").split(",") if name.strip())


def directory(data: Path | None) -> Path:
    """The data directory that `--data` and the environment name."""
    return settings.find_data(data, os.environ)
