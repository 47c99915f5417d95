"""Budgets as they are written, and their periods by the calendar of a time zone."""

from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otel_ax.accounts import Budget, Per, period_start
from otel_ax.budget_settings import read_budgets
from otel_ax.errors import BadSettings

BERLIN = "Europe/Berlin"


@pytest.mark.parametrize(
    ("at", "per", "zone", "start"),
    [
        ("2026-11-18T12:34:56+00:00", "hour", "UTC", "2026-11-18T12:00:00+00:00"),
        ("2026-11-18T23:30:00+00:00", "day", "UTC", "2026-11-18T00:00:00+00:00"),
        ("2026-11-18T23:30:00+00:00", "day", BERLIN, "2026-11-18T23:00:00+00:00"),
        ("2026-10-25T22:30:00+00:00", "day", BERLIN, "2026-10-24T22:00:00+00:00"),  # a day of 25 hours
        ("2026-10-25T01:30:00+00:00", "hour", BERLIN, "2026-10-25T01:00:00+00:00"),  # the second 2 o'clock
        ("2026-11-18T12:00:00+00:00", "week", "UTC", "2026-11-16T00:00:00+00:00"),
        ("2026-11-30T23:30:00+00:00", "month", BERLIN, "2026-11-30T23:00:00+00:00"),
        ("2026-11-18T12:10:00+00:00", "hour", "Asia/Kolkata", "2026-11-18T11:30:00+00:00"),
    ],
)
def test_a_period_starts_by_the_calendar_of_its_zone(at: str, per: Per, zone: str, start: str) -> None:
    at_ns = int(datetime.fromisoformat(at).timestamp()) * 10**9
    assert period_start(at_ns, per, zone).astimezone(UTC).isoformat() == start


@given(
    st.integers(1_600_000_000, 2_000_000_000),
    st.integers(1, 90_000),
    st.sampled_from(["hour", "day", "week", "month"]),
    st.sampled_from(["UTC", BERLIN, "America/New_York", "Asia/Kolkata"]),
)
def test_periods_follow_each_other_and_hold_their_time(at: int, later: int, per: Per, zone: str) -> None:
    start = period_start(at * 10**9, per, zone)
    assert start.timestamp() <= at
    assert start.tzinfo == ZoneInfo(zone)
    after = period_start((at + later) * 10**9, per, zone)
    assert after.timestamp() >= start.timestamp()
    assert period_start(int(start.timestamp()) * 10**9, per, zone).timestamp() == start.timestamp()


@pytest.mark.parametrize(
    "parts", [{"usd": 0}, {"usd": "x"}, {"usd": 1, "per": "year"}, {"usd": 1, "action": "stop"},
              {"usd": 1, "timezone": "Mars/Olympus"}, {"usd": float("nan")}]
)  # fmt: skip
def test_a_budget_that_cannot_be_meant_is_refused(parts: dict[str, object]) -> None:
    with pytest.raises(BadSettings, match="write"):
        Budget("b", **parts)  # type: ignore[arg-type]


def test_budgets_are_read_from_a_variable_and_from_a_file(tmp_path: Path) -> None:
    told = read_budgets(f"research=5/day; acme=100.50/month,tenant=acme,timezone={BERLIN},action=warn")
    assert [(b.name, float(b.usd), b.per, b.scope, b.action, b.timezone) for b in told] == [
        ("research", 5.0, "day", {}, "raise", "UTC"),
        ("acme", 100.5, "month", {"tenant": "acme"}, "warn", BERLIN),
    ]
    file = tmp_path / "budgets.toml"
    file.write_text('[[budget]]\nname = "a"\nusd = 0.1\nper = "hour"\nmodel = "gpt-4o"\n')
    (read,) = read_budgets(str(file))
    assert (read.limit_nanos, read.per, read.scope) == (100_000_000, "hour", {"model": "gpt-4o"})


@pytest.mark.parametrize("text", ["x", "x=5", "=5/day", "x=five/day", "x=5/day,who=me", "x=5/day,tenant", "no.toml"])
def test_budgets_that_cannot_be_read_say_so(text: str) -> None:
    with pytest.raises(BadSettings):
        read_budgets(text)
