"""`ax files`.

In: a table. Out: the paths of its segments.
"""

from typing import Annotated

import typer

from exporter import query
from exporter.cli.options import Data, directory


def files(table: Annotated[str, typer.Argument(help="A table, such as spans or logs.")], data: Data = None) -> None:
    """List the Parquet files of a table as they are now, one a line.

    A glob over the data directory may count rows twice while files are merged; this list does not.

        ax files spans
        ax files logs | xargs du -ch
    """
    for path in query.files(directory(data), table):
        print(path)
