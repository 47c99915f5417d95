"""What is around the calls: caches, rate limits, breakers, queues, pools, quotas; and 18 metrics by their names.

In: what a program saw. Out: OpenTelemetry metrics, under the conventions' names where they have one and `ax.*` where
they have none, and events on the current span. The tenant is that of `using(tenant=…)` unless it is told. No key of a
cache or a rate limit becomes a metric's attribute: events have it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final, Literal

from opentelemetry import trace
from opentelemetry.metrics import Counter, Histogram, Meter, _Gauge, get_meter

from otel_ax import context, semconv
from otel_ax.guard import guarded

__all__ = [
    "CATALOGUE",
    "Catalogued",
    "Instruments",
    "api_request",
    "cache_event",
    "cache_size",
    "circuit_breaker",
    "database_pool",
    "database_query",
    "provider_up",
    "queue",
    "queue_wait",
    "quota",
    "rate_limit_event",
    "record_metric",
    "worker_pool",
]

Value = str | bool | int | float


@dataclass(frozen=True, slots=True)
class Catalogued:
    """Where a metric is found: its OpenTelemetry name, and the attributes of the points that are meant."""

    metric: str
    kind: Literal["counter", "histogram", "gauge"]
    unit: str
    where: Mapping[str, Value] = field(default_factory=lambda: MappingProxyType({}))
    over: Mapping[str, tuple[Value, ...]] | None = None
    """A share: the points of `where` over those with one of these values."""


_WORKFLOW: Final = MappingProxyType({semconv.OPERATION_NAME: "invoke_workflow"})
_STEP: Final = MappingProxyType({semconv.OPERATION_NAME: "step"})

CATALOGUE: Final[Mapping[str, Catalogued]] = MappingProxyType(
    {
        "workflow.execution.duration": Catalogued(semconv.OPERATION_DURATION, "histogram", "s", _WORKFLOW),
        "workflow.execution.count": Catalogued(semconv.WORKFLOW_EXECUTIONS, "counter", "{execution}"),
        "workflow.step.duration": Catalogued(semconv.OPERATION_DURATION, "histogram", "s", _STEP),
        "workflow.step.count": Catalogued(semconv.WORKFLOW_STEPS, "counter", "{step}"),
        "queue.length": Catalogued(semconv.QUEUE_LENGTH, "gauge", "{item}"),
        "queue.wait_time": Catalogued(semconv.QUEUE_WAIT, "histogram", "s"),
        "worker_pool.utilization": Catalogued(semconv.POOL_UTILIZATION, "gauge", "1"),
        "worker_pool.count": Catalogued(semconv.POOL_WORKERS, "gauge", "{worker}"),
        "cache.hit_rate": Catalogued(
            semconv.CACHE_REQUESTS,
            "counter",
            "1",
            MappingProxyType({semconv.CACHE_OUTCOME: "hit"}),
            MappingProxyType({semconv.CACHE_OUTCOME: ("hit", "miss")}),
        ),
        "cache.size": Catalogued(semconv.CACHE_SIZE, "gauge", "{entry}"),
        "database.query.duration": Catalogued("db.client.operation.duration", "histogram", "s"),
        "database.query.count": Catalogued(semconv.DATABASE_QUERIES, "counter", "{query}"),
        "api.request.duration": Catalogued("http.client.request.duration", "histogram", "s"),
        "api.request.count": Catalogued(semconv.API_REQUESTS, "counter", "{request}"),
        "quota.usage": Catalogued(semconv.QUOTA_USAGE, "gauge", "1"),
        "system.cpu.usage": Catalogued("process.cpu.utilization", "gauge", "1"),
        "system.memory.usage": Catalogued("process.memory.usage", "gauge", "By"),
        "system.disk.usage": Catalogued("system.filesystem.utilization", "gauge", "1"),
    }
)
"""Eighteen names that people ask by. Workflows and steps are counted from their spans; CPU, memory and disk are the
process reader's; queries and requests that another instrumentation records have a duration, whose count is theirs."""

CacheOutcome = Literal["hit", "miss", "store"]
BreakerState = Literal["closed", "half_open", "open"]
_BREAKER: Final = MappingProxyType({"closed": 0, "half_open": 1, "open": 2})


