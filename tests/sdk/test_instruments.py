"""What is around the calls, as metrics with conventional names and as events on the current span."""

import pytest
from opentelemetry import trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from otel_ax import instruments, semconv
from otel_ax.context import using
from otel_ax.instruments import CATALOGUE, BreakerState, Instruments
from otel_ax.readers.snapshot import SnapshotReader


@pytest.fixture
def reader() -> SnapshotReader:
    return SnapshotReader()


@pytest.fixture
def made(reader: SnapshotReader) -> Instruments:
    return Instruments(MeterProvider(metric_readers=[reader]).get_meter("t"))


def test_a_cache_tells_its_hit_rate_and_what_it_saved(made: Instruments, reader: SnapshotReader) -> None:
    for outcome in ("miss", "store", "hit", "hit", "hit"):
        made.cache_event("answers", outcome, key="k", saved_usd=0.01 if outcome == "hit" else 0, saved_tokens=5)  # type: ignore[arg-type]
    told = reader.read()
    entry = CATALOGUE["cache.hit_rate"]
    assert entry.over is not None
    ((attribute, values),) = entry.over.items()
    all_of_them = sum(told.total(entry.metric, {attribute: value}) for value in values)
    assert told.total(entry.metric, entry.where) / all_of_them == 0.75
    assert told.total("ax.cache.saved.cost") == pytest.approx(0.03)
    assert told.total("ax.cache.saved.tokens") == 25


def test_events_stand_on_the_current_span_with_the_key_that_metrics_do_not_have(
    made: Instruments, reader: SnapshotReader
) -> None:
    memory = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(memory))
    with provider.get_tracer("t").start_as_current_span("x"), using(tenant="acme"):
        made.rate_limit_event("tokens_per_minute", allowed=False, key="user-7", remaining=0)
        made.cache_event("answers", "hit", key="question-1", saved_usd=0.5)
    (span,) = memory.get_finished_spans()
    denied, hit = span.events
    assert (denied.name, dict(denied.attributes or {})) == (
        "ax.rate_limit.denied",
        {
            "ax.rate_limit.type": "tokens_per_minute",
            "ax.rate_limit.outcome": "denied",
            "ax.rate_limit.key": "user-7",
            "ax.rate_limit.remaining": 0,
            semconv.TENANT_ID: "acme",
        },
    )
    assert (hit.attributes or {})["ax.cache.key"] == "question-1"
    assert (hit.attributes or {})["ax.cache.saved.cost"] == 0.5
    assert "user-7" not in str(reader.read().points)
    assert "question-1" not in str(reader.read().points)


def test_the_tenant_is_that_of_the_context_unless_it_is_told(made: Instruments, reader: SnapshotReader) -> None:
    with using(tenant="acme"):
        made.queue("jobs", 3)
        made.queue("jobs", 4, tenant="other")
    made.queue("jobs", 5)
    assert reader.read().by("ax.queue.length", semconv.TENANT_ID) == {"acme": 3, "other": 4, None: 5}


@pytest.mark.parametrize(("state", "value"), [("closed", 0), ("half_open", 1), ("open", 2)])
def test_a_breaker_is_a_number(made: Instruments, reader: SnapshotReader, state: BreakerState, value: int) -> None:
    made.circuit_breaker("openai", state)
    assert reader.read().total("ax.circuit_breaker.state") == value


def test_pools_queues_quotas_and_requests_have_conventional_names(made: Instruments, reader: SnapshotReader) -> None:
    made.worker_pool("w", busy=3, workers=4)
    made.worker_pool("empty", busy=0, workers=0)
    made.database_pool("main", used=2, idle=3, most=10)
    made.database_query("postgresql", "SELECT", 0.25)
    made.api_request("GET", "api.example.org", 0.5, status=200)
    made.queue_wait("jobs", 1.5)
    made.quota("requests", used=30, limit=40)
    made.provider_up("openai", up=False)
    made.cache_size("answers", 12)
    told = reader.read()
    assert told.by("ax.worker_pool.utilization", "ax.worker_pool.name") == {"w": 0.75, "empty": 0.0}
    assert told.by("db.client.connection.count", "db.client.connection.state") == {"used": 2, "idle": 3}
    assert told.total("db.client.connection.max") == 10
    assert told.total("db.client.operation.duration", {"db.system.name": "postgresql"}) == 0.25
    assert told.total("http.client.request.duration", {"http.response.status_code": 200}) == 0.5
    assert (told.total("ax.database.queries"), told.total("ax.api.requests")) == (1, 1)
    assert told.total("ax.queue.wait.duration") == 1.5
    assert told.total("ax.quota.usage") == 0.75
    assert told.total("ax.provider.up", {semconv.PROVIDER_NAME: "openai"}) == 0
    assert told.total("ax.cache.size") == 12


NAMES = (
    "workflow.execution.duration", "workflow.execution.count", "workflow.step.duration", "workflow.step.count",
    "queue.length", "queue.wait_time", "worker_pool.utilization", "worker_pool.count", "cache.hit_rate", "cache.size",
    "database.query.duration", "database.query.count", "api.request.duration", "api.request.count", "quota.usage",
    "system.cpu.usage", "system.memory.usage", "system.disk.usage",
)  # fmt: skip


def test_the_catalogue_has_the_eighteen() -> None:
    assert tuple(CATALOGUE) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_each_of_the_eighteen_can_be_recorded_with_labels_and_a_tenant(
    made: Instruments, reader: SnapshotReader, name: str
) -> None:
    made.record_metric(name, 2, tenant="acme", color="red")
    entry = CATALOGUE[name]
    metric = "ax.cache.hit_rate" if entry.over else entry.metric
    where = {**({} if entry.over else entry.where), "color": "red", semconv.TENANT_ID: "acme"}
    assert reader.read().total(metric, where) == 2


def test_a_mistake_of_ours_or_the_callers_does_not_reach_the_program(
    made: Instruments, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.delenv("PYTEST_VERSION")
    made.record_metric("no.such.metric", 1)
    made.circuit_breaker("x", "ajar")  # type: ignore[arg-type]
    assert "record_metric failed" in caplog.text


def test_functions_of_the_module_are_safe_without_any_provider() -> None:
    assert not trace.get_current_span().is_recording()
    instruments.cache_event("answers", "hit")
    instruments.rate_limit_event("rpm", allowed=True)
    instruments.record_metric("queue.length", 3)
