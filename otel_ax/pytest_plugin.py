"""pytest's fixture `otel_ax_recorder`.

In: a test that names it. Out: a `Recorder` of what the test makes its code tell.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from otel_ax.testing import Recorder

__all__ = ["otel_ax_recorder"]


@pytest.fixture
def otel_ax_recorder() -> "Iterator[Recorder]":
    """Spans, logs and metrics of this test, in memory; ids and times are the same each run."""
    from otel_ax.testing import recording  # noqa: PLC0415 (other tests of a suite need no SDK)

    with recording() as recorder:
        yield recorder
