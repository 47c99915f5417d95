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


def directory(data: Path | None) -> Path:
    """The data directory that `--data` and the environment name."""
    return settings.find_data(data, os.environ)
