"""`otel_ax.logs`: what a program logs arrives with its scope, and what it prints stays as it was."""

import logging
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
import structlog
from opentelemetry import trace
from opentelemetry.context import attach, detach
from opentelemetry.instrumentation.utils import suppress_instrumentation

from otel_ax import logs
from otel_ax.context import entered, using
from otel_ax.testing import Recorder
from tests.sdk.receiving import program, receiving

LOG = logging.getLogger("shop.orders")


@pytest.fixture
def bridged(otel_ax_recorder: Recorder) -> Iterator[Recorder]:
    logs.bridge(level=logging.NOTSET)
    LOG.setLevel(logging.INFO)
    yield otel_ax_recorder
    logs.unbridge()
    LOG.setLevel(logging.NOTSET)
    structlog.reset_defaults()


def test_a_record_holds_trace_tenant_user_workflow_and_metadata(bridged: Recorder) -> None:
    with using(tenant="acme", user="ann", metadata={"tier": "gold"}) as around:
        token = attach(entered(replace(around, workflow="refund", workflow_run="r1")))
        with trace.get_tracer("t").start_as_current_span("s") as span:
            LOG.info("paid %s", 12, extra={"order": 7})
        detach(token)
    record = bridged.log("paid 12")
    assert record.log_record.span_id == span.get_span_context().span_id
    assert record.instrumentation_scope.name == "shop.orders"
    assert record.log_record.severity_text == "INFO"
    assert dict(record.log_record.attributes) == {
        "order": 7,
        "ax.tenant.id": "acme",
        "user.id": "ann",
        "gen_ai.workflow.name": "refund",
        "ax.workflow.run.id": "r1",
        "ax.metadata.tier": "gold",
    }


def test_an_error_holds_its_stack_trace(bridged: Recorder) -> None:
    try:
        int("no such order")
    except ValueError:
        LOG.exception("failed")
    attributes = bridged.log("failed").log_record.attributes
    assert (attributes["exception.type"], attributes["exception.message"]) == (
        "ValueError",
        "invalid literal for int() with base 10: 'no such order'",
    )
    assert "test_logs.py" in attributes["exception.stacktrace"]


def test_the_least_level_is_honoured(bridged: Recorder, monkeypatch: pytest.MonkeyPatch) -> None:
    logs.bridge(level="ERROR")
    LOG.info("below")
    LOG.error("above")
    monkeypatch.setenv("OTEL_PYTHON_LOG_HANDLER_LEVEL", "warning")
    logs.bridge()
    LOG.info("below")
    LOG.warning("warned")
    assert [log.log_record.body for log in bridged.logs] == ["above", "warned"]


def test_twice_bridged_is_once_sent(bridged: Recorder) -> None:
    assert logs.bridge() is logs.bridge()
    LOG.info("once")
    assert len(bridged.logs) == 1


@pytest.mark.filterwarnings("ignore")
def test_telemetrys_own_loggers_and_exporters_threads_are_not_sent(bridged: Recorder) -> None:
    logging.getLogger("opentelemetry.exporter.otlp").error("endpoint is down")
    logging.getLogger("otel_ax").warning("told once a minute")
    with suppress_instrumentation():
        logging.getLogger("urllib3.connectionpool").error("connection refused")
    assert bridged.logs == ()


def test_a_bad_log_call_raises_nothing(bridged: Recorder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logging, "raiseExceptions", False)
    LOG.info("%d orders", "seven")
    LOG.info("an object", extra={"thing": object()})
    assert "seven" not in str(bridged.logs[0].log_record.body)


PRINTS = """
import logging, warnings
{bridge}
log = logging.getLogger("app")
log.warning("no handlers yet")
logging.basicConfig(format="%(levelname)s %(message)s", level="INFO")
log.info("configured")
"""


def test_what_the_program_prints_stays_as_it_was() -> None:
    bridge = "from otel_ax import logs; logs.bridge()"
    plain, bridged = (
        subprocess.run(
            [sys.executable, "-c", PRINTS.format(bridge=line)], capture_output=True, text=True, check=True, timeout=60
        )
        for line in ("", bridge)
    )
    assert plain.stderr == bridged.stderr == "no handlers yet\nINFO configured\n"


CHATTY = """
import logging, time, otel_ax
logging.basicConfig(level=logging.DEBUG)
handle = otel_ax.configure(schedule_delay_s=0.05)
logging.getLogger("app").info("once")
for _ in range(20):
    time.sleep(0.05)
    handle.flush(5)
handle.shutdown(5)
"""


def test_a_program_that_logs_all_does_not_send_what_sending_logs() -> None:
    with receiving() as receiver:
        done = program(CHATTY, receiver.url)
        assert (done.status, done.out) == (0, "")
        assert "urllib3" in done.err  # exporting does log
        assert [log.body.string_value for log in receiver.logs()] == ["once"]


@pytest.mark.parametrize("through_logging", [False, True])
def test_structlogs_fields_are_attributes_and_sent_once(bridged: Recorder, *, through_logging: bool) -> None:
    printed: list[str] = []
    processors: list[Any] = [
        structlog.processors.add_log_level,
        logs.structlog_processor,
        structlog.processors.JSONRenderer(sort_keys=True),
    ]
    factory: Any = structlog.stdlib.LoggerFactory() if through_logging else _Printer(printed)
    structlog.configure(processors=processors, logger_factory=factory, cache_logger_on_first_use=False)
    log = structlog.get_logger("shop.orders") if through_logging else structlog.get_logger()
    with using(tenant="acme"):
        log.warning("paid", order=7, name="clash")
    LOG.info("paid by hand")
    told = [(log.log_record.body, dict(log.log_record.attributes)) for log in bridged.logs]
    assert told == [("paid", {"order": 7, "name_": "clash", "ax.tenant.id": "acme"}), ("paid by hand", {})]
    assert bridged.logs[0].log_record.severity_text == "WARN"
    assert printed == (
        [] if through_logging else ['{"event": "paid", "level": "warning", "name": "clash", "order": 7}']
    )


class _Printer:
    def __init__(self, printed: list[str]) -> None:
        self._printed = printed

    def __call__(self, *_: object) -> "_Printer":
        return self

    def warning(self, message: str) -> None:
        self._printed.append(message)
