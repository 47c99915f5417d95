"""A restart with a full journal: ready at once, and everything is stored, once."""

from dataclasses import asdict

import pytest

from tests.bench import restart

READY_S = 3.0


@pytest.mark.slow
def test_a_server_that_finds_a_gigabyte_to_store_is_ready_within_three_seconds(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """It needs a machine that does nothing else meanwhile: an idle one is ready in half of that."""
    figures = restart.measure(restart.Plan(megabytes=1_074, rounds=3), say=lambda _: None)
    with capsys.disabled():
        print(f"\n{asdict(figures)}")  # noqa: T201
    assert figures.errors == []
    assert figures.stored_spans == figures.acked_spans > 1_000_000
    assert figures.ready_s <= READY_S
