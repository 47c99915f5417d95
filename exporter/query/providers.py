"""Provider health: healthy, degraded or down, and why.

In: the last minutes' calls and the day's rollup. Out: a state and a sentence for each provider.
"""

from dataclasses import dataclass
from typing import Final, Literal

from exporter.query.answer import SKETCH, Answer
from exporter.query.period import DAY, HOUR, MINUTE, Period
from exporter.query.views import Views, text
from exporter.units import NS_PER_US

State = Literal["healthy", "degraded", "down", "idle"]
WORST_FIRST: Final[tuple[State, ...]] = ("down", "degraded", "healthy", "idle")


@dataclass(frozen=True, slots=True)
class Bounds:
    """When a provider is no longer healthy: its success rate over `window_ns`, its p95 against that of the day."""

    window_ns: int = 5 * MINUTE
    degraded_success: float = 0.95
    down_success: float = 0.5
    degraded_latency: float = 2.0
    last_calls: int = 10


_RECENT: Final = 65_536
"""Where there are many spans, last calls are looked for among so many."""
DEFAULTS: Final = Bounds()


@dataclass(frozen=True, slots=True)
class Seen:
    """What is known of a provider: counts of the window, its p95 there and over a day, its last calls."""

    provider: str
    count: int
    failed: int
    p95_ns: int | None
    p95_day_ns: int | None
    cost_nanos: int
    last_count: int
    last_succeeded: int


@dataclass(frozen=True, slots=True)
class Provider:
    """A provider's health; `success_ratio` is None where nothing was called in the window."""

    provider: str
    state: State
    reason: str
    success_ratio: float | None
    count: int
    failed: int
    p95_ns: int | None
    p95_day_ns: int | None
    cost_nanos: int


def providers(views: Views, now_ns: int, bounds: Bounds = DEFAULTS) -> Answer[Provider]:
    """The health of each provider that was called within the day before `now_ns`, the worst first."""
    window = Period.last(bounds.window_ns, now_ns)
    recent = Period(window.start_ns - HOUR, window.end_ns)
    daily = _daily(views, Period.last(DAY, now_ns))
    found: tuple[Seen, ...] = ()
    if views.has_many(recent):
        last = views.last(_RECENT, recent) or recent
        found = _seen(views, window, last, daily, text("provider_cells"), bounds)
    # Of a provider with few calls among them, whether its last ones failed is told by all of them.
    if not found or any(one.failed >= bounds.last_calls > one.last_count for one in found):
        found = _seen(views, window, recent, daily, text("provider_calls"), bounds)
    judged = [judge(seen, bounds) for seen in found]
    ranked = sorted(judged, key=lambda one: (WORST_FIRST.index(one.state), -one.count, one.provider))
    return Answer(tuple(ranked), SKETCH, window, "llm_calls, cells_1hour")


def _daily(views: Views, day: Period) -> list[dict[str, object]]:
    day, glance = views.glance(day)
    within = Period(day.start_ns, day.end_ns + HOUR)  # cells of minutes are part of hours that begin in it
    found: list[dict[str, object]] = views.table("provider_day", day.us(), within=within, glance=glance).to_pylist()
    return found


def _seen(
    views: Views,
    window: Period,
    recent: Period,
    daily: list[dict[str, object]],
    windowed: str,
    bounds: Bounds,
) -> tuple[Seen, ...]:
    parameters = {
        **window.us(),
        "recent_us": recent.start_ns // NS_PER_US,
        "calls": bounds.last_calls,
        "daily": daily,
    }
    places = {"windowed": windowed, "calls": text("counted_calls")}
    within = Period(min(recent.start_ns, window.widened(MINUTE).start_ns), recent.end_ns)
    return views.rows("provider_health", Seen, parameters, places, within=within)


def judge(seen: Seen, bounds: Bounds = DEFAULTS) -> Provider:
    """The state that follows from what was seen."""
    ratio = (seen.count - seen.failed) / seen.count if seen.count else None
    state, reason = _state(seen, ratio, bounds)
    return Provider(
        seen.provider,
        state,
        reason,
        ratio,
        seen.count,
        seen.failed,
        seen.p95_ns,
        seen.p95_day_ns,
        seen.cost_nanos,
    )


def _state(seen: Seen, ratio: float | None, bounds: Bounds) -> tuple[State, str]:
    if ratio is None:
        return "idle", "no call within the window"
    if seen.last_count >= bounds.last_calls and seen.last_succeeded == 0:
        return "down", f"none of its last {seen.last_count} calls succeeded"
    if ratio < bounds.down_success:
        return "down", f"{ratio * 100:.1f} % of calls succeeded"
    if ratio < bounds.degraded_success:
        return "degraded", f"{ratio * 100:.1f} % of calls succeeded"
    if seen.p95_ns and seen.p95_day_ns and seen.p95_ns > bounds.degraded_latency * seen.p95_day_ns:
        return "degraded", f"its p95 is {seen.p95_ns / seen.p95_day_ns:.1f} times that of the day"
    return "healthy", f"{ratio * 100:.1f} % of calls succeeded"
