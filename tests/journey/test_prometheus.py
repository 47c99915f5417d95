"""What an existing Prometheus scrapes of a real server: our own figures, and the LLM calls of the day."""

from collections.abc import Iterator

import httpx
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status
from prometheus_client import Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families as open_families
from prometheus_client.parser import text_string_to_metric_families as text_families

from exporter.api.counted import FIRST, LAST
from exporter.api.metrics import OPENMETRICS, TEXT, media_type
from exporter.clock import SystemClock
from tests.otlp import key_values
from tests.running import Server, running, until

MS = 10**6
ROLLUPS = "/metrics/rollups"
HOSTILE = 'gpt"} 1\n# EOF\nax_cost_usd_total{model="x\\\u202e'
PROMETHEUS = (
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
    "application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,"
    "text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
)
"""What Prometheus 3 sends as `Accept`."""


def call(number: int, model: str, *, ago_ms: int = 1_000, failed: bool = False) -> Span:
    """A call that took `number` times 7 ms and ended `ago_ms` ago."""
    end = SystemClock().wall() - ago_ms * MS
    given: dict[str, object] = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": model,
        "gen_ai.usage.input_tokens": 1_000 + number,
        "gen_ai.usage.output_tokens": 100,
    }
    return Span(
        trace_id=(number + 1).to_bytes(16, "big"),
        span_id=(end % 2**60).to_bytes(8, "big"),
        name=f"chat {model}",
        start_time_unix_nano=end - number * 7 * MS,
        end_time_unix_nano=end,
        status=Status(code=Status.STATUS_CODE_ERROR) if failed else None,
        attributes=key_values(given | ({"error.type": "Timeout"} if failed else {})),  # type: ignore[arg-type]
    )


def send(server: Server, spans: list[Span]) -> None:
    export = ExportTraceServiceRequest()
    group = export.resource_spans.add()
    group.resource.attributes.extend(key_values({"service.name": "shop"}))
    group.scope_spans.add().spans.extend(spans)
    headers = {"content-type": "application/x-protobuf"}
    httpx.post(f"{server.http}/v1/traces", content=export.SerializeToString(), headers=headers).raise_for_status()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with 40 calls, some of which failed, one of a model with a hostile name."""
    with running(tmp_path_factory.mktemp("prometheus") / "data") as one:
        send(one, [call(number, f"gpt-5{'-mini' * (number % 2)}", failed=number % 5 == 0) for number in range(1, 40)])
        send(one, [call(40, HOSTILE)])
        until(lambda: one.sql("SELECT count(*) FROM llm_calls") == [(40,)], "the calls are stored")
        yield one


def scrape(server: Server, path: str, accept: str = PROMETHEUS) -> tuple[str, dict[str, Metric]]:
    """The media type, and the families by name, as the parser of that format reads them."""
    answer = httpx.get(f"{server.ui}{path}", headers={"accept": accept}, timeout=30).raise_for_status()
    media = answer.headers["content-type"]
    families = (open_families if media == OPENMETRICS else text_families)(answer.text)
    return media, {family.name: family for family in families}


def sums(families: dict[str, Metric], sample: str, *labels: str) -> dict[tuple[str, ...], float]:
    """The values of a sample's name by some labels."""
    found: dict[tuple[str, ...], float] = {}
    for family in families.values():
        for one in family.samples:
            if one.name == sample:
                key = tuple(one.labels.get(label, "") for label in labels)
                found[key] = found.get(key, 0) + one.value
    return found


@pytest.mark.parametrize("path", ["/metrics", ROLLUPS])
@pytest.mark.parametrize(("accept", "media"), [(PROMETHEUS, OPENMETRICS), ("text/plain", TEXT), ("*/*", TEXT)])
def test_both_formats_are_read_by_prometheus_own_parsers(server: Server, path: str, accept: str, media: str) -> None:
    found, families = scrape(server, path, accept)
    assert found == media
    assert all(
        family.documentation and family.type in {"counter", "gauge", "histogram"} for family in families.values()
    )
    names = {sample.name for family in families.values() for sample in family.samples}
    assert {"ax_accepted_items_total", "ax_process_up"} <= names or "ax_call_duration_seconds_bucket" in names


