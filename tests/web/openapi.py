"""The dashboard's types are made from this: what the API says of itself, as a file.

In: the application. Out: `exporter/web/openapi.json`; `npm run types` makes TypeScript of it.
"""

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from exporter.api import create
from exporter.clock import SystemClock
from exporter.config import Config

WEB: Final = Path(__file__).parents[2] / "exporter" / "web"


def write() -> None:
    """Writes it, where it changed."""
    with TemporaryDirectory() as data:
        told = json.dumps(create(Config(data=Path(data)), SystemClock(), "0").openapi(), indent=1)
    place = WEB / "openapi.json"
    if not place.is_file() or place.read_text() != told:
        place.write_text(told)


if __name__ == "__main__":
    write()
