"""What telemetry tells of others: providers, workers, queues, breakers, pools, caches, as `otel_ax` sends them.

In: providers' health, the last minutes' gauges, look-ups of caches, how many workflows run. Out: components.
Only what is seen has a component, so a program without a cache has no healthy cache.
"""

from collections.abc import Callable, Iterable
from typing import Final

from exporter.health.shapes import Component, State, level
from exporter.query.observed import Cache, Gauge
from exporter.query.providers import Provider
from otel_ax import semconv

MOST: Final = 100
"""Components of what is observed; the worst are shown."""
_BUSY: Final = (0.8, float("inf"))
_RUNNING: Final = (100.0, float("inf"))
_HIT_RATIO: Final = 0.4
_LEAST_LOOKUPS: Final = 20
_OPEN: Final = 2
_PROVIDERS: Final[dict[str, State]] = {"down": "unhealthy", "degraded": "degraded"}


def components(
    providers: Iterable[Provider], gauges: Iterable[Gauge], caches: Iterable[Cache], running: int
) -> dict[str, Component]:
    """A component for each thing that is seen, the worst first where there are too many."""
    found = {f"provider {one.provider}": _provider(one) for one in providers}
    for gauge in gauges:
        judge = _GAUGES.get(gauge.metric)
        if judge is not None:
            kind, judged = judge
            name = f"{kind} {gauge.name or gauge.service or 'unknown'}"
            found[name] = _worse(found.get(name), judged(gauge))
    for cache in caches:
        found[f"cache {cache.name}"] = _cache(cache)
    if running:
        found["workflows"] = level(running, _RUNNING, f"{running} workflows run", "observed")
    ranked = sorted(found.items(), key=lambda one: (("unhealthy", "degraded", "healthy").index(one[1].state), one[0]))
    return dict(sorted(ranked[:MOST]))


def _provider(one: Provider) -> Component:
    return Component(state=_PROVIDERS.get(one.state, "healthy"), detail=one.reason, part="observed")


def _up(gauge: Gauge) -> Component:
    is_up = gauge.value > 0
    detail = "it answers" if is_up else "a program says that it does not answer"
    return Component(state="healthy" if is_up else "unhealthy", detail=detail, part="observed")


def _share(words: str) -> Callable[[Gauge], Component]:
    return lambda gauge: level(gauge.value, _BUSY, f"{gauge.value * 100:.0f} % {words}", "observed")


def _waiting(gauge: Gauge) -> Component:
    return level(gauge.value, _RUNNING, f"{gauge.value:g} items wait", "observed")


def _breaker(gauge: Gauge) -> Component:
    if gauge.value >= _OPEN:
        return Component(state="unhealthy", detail="it is open", part="observed")
    half = gauge.value > 0
    return Component(
        state="degraded" if half else "healthy", detail="it is half open" if half else "it is closed", part="observed"
    )


def _cache(cache: Cache) -> Component:
    looked_up = cache.hits + cache.misses
    ratio = cache.hits / looked_up if looked_up else 1.0
    is_low = looked_up >= _LEAST_LOOKUPS and ratio < _HIT_RATIO
    detail = f"{ratio * 100:.0f} % of {looked_up:,} look-ups hit"
    return Component(state="degraded" if is_low else "healthy", detail=detail, part="observed")


def _worse(before: Component | None, now: Component) -> Component:
    """Of two that have one name, such as a provider of whom calls and a gauge tell."""
    rank = ("healthy", "degraded", "unhealthy").index
    return now if before is None or rank(now.state) > rank(before.state) else before


_GAUGES: Final[dict[str, tuple[str, Callable[[Gauge], Component]]]] = {
    semconv.PROVIDER_UP: ("provider", _up),
    semconv.POOL_UTILIZATION: ("worker pool", _share("of its workers are busy")),
    "process.cpu.utilization": ("worker", _share("of its CPUs are in use")),
    semconv.QUEUE_LENGTH: ("queue", _waiting),
    semconv.BREAKER_STATE: ("breaker", _breaker),
    "db.client.connection.utilization": ("database pool", _share("of its connections are in use")),
    semconv.QUOTA_USAGE: ("quota", _share("is used")),
}
