"""`ax export`.

In: a view, a time range, a condition. Out: a file, or OTLP to another endpoint.
"""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from exporter import query
from exporter.cli.options import AsJson, Data, Since, Where, directory
from exporter.errors import AxError
from exporter.query import Format
from exporter.units import parse_duration


def export(  # noqa: PLR0913, PLR0917 (a command's options)
    view: Annotated[str, typer.Argument(help="A view, such as spans, logs or llm_calls.")],
    output: Annotated[Path | None, typer.Option("--output", "-o", metavar="FILE", help="The file to write.")] = None,
    to: Annotated[
        str | None, typer.Option("--to", metavar="URL", help="An OTLP/HTTP endpoint to send the records to.")
    ] = None,
    form: Annotated[Format, typer.Option("--format", "-f", help="What the file is.")] = Format.PARQUET,
    since: Since = None,
    where: Annotated[str | None, typer.Option(metavar="SQL", help="Only rows for which this SQL is true.")] = None,
    condition: Where = None,
    header: Annotated[
        list[str] | None, typer.Option(metavar="NAME=VALUE", help="A header for the endpoint, such as a token.")
    ] = None,
    data: Data = None,
    *,
    force: Annotated[bool, typer.Option("--force", help="Replace the file if it is there.")] = False,
    as_json: AsJson = False,
) -> None:
    """Write rows of a view to a file, or send records to another OTLP endpoint as they came in.

    ax export spans -o spans.parquet
    ax export logs --since 1h --where "severity_number >= 17" --format csv -o errors.csv
    ax export spans --since 1d --filter 'provider = openai and duration > 2s' --to http://localhost:14318

    Sending gives back what was received: ids, times, types of attributes, events and links.
    """
    if (output is None) == (to is None):
        raise typer.BadParameter("say where to: -o FILE, or --to URL")
    since_ns = parse_duration(since) if since else None
    path = directory(data)
    parsed = query.condition_on(view, condition)
    if to is not None:
        from exporter.cli import replay

        found = query.requests(path, view, since_ns=since_ns, where=where, condition=parsed)
        replayed = replay.send(to, found, _headers(header or []))
        if as_json:
            print(json.dumps({"sent": replayed.sent, "rejected": replayed.rejected, "to": to}))
        else:
            more = f", {replayed.rejected:,} of them rejected" if replayed.rejected else ""
            print(f"{replayed.sent + replayed.rejected:,} records sent to {to}{more}", file=sys.stderr)
        raise typer.Exit(int(bool(replayed.rejected)))
    assert output is not None  # noqa: S101 (said above)
    if output.exists() and not force:
        raise AxError(f"{output} is there already", mend="choose another file, or add --force")
    count = query.export(path, view, output, form, since_ns=since_ns, where=where, condition=parsed)
    if as_json:
        print(json.dumps({"rows": count, "file": str(output)}))
    else:
        print(f"{count} rows in {output}", file=sys.stderr)


def _headers(given: list[str]) -> dict[str, str]:
    headers = {}
    for text in given:
        name, sign, value = text.partition("=")
        if not sign or not name.strip():
            raise AxError(f"cannot read {text!r} as a header", mend="write --header NAME=VALUE")
        headers[name.strip()] = value.strip()
    return headers
