"""Figures as people read them, and bars of a waterfall."""

import io

import pytest
from rich.console import Console

from exporter.cli import words
from exporter.cli.waterfall import Bar, drawn, waterfall

MS = 10**6
S = 10**9


@pytest.mark.parametrize(
    ("ns", "said"),
    [
        (None, "–"),
        (0, "0 ns"),
        (1_500, "2 µs"),
        (1_500_000, "1.5 ms"),
        (340 * MS, "340 ms"),
        (1_234 * MS, "1.23 s"),
        (59 * S, "59.0 s"),
        (125 * S, "2m 05s"),
        (3_725 * S, "1h 02m"),
        (36 * 3_600 * S, "1.5 d"),
    ],
)
def test_durations(ns: int | None, said: str) -> None:
    assert words.duration(ns) == said


@pytest.mark.parametrize(
    ("nanos", "said"),
    [
        (None, "–"),
        (0, "$0.00"),
        (200, "$0.0000002"),
        (435_000, "$0.000435"),
        (8_060_000, "$0.0081"),
        (1_234_567 * 10**7, "$12,345.67"),
    ],
)
def test_money(nanos: int | None, said: str) -> None:
    assert words.money(nanos) == said


def test_counts_ratios_and_sizes() -> None:
    assert [words.count(number) for number in (None, 0, 1_234, 12_300_000, 7.25)] == [
        "–",
        "0",
        "1,234",
        "12.3M",
        "7.25",
    ]
    assert [words.ratio(part) for part in (None, 0.5, 1)] == ["–", "50.0 %", "100.0 %"]
    assert [words.change(part) for part in (None, 0.123, -0.5)] == ["–", "+12 %", "−50 %"]
    assert [words.size(size) for size in (12, 1_500, 2_500_000)] == ["12 B", "1.5 kB", "2.5 MB"]


def test_a_sparkline_is_as_high_as_its_values() -> None:
    assert words.spark([0, 1, 2, None, 4]) == "▁▃▅ █"
    assert words.spark([0, 0]) == "▁▁"
    assert words.spark([]) == ""


def test_times_are_said_in_utc_for_programs() -> None:
    assert words.iso(1_795_262_400_123_456_789) == "2026-11-21T12:00:00.123456Z"


def test_bars_are_on_one_scale_and_never_vanish() -> None:
    def bar(start: int, took: int | None) -> str:
        return drawn(Bar(0, "x", start, took), 0, 100, 20)

    assert bar(0, 100) == "█" * 20
    assert bar(50, 50) == " " * 10 + "█" * 10
    assert bar(0, 0) == "▏" + " " * 19
    assert bar(100, 0).strip() == "▏"
    assert bar(75, None) == " " * 15 + "▒" * 5
    assert all(len(bar(start, took)) == 20 for start in range(0, 101, 7) for took in (0, 1, 33, 100))


def test_a_waterfall_fits_the_screen_and_cannot_move_the_cursor() -> None:
    out = io.StringIO()
    bars = [Bar(0, "root " * 30, 0, 10 * S), Bar(30, "deep\x1b[2J", S, S, note="n" * 200), Bar(1, "open", 2 * S, None)]
    waterfall(bars, Console(file=out, width=80, color_system=None))
    lines = out.getvalue().splitlines()
    assert len(lines) == 3
    assert max(map(len, lines)) <= 80
    assert "\x1b" not in out.getvalue()
    assert "running" in lines[2]
