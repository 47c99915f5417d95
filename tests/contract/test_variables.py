"""The server knows which variables are the SDK's, and warns of the others."""

import re
from pathlib import Path

import otel_ax
from exporter.settings.table import SDK_VARIABLES


def test_the_variables_of_the_sdk_are_no_slips() -> None:
    sources = [path.read_text(encoding="utf-8") for path in Path(otel_ax.__file__).parent.rglob("*.py")]
    assert {
        name for source in sources for name in re.findall(r'"(AX_[A-Z_]+)"', source) if name != "AX_"
    } == SDK_VARIABLES