class Instruments:
    """The instruments of one meter, made when they are first used."""

    def __init__(self, meter: Meter) -> None:
        self._meter = meter
        self._counters: dict[str, Counter] = {}
        self._histograms: dict[str, Histogram] = {}
        self._gauges: dict[str, _Gauge] = {}

    @guarded
    def record_metric(self, name: str, value: float, *, tenant: str | None = None, **labels: Value) -> None:
        """Records one of `CATALOGUE` by its name: adds to a counter, sets a gauge, takes a duration in seconds.

        A hit rate is recorded as what it is made of: `cache_event`; its value given here is a gauge of that name.
        """
        told = CATALOGUE[name]
        attributes = self._labels(tenant, {**told.where, **labels} if told.over is None else labels)
        if told.over is not None:
            self._gauge("ax." + name, told.unit, value, attributes)
        elif told.kind == "gauge":
            self._gauge(told.metric, told.unit, value, attributes)
        elif told.kind == "histogram":
            self._histogram(told.metric, told.unit).record(value, attributes)
        else:
            self._counter(told.metric, told.unit).add(value, attributes)

    @guarded
    def cache_event(
        self,
        cache: str,
        outcome: CacheOutcome,
        *,
        key: str | None = None,
        saved_usd: float = 0.0,
        saved_tokens: int = 0,
        tenant: str | None = None,
    ) -> None:
        """A response was found in a cache, was not, or was put there; a hit may tell what it saved."""
        labels = self._labels(tenant, {semconv.CACHE_NAME: cache, semconv.CACHE_OUTCOME: outcome})
        self._counter(semconv.CACHE_REQUESTS, "{request}").add(1, labels)
        if saved_usd > 0:
            self._counter(semconv.CACHE_SAVED_COST, "{USD}").add(saved_usd, labels)
        if saved_tokens > 0:
            self._counter(semconv.CACHE_SAVED_TOKENS, "{token}").add(saved_tokens, labels)
        saved = {semconv.CACHE_SAVED_COST: saved_usd or None, semconv.CACHE_SAVED_TOKENS: saved_tokens or None}
        _event(f"ax.cache.{outcome}", {**labels, semconv.CACHE_KEY: key, **saved})

    @guarded
    def cache_size(self, cache: str, entries: int, *, tenant: str | None = None) -> None:
        """How many entries a cache has."""
        self._gauge(semconv.CACHE_SIZE, "{entry}", entries, self._labels(tenant, {semconv.CACHE_NAME: cache}))

    @guarded
    def rate_limit_event(
        self,
        limit: str,
        *,
        allowed: bool,
        key: str | None = None,
        remaining: float | None = None,
        tenant: str | None = None,
    ) -> None:
        """A rate limit let something pass, or not. `limit` is its type, `key` whom it counted."""
        outcome = "allowed" if allowed else "denied"
        labels = self._labels(tenant, {semconv.RATE_LIMIT_TYPE: limit, semconv.RATE_LIMIT_OUTCOME: outcome})
        self._counter(semconv.RATE_LIMIT_REQUESTS, "{request}").add(1, labels)
        detail = {semconv.RATE_LIMIT_KEY: key, semconv.RATE_LIMIT_REMAINING: remaining}
        _event(f"ax.rate_limit.{outcome}", {**labels, **detail})

    @guarded
    def circuit_breaker(self, name: str, state: BreakerState) -> None:
        """The state of a circuit breaker: 0 closed, 1 half open, 2 open."""
        labels: dict[str, Value] = {semconv.BREAKER_NAME: name}
        self._gauge(semconv.BREAKER_STATE, "1", _BREAKER[state], labels)
        _event("ax.circuit_breaker", {**labels, semconv.BREAKER_STATE: state})

    @guarded
    def provider_up(self, provider: str, *, up: bool) -> None:
        """Whether a provider answers."""
        self._gauge(semconv.PROVIDER_UP, "1", int(up), {semconv.PROVIDER_NAME: provider})

    @guarded
    def queue(self, name: str, length: int, *, tenant: str | None = None) -> None:
        """How many items wait."""
        self._gauge(semconv.QUEUE_LENGTH, "{item}", length, self._labels(tenant, {semconv.QUEUE_NAME: name}))

    @guarded
    def queue_wait(self, name: str, seconds: float, *, tenant: str | None = None) -> None:
        """How long an item waited."""
        labels = self._labels(tenant, {semconv.QUEUE_NAME: name})
        self._histogram(semconv.QUEUE_WAIT, "s").record(seconds, labels)

    @guarded
    def worker_pool(self, name: str, *, busy: int, workers: int) -> None:
        """How many workers there are, and which share of them works."""
        labels: dict[str, Value] = {semconv.POOL_NAME: name}
        self._gauge(semconv.POOL_WORKERS, "{worker}", workers, labels)
        self._gauge(semconv.POOL_UTILIZATION, "1", busy / workers if workers else 0.0, labels)

    @guarded
    def database_pool(self, name: str, *, used: int, idle: int, most: int | None = None) -> None:
        """Connections of a pool, by the conventions' names."""
        pool: dict[str, Value] = {"db.client.connection.pool.name": name}
        for state, count in (("used", used), ("idle", idle)):
            labels = {**pool, "db.client.connection.state": state}
            self._gauge("db.client.connection.count", "{connection}", count, labels)
        if most is not None:
            self._gauge("db.client.connection.max", "{connection}", most, pool)

    @guarded
    def database_query(
        self, system: str, operation: str, seconds: float, *, error: str | None = None, tenant: str | None = None
    ) -> None:
        """A query that is over: `database_query("postgresql", "SELECT", 0.004)`."""
        parts = {"db.system.name": system, "db.operation.name": operation, semconv.ERROR_TYPE: error}
        labels = self._labels(tenant, parts)
        self._histogram("db.client.operation.duration", "s").record(seconds, labels)
        self._counter(semconv.DATABASE_QUERIES, "{query}").add(1, labels)

    @guarded
    def api_request(
        self, method: str, server: str, seconds: float, *, status: int | None = None, tenant: str | None = None
    ) -> None:
        """A request to another service that is over: `api_request("GET", "api.example.org", 0.2, status=200)`."""
        parts = {"http.request.method": method, "server.address": server, "http.response.status_code": status}
        labels = self._labels(tenant, parts)
        self._histogram("http.client.request.duration", "s").record(seconds, labels)
        self._counter(semconv.API_REQUESTS, "{request}").add(1, labels)

    @guarded
    def quota(self, name: str, *, used: float, limit: float, tenant: str | None = None) -> None:
        """Which share of a quota is used."""
        labels = self._labels(tenant, {semconv.QUOTA_NAME: name})
        self._gauge(semconv.QUOTA_USAGE, "1", used / limit if limit else 0.0, labels)
        self._gauge(semconv.QUOTA_LIMIT, "1", limit, labels)

    @staticmethod
    def _labels(tenant: str | None, told: Mapping[str, Value | None]) -> dict[str, Value]:
        labels = {name: value for name, value in told.items() if value is not None}
        whose = tenant if tenant is not None else context.current().tenant
        return labels if whose is None else {**labels, semconv.TENANT_ID: whose}

    def _counter(self, name: str, unit: str) -> Counter:
        if name not in self._counters:
            self._counters[name] = self._meter.create_counter(name, unit=unit)
        return self._counters[name]

    def _histogram(self, name: str, unit: str) -> Histogram:
        if name not in self._histograms:
            self._histograms[name] = self._meter.create_histogram(name, unit=unit)
        return self._histograms[name]

    def _gauge(self, name: str, unit: str, value: float, labels: Mapping[str, Value]) -> None:
        if name not in self._gauges:
            self._gauges[name] = self._meter.create_gauge(name, unit=unit)
        self._gauges[name].set(value, labels)


def _event(name: str, attributes: Mapping[str, Value | None]) -> None:
    span = trace.get_current_span()
    if span.is_recording():
        span.add_event(name, {key: value for key, value in attributes.items() if value is not None})


_default: Final = Instruments(get_meter("otel_ax"))
"""Of the global provider, also of one that is set later."""

api_request = _default.api_request
cache_event = _default.cache_event
cache_size = _default.cache_size
circuit_breaker = _default.circuit_breaker
database_pool = _default.database_pool
database_query = _default.database_query
provider_up = _default.provider_up
queue = _default.queue
queue_wait = _default.queue_wait
quota = _default.quota
rate_limit_event = _default.rate_limit_event
record_metric = _default.record_metric
worker_pool = _default.worker_pool
