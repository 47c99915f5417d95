"""`collector-config.yaml`: what a stock Collector would make of it, and the Collector itself where it is installed."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from exporter.config import Config
from exporter.units import parse_size

FILE: Final = Path(__file__).parents[2] / "collector-config.yaml"
CONFIG: Final[dict[str, Any]] = yaml.safe_load(FILE.read_text())
SIGNALS: Final = ("traces", "metrics", "logs")
PIPELINES: Final[dict[str, dict[str, list[str]]]] = CONFIG["service"]["pipelines"]
COLLECTOR: Final = shutil.which("otelcol-contrib")


def test_each_signal_has_a_pipeline() -> None:
    assert set(PIPELINES) == set(SIGNALS)
    assert all("otlp" in pipeline["receivers"] for pipeline in PIPELINES.values())


@pytest.mark.parametrize("kind", ["receivers", "processors", "exporters"])
def test_what_is_defined_is_used_and_what_is_used_is_defined(kind: str) -> None:
    used = {name for pipeline in PIPELINES.values() for name in pipeline[kind]}
    assert used == set(CONFIG[kind])


def test_extensions_and_storage_are_defined() -> None:
    assert set(CONFIG["service"]["extensions"]) == set(CONFIG["extensions"])
    stores = [CONFIG["receivers"]["filelog"]["storage"], CONFIG["exporters"]["otlp/ax"]["sending_queue"]["storage"]]
    assert set(stores) <= set(CONFIG["extensions"])


@pytest.mark.parametrize("signal", SIGNALS)
def test_memory_is_limited_first_and_batches_are_made_last(signal: str) -> None:
    assert PIPELINES[signal]["processors"] == ["memory_limiter", "resourcedetection", "redaction", "batch"]


def test_the_collector_listens_where_applications_send_and_sends_where_ours_then_listens() -> None:
    protocols = CONFIG["receivers"]["otlp"]["protocols"]
    assert [protocols[name]["endpoint"] for name in ("grpc", "http")] == ["127.0.0.1:4317", "127.0.0.1:4318"]
    ours = CONFIG["exporters"]["otlp/ax"]
    assert ours["endpoint"] == "127.0.0.1:14317"
    assert ours["tls"] == {"insecure": True}
    assert "ax serve --grpc localhost:14317 --http localhost:14318" in FILE.read_text()


def test_the_queue_is_on_disk_and_never_gives_up() -> None:
    ours = CONFIG["exporters"]["otlp/ax"]
    assert ours["sending_queue"]["enabled"]
    assert ours["sending_queue"]["storage"] == "file_storage"
    assert ours["retry_on_failure"]["max_elapsed_time"] == "0s"
    assert CONFIG["extensions"]["file_storage"]["fsync"]


def test_what_the_collector_sends_is_within_our_limits() -> None:
    limits = Config(data=Path("unused")).limits
    assert CONFIG["processors"]["batch"]["send_batch_max_size"] <= limits.items
    assert CONFIG["receivers"]["otlp"]["protocols"]["grpc"]["max_recv_msg_size_mib"] <= limits.request_bytes / 2**20
    assert f"{parse_size('16MiB') // 2**20}MiB or {limits.items:,} items" in FILE.read_text()


@pytest.mark.parametrize(
    ("value", "is_secret"),
    [
        ("sk-proj-abcdefghijklmnopqrstuvwxyz012345", True),
        ("Authorization: Bearer abcdefghijklmnop.qrst", True),
        ("AKIAABCDEFGHIJKLMNOP", True),
        ("ghp_abcdefghijklmnopqrstuvwxyz0123456789", True),
        ("-----BEGIN RSA PRIVATE KEY-----", True),
        ("the bearer of good news", False),
        ("task-list", False),
        ("4bf92f3577b34da6a3ce929d0e0e4736", False),
    ],
)
def test_secrets_are_found_by_their_shape(value: str, *, is_secret: bool) -> None:
    # Go's RE2 and Python's re agree on what these patterns use.
    assert (
        any(re.search(pattern, value) for pattern in CONFIG["processors"]["redaction"]["blocked_values"]) == is_secret
    )


@pytest.mark.parametrize(
    ("key", "is_blocked"),
    [
        ("http.request.header.authorization", True),
        ("db.password", True),
        ("openai.api_key", True),
        ("gen_ai.usage.input_tokens", False),
        ("gen_ai.token.type", False),
        ("ax.tenant.id", False),
    ],
)
def test_secrets_are_found_by_their_name(key: str, *, is_blocked: bool) -> None:
    patterns = CONFIG["processors"]["redaction"]["blocked_key_patterns"]
    assert any(re.search(pattern, key) for pattern in patterns) == is_blocked


@pytest.mark.skipif(COLLECTOR is None, reason="otelcol-contrib is not installed")
def test_the_collector_takes_it(tmp_path: Path) -> None:
    assert COLLECTOR is not None
    environ = {"OTELCOL_STORAGE": str(tmp_path), "OTELCOL_LOG_FILES": str(tmp_path / "*.log")}
    command = [COLLECTOR, "validate", "--config", str(FILE)]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