@pytest.mark.parametrize("accept", [PROMETHEUS, "text/plain"])
def test_the_counters_of_the_day_are_what_sql_says(server: Server, accept: str) -> None:
    _, families = scrape(server, ROLLUPS, accept)
    rows = server.sql(
        """SELECT provider, model, count(*), count(*) FILTER (failed), sum(cost_nanos), sum(tokens_input),
            sum(tokens_output), sum(duration_ns), count(*) FILTER (duration_ns <= 1 << 26)
        FROM llm_calls WHERE end_time >= date_trunc('day', now() AT TIME ZONE 'UTC') AT TIME ZONE 'UTC' GROUP BY ALL"""
    )
    by_model = {model: figures for _, model, *figures in rows if "gpt-5" in model}
    assert len(by_model) == 2
    for place, sample in enumerate(("ax_calls_total", "ax_call_failures_total", "ax_cost_usd_total")):
        scale = 1e9 if sample == "ax_cost_usd_total" else 1
        told = sums(families, sample, "provider", "model")
        assert {model: told["openai", model] * scale for model in by_model} == pytest.approx(
            {model: figures[place] for model, figures in by_model.items()}, rel=1e-12
        )
    tokens = sums(families, "ax_tokens_total", "kind", "model")
    buckets = sums(families, "ax_call_duration_seconds_bucket", "le", "model")
    lasted = sums(families, "ax_call_duration_seconds_sum", "model")
    for model, (_, _, _, given, made, duration_ns, short) in by_model.items():
        assert (tokens["input", model], tokens["output", model]) == (given, made)
        assert lasted[model,] == pytest.approx(duration_ns / 1e9, rel=1e-12)
        assert buckets["0.067108864", model] == short
        assert buckets["+Inf", model] == by_model[model][0]
    services = sums(families, "ax_calls_total", "service", "tenant", "operation", "overflow")
    assert services == {("shop", "default", "chat", ""): sum(calls for _, _, calls, *_ in rows)}


def test_bounds_are_the_powers_of_two_that_they_are_said_to_be(server: Server) -> None:
    _, families = scrape(server, ROLLUPS)
    bounds = {float(le) for (le,) in sums(families, "ax_call_duration_seconds_bucket", "le")}
    assert bounds == {*(2**power / 1e9 for power in range(FIRST, LAST + 1)), float("inf")}


def test_a_hostile_model_is_a_label_in_one_line(server: Server) -> None:
    _, families = scrape(server, ROLLUPS)
    models = {model for (model,) in sums(families, "ax_calls_total", "model")}
    assert HOSTILE.replace("\n", " ").rstrip("\u202e") in models
    assert set(families) == {
        "ax_calls", "ax_call_failures", "ax_unpriced_calls", "ax_cost_usd", "ax_tokens", "ax_call_duration_seconds",
    }  # fmt: skip


def test_late_calls_are_added_and_no_counter_falls(server: Server) -> None:
    _, before = scrape(server, ROLLUPS)
    send(server, [call(50 + number, "gpt-5", ago_ms=120_000 + number) for number in range(3)])

    def has_grown() -> bool:
        _, after = scrape(server, ROLLUPS)
        for family in before.values():
            for name in {one.name for one in family.samples}:
                labels = ("model", "kind", "le")
                old, new = sums(before, name, *labels), sums(after, name, *labels)
                assert all(new[key] >= value for key, value in old.items())
        grown = sum(sums(after, "ax_calls_total").values()) - sum(sums(before, "ax_calls_total").values())
        return grown == _today(3)

    until(has_grown, "late calls are counted")


def _today(count: int) -> int:
    """So many, or none where it was yesterday two minutes ago."""
    day = 86_400 * 10**9
    now = SystemClock().wall()
    return count if (now - 150 * 10**9) // day == now // day else 0


@pytest.mark.parametrize(
    ("accept", "media"),
    [
        ("", TEXT),
        ("text/html", TEXT),
        (PROMETHEUS, OPENMETRICS),
        ("application/openmetrics-text;version=0.0.1", OPENMETRICS),
        ("application/openmetrics-text", OPENMETRICS),
        ("application/openmetrics-text;q=0", TEXT),
        ("application/openmetrics-text;version=2.0.0,text/plain;q=0.1", TEXT),
        ("application/openmetrics-text;q=0.2,text/plain;version=0.0.4;q=0.9", TEXT),
        ("application/openmetrics-text;q=what", TEXT),
    ],
)
def test_the_format_is_the_one_that_is_most_welcome(accept: str, media: str) -> None:
    assert media_type(accept) == media
