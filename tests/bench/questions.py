"""How long the questions of a dashboard take, and what the same would take without what makes them quick.

In: a data directory and the end of its last day. Out: milliseconds of each question, and of its naive form.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any, Final

from exporter.clock import SystemClock
from exporter.query.ask import sql
from exporter.query.figures import Of, figures
from exporter.query.logs import search_logs
from exporter.query.period import DAY, HOUR, MINUTE, Period
from exporter.query.providers import providers
from exporter.query.views import Views, reading
from exporter.units import NS_PER_MS, NS_PER_S
from tests.bench.rounds import Say

_FOUND: Final = "order"
"""A word that is in two of three log records, and one that is in none."""
_NOT_FOUND: Final = "nosuchword"
_NAIVE_RUNS: Final = 2
_ALL_LOGS: Final = """
    SELECT * FROM logs
    WHERE (body ILIKE $word OR event_name ILIKE $word) AND time >= to_timestamp($start) AND time < to_timestamp($end)
    ORDER BY time DESC LIMIT 100
"""

Question = Callable[[Views, Period], object]
"""Asked of a day."""


@dataclass(frozen=True, slots=True)
class Answered:
    """Medians in milliseconds by question, the first run left out; `naive_ms` has those that have a naive form."""

    question_ms: dict[str, float]
    naive_ms: dict[str, float]


def _month(day: Period) -> Period:
    return Period(day.end_ns - 30 * DAY, day.end_ns)


def _hour(day: Period) -> Period:
    return Period(day.end_ns - 12 * HOUR, day.end_ns - 11 * HOUR)


def _logs(word: str, period: Callable[[Period], Period] = lambda day: day) -> Question:
    return lambda views, day: search_logs(views, period(day), word)


def _all_logs(word: str, period: Callable[[Period], Period] = lambda day: day) -> Question:
    def ask(views: Views, day: Period) -> object:
        of = period(day)
        values: dict[str, Any] = {"word": f"%{word}%", "start": of.start_ns / NS_PER_S, "end": of.end_ns / NS_PER_S}
        return sql(views.data, _ALL_LOGS, values)

    return ask


# A question and, of some, the same from the records themselves.
_QUESTIONS: Final[Mapping[str, tuple[Question, Question | None]]] = {
    "cost_by_provider_5m_24h": (
        lambda views, day: figures(views, day, by=["provider"], step_ns=5 * MINUTE, percentiles=False),
        lambda views, day: figures(views, day, by=["provider"], step_ns=5 * MINUTE, from_rollups=False),
    ),
    "p95_by_provider_5m_24h": (
        lambda views, day: figures(views, day, by=["provider"], step_ns=5 * MINUTE),
        lambda views, day: figures(views, day, by=["provider"], step_ns=5 * MINUTE, from_rollups=False),
    ),
    "p95_by_model_1h_24h": (
        lambda views, day: figures(views, day, by=["model"], step_ns=HOUR),
        lambda views, day: figures(views, day, by=["model"], step_ns=HOUR, from_rollups=False),
    ),
    "p95_by_service_24h": (
        lambda views, day: figures(views, day, of=Of.SPANS, by=["service"]),
        lambda views, day: figures(views, day, of=Of.SPANS, by=["service"], from_rollups=False),
    ),
    "p95_by_model_1d_30d": (
        lambda views, day: figures(views, _month(day), by=["model"], step_ns=DAY),
        lambda views, day: figures(views, _month(day), by=["model"], step_ns=DAY, from_rollups=False),
    ),
    "provider_health": (lambda views, day: providers(views, day.end_ns), None),
    "logs_found_24h": (_logs(_FOUND), _all_logs(_FOUND)),
    "logs_not_found_24h": (_logs(_NOT_FOUND), _all_logs(_NOT_FOUND)),
    "logs_found_1h": (_logs(_FOUND, _hour), _all_logs(_FOUND, _hour)),
    "logs_not_found_1h": (_logs(_NOT_FOUND, _hour), _all_logs(_NOT_FOUND, _hour)),
}


def answered(data: Path, end_ns: int, runs: int, say: Say) -> Answered:
    """Asks each question `runs` times and once more, about the day that ends at `end_ns` (Unix nanoseconds)."""
    end = end_ns // HOUR * HOUR
    day = Period(end - DAY, end)
    found = Answered({}, {})
    with reading(data) as views:
        for name, (question, naive) in _QUESTIONS.items():
            found.question_ms[name] = _median_ms(question, views, day, runs)
            if naive is not None:
                found.naive_ms[name] = _median_ms(naive, views, day, min(runs, _NAIVE_RUNS))
            say(f"{name}: {found.question_ms[name]} ms, naive {found.naive_ms.get(name, '-')}")
    return found


def _median_ms(question: Question, views: Views, day: Period, runs: int) -> float:
    clock = SystemClock()
    times = []
    for _ in range(runs + 1):
        began = clock.monotonic()
        question(views, day)
        times.append((clock.monotonic() - began) / NS_PER_MS)
    return round(median(times[1:]), 1)
