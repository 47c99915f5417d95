"""`ax export`.

In: a view, a time range, a condition. Out: a file.
"""

import sys
from pathlib import Path
from typing import Annotated

import typer

from exporter import query
from exporter.cli.options import Data, directory
from exporter.errors import AxError
from exporter.query import Format
from exporter.units import parse_duration


def export(
    view: Annotated[str, typer.Argument(help="A view, such as spans or logs.")],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="The file to write.")],
    form: Annotated[Format, typer.Option("--format", "-f", help="What the file is.")] = Format.PARQUET,
    since: Annotated[str | None, typer.Option(metavar="DURATION", help="Only the last 15m, 1h, 7d …")] = None,
    where: Annotated[str | None, typer.Option(metavar="SQL", help="Only rows for which this is true.")] = None,
    data: Data = None,
    *,
    force: Annotated[bool, typer.Option("--force", help="Replace the file if it is there.")] = False,
) -> None:
    """Write rows of a view to a file.

    ax export spans -o spans.parquet
    ax export logs --since 1h --where "severity_number >= 17" --format csv -o errors.csv
    """
    if output.exists() and not force:
        raise AxError(f"{output} is there already", mend="choose another file, or add --force")
    since_ns = parse_duration(since) if since else None
    count = query.export(directory(data), view, output, form, since_ns=since_ns, where=where)
    print(f"{count} rows in {output}", file=sys.stderr)
