"""The UI port: health, readiness, metrics, and who may ask."""

import json
import os
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from exporter.api.guard import host_of
from exporter.api.metrics import OPENMETRICS, TEXT, exposition, media_type
from exporter.app.process import Child, Events, Ready, Role
from exporter.clock import SystemClock
from exporter.config import Config
from exporter.figures import METRICS, Figures, Sample, path_of, publish, read
from exporter.units import NS_PER_S

NOW = 1_800_000_000 * NS_PER_S
Answer = tuple[int, dict[str, str], str]


def figures(time: int = NOW, *gauges: Sample) -> Figures:
    """Figures of a process that has counted a little."""
    counters = (Sample("ax_received_items_total", {"signal": "traces"}, 3),)
    return Figures(time, NOW - NS_PER_S, os.getpid(), counters, gauges)


# ── The text of metrics is a function ─────────────────────────────────────────────────────────────────────────────


def test_metrics_of_several_processes_are_one_family_with_help_and_type() -> None:
    resident = [
        Figures(NOW, NOW, 1, (), (Sample("ax_process_resident_memory_bytes", {"process": p}, 7),)) for p in "ab"
    ]
    assert exposition(resident, TEXT).splitlines() == [
        "# HELP ax_process_resident_memory_bytes memory that a process uses",
        "# TYPE ax_process_resident_memory_bytes gauge",
        'ax_process_resident_memory_bytes{process="a"} 7',
        'ax_process_resident_memory_bytes{process="b"} 7',
    ]


def test_openmetrics_names_a_counter_without_total_and_ends_with_eof() -> None:
    text = exposition([figures(NOW, Sample("ax_freshness_seconds", {"a": 'x"\\\n'}, 0.25))], OPENMETRICS)
    assert text.splitlines() == [
        "# HELP ax_freshness_seconds age of the oldest record not yet queryable",
        "# TYPE ax_freshness_seconds gauge",
        "# UNIT ax_freshness_seconds seconds",
        r'ax_freshness_seconds{a="x\"\\\n"} 0.25',
        "# HELP ax_received_items items that arrived",
        "# TYPE ax_received_items counter",
        'ax_received_items_total{signal="traces"} 3',
        "# EOF",
    ]


def test_a_client_that_knows_openmetrics_gets_it() -> None:
    assert media_type("application/openmetrics-text;version=1.0.0;q=0.5,text/plain;q=0.2") == OPENMETRICS
    assert media_type("*/*") == TEXT


def test_figures_are_read_back_and_replaced_in_place_where_no_new_file_can_be_made(tmp_path: Path) -> None:
    path = path_of(tmp_path, "write")
    assert read(path) is None
    publish(path, figures(NOW, Sample("ax_freshness_seconds", {"a": "b"}, 0.5)))
    assert read(path) == figures(NOW, Sample("ax_freshness_seconds", {"a": "b"}, 0.5))
    path.with_suffix(".part").mkdir()  # in the way, as a full disk is
    publish(path, figures(NOW + 1))
    assert read(path) == figures(NOW + 1)
    path.write_text("{")
    assert read(path) is None


def test_names_of_metrics_say_their_kind_and_unit() -> None:
    for metric in METRICS.values():
        assert metric.name.startswith("ax_"), metric
        assert metric.otel.startswith("ax."), metric
        assert metric.name.endswith("_total") == (metric.kind == "counter"), metric
        assert (metric.unit == "s") == metric.name.endswith("_seconds"), metric


@pytest.mark.parametrize(
    ("header", "host"),
    [("localhost:4319", "localhost"), ("LOCALHOST", "localhost"), ("[::1]:4319", "::1"), ("127.0.0.1", "127.0.0.1")],
)
def test_the_host_of_a_header_is_without_port_and_brackets(header: str, host: str) -> None:
    assert host_of(header) == host


# ── The routes, in the process that serves them ───────────────────────────────────────────────────────────────────


@contextmanager
def serving(config: Config) -> Iterator[str]:
    """The child `serve` alone; gives its URL."""
    events = Events()
    lock = os.open(os.devnull, os.O_RDONLY)
    child = Child(Role("serve", stop_s=1.0), lock, events)
    try:
        child.configure(config)
        ready = events.get(timeout=30)
        assert isinstance(ready, Ready), child.last_line
        yield f"http://{ready.endpoints['ui'][0]}"
    finally:
        child.stop()
        ended = events.get(timeout=5)
        os.close(lock)
    assert getattr(ended, "code", None) == 0


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory of the server under test."""
    return tmp_path_factory.mktemp("data")


@pytest.fixture(scope="module")
def url(data: Path) -> Iterator[str]:
    """The server under test."""
    with serving(Config.model_validate({"data": data, "serve": {"ui": "localhost:0"}})) as at:
        yield at


def get(url: str, **headers: str) -> Answer:
    """Status, headers and body of an answer."""
    request = urllib.request.Request(url, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, dict(answer.headers), answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, dict(error.headers), error.read().decode()


def test_healthz_says_ok_and_every_answer_carries_the_headers_of_a_careful_server(url: str) -> None:
    status, headers, body = get(f"{url}/healthz")
    assert (status, body) == (200, "ok")
    assert headers["content-security-policy"].startswith("default-src 'none'; ")
    assert (headers["x-content-type-options"], headers["referrer-policy"]) == ("nosniff", "no-referrer")


def test_readyz_is_503_until_the_processes_publish_their_figures(data: Path, url: str) -> None:
    for process in ("receive", "write"):
        path_of(data, process).unlink(missing_ok=True)
    status, _, body = get(f"{url}/readyz")
    assert (status, json.loads(body)) == (503, {"ready": False, "waiting_for": ["receive", "write", "ax.duckdb"]})
    for process in ("receive", "write"):
        publish(path_of(data, process), figures(SystemClock().wall()))
    (data / "ax.duckdb").touch()
    assert get(f"{url}/readyz")[0] == 200
    assert json.loads(get(f"{url}/api/health")[2])["components"]["write"]["state"] == "healthy"


def test_metrics_are_of_all_processes(data: Path, url: str) -> None:
    publish(path_of(data, "receive"), figures(SystemClock().wall()))
    _, headers, body = get(f"{url}/metrics")
    assert headers["content-type"] == TEXT
    assert 'ax_received_items_total{signal="traces"} 3' in body
    assert 'ax_process_up{process="receive"} 1' in body
    assert 'ax_process_resident_memory_bytes{process="serve"}' in body
    assert get(f"{url}/metrics", Accept=OPENMETRICS)[1]["content-type"] == OPENMETRICS


def test_openapi_describes_the_routes(url: str) -> None:
    described = json.loads(get(f"{url}/api/openapi.json")[2])
    assert {"/healthz", "/readyz", "/metrics", "/api/health", "/api/alerts", "/api/rules", "/api/sql"} <= set(
        described["paths"]
    )
    assert described["info"]["title"] == "otel-ax"


@pytest.mark.parametrize("host", ["evil.example", "evil.example:4319", "127.0.0.1.evil.example", ""])
def test_a_request_for_a_foreign_host_is_misdirected(url: str, host: str) -> None:
    assert get(f"{url}/healthz", Host=host)[0] == 421


def test_localhost_is_served_on_both_loopbacks(url: str) -> None:
    port = url.rpartition(":")[2]
    assert get(f"http://localhost:{port}/healthz")[0] == 200
    assert get(f"http://[::1]:{port}/healthz")[0] == 200
