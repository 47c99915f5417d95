"""`ax connect`.

In: a target's name. Out: what to install, what to set and how to see that it works, with this server's own addresses;
the targets are data, in `exporter/connect/*.yaml`.
"""

import re
import shutil
import sys
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, Final

import typer
import yaml

from exporter.cli.connect_grafana import grafana, provision
from exporter.cli.connect_parts import Part
from exporter.cli.options import AsJson, Data, directory
from exporter.cli.server import find
from exporter.cli.show import console, print_json
from exporter.errors import AxError

TARGETS: Final = Path(__file__).parents[1] / "connect"
GROUPS: Final = {
    "languages": "Programs",
    "frameworks": "Libraries and frameworks",
    "assistants": "Coding assistants",
    "voice": "Voice agents",
    "pipelines": "Collectors",
    "readers": "Who reads",
}
"""Files of targets in the order of the list, and their headings."""

CHECKED: Final = "2026-11-22"
_SEE: Final = "SELECT name, count(*) AS spans FROM spans WHERE service_name = '{{service}}' GROUP BY ALL"
_ENV: Final = """\
export OTEL_EXPORTER_OTLP_ENDPOINT={{http_url}}
export OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf
export OTEL_EXPORTER_OTLP_HEADERS="Authorization=Bearer%20{{token}}"
export OTEL_SERVICE_NAME={{service}}"""
_PLAIN: Final = re.compile(r"[\w.:/\[\]@+-]+")


class UnknownTarget(AxError):
    """Nobody of that name is known."""


def connect(  # noqa: PLR0913 (its options)
    target: Annotated[str | None, typer.Argument(metavar="TARGET", help="Whom to connect; without, the list.")] = None,
    *,
    http: Annotated[
        str | None, typer.Option("--http", metavar="URL", help="OTLP/HTTP, if not the running server's.")
    ] = None,
    grpc: Annotated[str | None, typer.Option("--grpc", metavar="HOST:PORT", help="OTLP/gRPC, likewise.")] = None,
    ui: Annotated[str | None, typer.Option("--ui", metavar="URL", help="API, likewise.")] = None,
    token: Annotated[str | None, typer.Option(metavar="TOKEN", help="Of `ax token create`, if one is needed.")] = None,
    service: Annotated[str, typer.Option(metavar="NAME", help="What the program is to be called.")] = "my-app",
    write: Annotated[Path | None, typer.Option(metavar="DIR", help="Of grafana: where its files go.")] = None,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Print what connects a program, a coding assistant or a dashboard to this server.

    ax connect
    ax connect python --service shop
    ax connect claude-code
    ax connect grafana --write grafana
    """
    folder = directory(data).resolve()
    if target is None:
        _list(as_json=as_json)
        return
    places = _places(folder, http=http, grpc=grpc, ui=ui)
    named = {**places, "service": service, "token": token or "", "data": str(folder), "ax": _command()}
    for name in ("service", "token"):
        if named[name] and not _PLAIN.fullmatch(named[name]):
            raise AxError(
                f"a {name} of letters, digits and . : / @ + - is needed, not {named[name]!r}", mend="choose one"
            )
    if target == "grafana":
        parts, see = grafana(folder, write), ""
        if write is not None:
            provision(folder, write)
        checked = "the data source's code, 0.4.5, and its DuckDB; not in a Grafana"
    else:
        about = targets().get(target)
        if about is None:
            raise UnknownTarget(f"nobody is known as {target!r}", mend="`ax connect` lists whom there is")
        parts = [Part(one["title"], one["language"], filled(one["text"], named)) for one in about["parts"]]
        see, checked = filled(about.get("see", _SEE), named), about["checked"]
    if as_json:
        print_json(
            {"target": target, "checked": f"{CHECKED}: {checked}", "parts": [asdict(one) for one in parts], "see": see}
        )
        return
    _print(parts, see, folder)
    print(f"# checked {CHECKED}: {checked}")


def targets() -> dict[str, Mapping[str, Any]]:
    """What is said of each target but Grafana, which is more than a text."""
    return {name: about for group in GROUPS for name, about in _group(group).items()}


def filled(text: str, named: Mapping[str, str]) -> str:
    """`text` with what stands in `{{…}}`; lines of a token go where there is none."""
    text = text.replace("{{env}}", _ENV).strip()
    lines = [line for line in text.split("\n") if named["token"] or "{{token}}" not in line]
    return re.sub(r"\{\{(\w+)\}\}", lambda found: named[found[1]], "\n".join(lines))


def _group(name: str) -> dict[str, Mapping[str, Any]]:
    found: dict[str, Mapping[str, Any]] = yaml.safe_load((TARGETS / f"{name}.yaml").read_text(encoding="utf-8"))
    return found


def _places(data: Path, *, http: str | None, grpc: str | None, ui: str | None) -> dict[str, str]:
    """Addresses: those told, else those of the server that runs, else the defaults."""
    running = find(data)
    scheme = running.scheme if running else "http"
    http_url = _url(http or (running.http if running else "localhost:4318"), scheme)
    ui_url = _url(ui or (running.ui if running else "localhost:4319"), scheme)
    host, _, port = http_url.split("://")[1].rpartition(":")
    return {
        "http_url": http_url,
        "http_host": host.strip("[]"),
        "http_port": port,
        "grpc": grpc or (running.grpc if running else "localhost:4317"),
        "ui_url": ui_url,
        "scheme": ui_url.split("://")[0],
        "ui": ui_url.split("://")[1],
    }


def _url(place: str, scheme: str) -> str:
    url = (place if "://" in place else f"{scheme}://{place}").rstrip("/")
    if not re.fullmatch(r"https?://(\[[0-9a-fA-F:]+\]|[\w.-]+):\d+", url):
        raise AxError(f"cannot read {place!r}", mend="write HOST:PORT or http://HOST:PORT")
    return url


def _command() -> str:
    """Where `ax` is, for programs that know no PATH."""
    return shutil.which("ax") or str(Path(sys.executable).with_name("ax"))


def _list(*, as_json: bool) -> None:
    listed = {
        heading: {name: about["about"] for name, about in _group(group).items()} for group, heading in GROUPS.items()
    }
    listed[GROUPS["readers"]] |= {"grafana": "Grafana, five dashboards"}
    if as_json:
        print_json(listed)
        return
    for heading, those in listed.items():
        print(heading)
        for name, about in those.items():
            print(f"  {name:15} {about}")
    print("\n`ax connect TARGET` prints what to install and what to set.")


def _print(parts: list[Part], see: str, data: Path) -> None:
    out = console()
    for part in parts:
        out.print(f"# {part.title}", style="bold", markup=False, highlight=False, soft_wrap=True)
        print(f"{part.text}\n")
    if see:
        out.print("# See that it works", style="bold", markup=False, highlight=False)
        print(f'ax sql --data {data} "{see}"\n')
