"""`ax cost`: why a call cost what it did, and prices of stored calls anew.

In: a span; or how far back. Out: a bill; rows that were priced otherwise.
"""

from datetime import date
from typing import Annotated, Final

import typer
from rich.text import Text

from exporter.cli import words
from exporter.cli.erase import order
from exporter.cli.options import AsJson, ConfigFile, Data, directory
from exporter.cli.show import Column, console, print_json, table
from exporter.clock import SystemClock
from exporter.errors import AxError
from exporter.query.calls import Bill, bill
from exporter.query.views import reading
from exporter.units import parse_duration

app: Final = typer.Typer(
    add_completion=False, no_args_is_help=True, help="Explain what calls cost, and price them anew."
)
_DAY_NS: Final = 86_400 * 10**9


@app.command()
def explain(
    span: Annotated[str, typer.Argument(metavar="SPAN", help="A span's id, or the beginning of it.")],
    data: Data = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Show what a call cost, part by part, and by which price.

    ax cost explain 4f2a91c03b7de512
    """
    with reading(directory(data)) as views:
        found = bill(views, span)
    lines = _lines(found)
    if as_json:
        about = {name: getattr(found, name) for name in Bill.__dataclass_fields__}
        parts = [{"part": name, "tokens": tokens, "cost_nanos": nanos} for name, tokens, nanos in lines]
        print_json({**about, "start_time": words.iso(found.start_ns), "parts": parts})
        return
    screen = console()
    screen.print(Text(f"{found.name}  {found.span_id}", style="bold"))
    model = found.model or found.response_model or "no model"
    answered = f", answered by {found.response_model}" if found.response_model not in {None, found.model} else ""
    screen.print(Text(f"{found.provider or 'no provider'} {model}{answered}, {words.clock(found.start_ns)}"))
    screen.print()
    if found.cost_nanos is None:
        screen.print(Text(f"no price: {found.unpriced or _why_not(found)}", style="yellow"))
    if lines:
        screen.print(table(lines, _PARTS))
    if found.cost_nanos is not None:
        said = f"price of {found.price_version}" + (f", as of {found.price_date}" if found.price_date else "")
        screen.print(Text(f"\n{said}", style="dim"))
    if found.tokens_inclusive is False:
        screen.print(Text("the sender's input tokens leave cached ones out; here they are added", style="dim"))
    if found.cost_reported_nanos is not None:
        difference = found.cost_nanos - found.cost_reported_nanos if found.cost_nanos is not None else None
        off = f", ours is {words.money(abs(difference))} {'more' if difference > 0 else 'less'}" if difference else ""
        screen.print(Text(f"the sender says {words.money(found.cost_reported_nanos)}{off}", style="dim"))


@app.command()
def reprice(
    since: Annotated[str, typer.Option(metavar="DATE|DURATION", help="Calls from then on: 2026-11-01, or 7d.")],
    data: Data = None,
    config: ConfigFile = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Price stored calls anew, by today's price list, at the prices of their own time.

    ax cost reprice --since 7d
    ax cost reprice --since 2026-11-01

    Segments are rewritten, rollups corrected. Use it after a price list was updated, or one of your own was added. A
    running server does it; where none runs, this command does.
    """
    outcome = order(directory(data), config, "reprice", {"since_ns": _since(since)})
    if as_json:
        print_json(dict(outcome))
    else:
        changed = sum(outcome["rows"].values())
        print(f"{changed:,} calls have another price, in {outcome['segments']} rewritten files")


def _since(text: str) -> int:
    """Unix nanoseconds."""
    try:
        return (date.fromisoformat(text) - date(1970, 1, 1)).days * _DAY_NS
    except ValueError:
        try:
            return SystemClock().wall() - parse_duration(text)
        except AxError:
            raise AxError(f"cannot read {text!r} as a day or a duration", mend="write 2026-11-01, or 7d") from None


def _why_not(found: Bill) -> str:
    return "it is not an LLM call that counts" if not found.is_counted else "not known"


_Line = tuple[str, int | float | None, int | None]


def _lines(found: Bill) -> list[_Line]:
    cached = (found.tokens_cache_read or 0) + (found.tokens_cache_write or 0)
    fresh = None if found.tokens_input is None else max(found.tokens_input - cached, 0)
    lines: list[_Line] = [
        ("input", fresh, found.cost_input_nanos),
        ("read from cache", found.tokens_cache_read, found.cost_cache_read_nanos),
        ("written to cache", found.tokens_cache_write, found.cost_cache_write_nanos),
        ("output", found.tokens_output, found.cost_output_nanos),
        ("audio and speech", found.speech_seconds or found.speech_characters, found.cost_other_nanos),
        ("together", None, found.cost_nanos),
    ]
    return [line for line in lines if line[1] or line[2]]


_PARTS: Final[list[Column[_Line]]] = [
    Column("part", lambda row: row[0], "part"),
    Column("amount", lambda row: row[1], "tokens", words.count),
    Column("each", lambda row: row[2] / row[1] * 1e6 if row[1] and row[2] else None, "per million", words.money),
    Column("cost_nanos", lambda row: row[2], "cost", words.money),
]
