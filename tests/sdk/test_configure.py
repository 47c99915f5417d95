"""One call sets up traces, metrics and logs, by arguments and variables, alone or beside an SDK that is there."""

import json
import subprocess
import sys
from typing import Final

import pytest

import otel_ax
from otel_ax.errors import BadSettings
from otel_ax.settings import GRPC, read
from tests.sdk.receiving import program, receiving, told

START: Final = """
import json, logging, os, sys, time
import otel_ax
from opentelemetry import _logs, metrics, trace

def all_signals(name="work"):
    metrics.get_meter("test").create_counter("count").add(2)
    metrics.get_meter("test").create_histogram("spread").record(3.0)
    with trace.get_tracer("test").start_as_current_span(name):
        logging.getLogger("app").warning("said")

"""


def test_one_call_sends_all_signals_of_one_service() -> None:
    code = "otel_ax.configure(service_name='desk', resource_attributes={'team': 'blue'})\nall_signals()"
    with receiving() as receiver:
        done = program(START + code, receiver.url)
        assert done.status == 0, done.err
        assert receiver.names() == ["work"]
        assert receiver.total("count") == 2
        (record,) = receiver.logs()
        assert record.body.string_value == "said"
        assert record.trace_id == receiver.spans()[0].trace_id
        assert {resource["service.name"] for resource in receiver.resources()} == {"desk"}
        assert {resource["team"] for resource in receiver.resources()} == {"blue"}
        (spread,) = receiver.metrics("spread")
        assert spread.exponential_histogram.aggregation_temporality == 1
        assert receiver.metrics("process.cpu.time")


@pytest.mark.parametrize(
    ("environ", "counts"),
    [
        ({"OTEL_SDK_DISABLED": "true"}, (0, 0, 0)),
        ({"OTEL_TRACES_EXPORTER": "none"}, (0, 1, 1)),
        ({"OTEL_METRICS_EXPORTER": "none", "OTEL_LOGS_EXPORTER": "none"}, (1, 0, 0)),
        ({"OTEL_TRACES_SAMPLER": "always_off"}, (0, 1, 1)),
        ({"OTEL_TRACES_SAMPLER": "parentbased_traceidratio", "OTEL_TRACES_SAMPLER_ARG": "0"}, (0, 1, 1)),
        ({"AX_SAMPLING_RATIO": "0"}, (0, 1, 1)),
        ({"AX_KEEP_RATIO": "0"}, (0, 1, 1)),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else "",
)
def test_variables_of_opentelemetry_are_honoured(environ: dict[str, str], counts: tuple[int, int, int]) -> None:
    with receiving() as receiver:
        done = program(START + "otel_ax.configure()\nall_signals()", receiver.url, environ=environ)
        assert done.status == 0, done.err
        assert (len(receiver.spans()), len(receiver.metrics("count")), len(receiver.logs())) == counts


def test_endpoints_headers_names_and_temporality_come_from_variables() -> None:
    with receiving() as traces, receiving() as others:
        environ = {
            "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": f"{traces.url}/v1/traces",
            "OTEL_EXPORTER_OTLP_HEADERS": "key=a%20secret",
            "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE": "cumulative",
            "OTEL_SERVICE_NAME": "named",
            "OTEL_RESOURCE_ATTRIBUTES": "team=red",
            "OTEL_BSP_SCHEDULE_DELAY": "50",
        }
        code = "otel_ax.configure(headers={'more': 'x'})\nall_signals()\ntime.sleep(1)\nos._exit(0)"
        program(START + code, others.url, environ=environ)
        assert traces.names() == ["work"], "the delay of 50 ms"
        assert others.names() == []
        assert traces.headers[0].items() >= {("key", "a secret"), ("more", "x")}
        assert traces.resources()[0].items() >= {("service.name", "named"), ("team", "red")}
        program(START + "otel_ax.configure()\nall_signals()", others.url, environ=environ)
        assert {metric.sum.aggregation_temporality for metric in others.metrics("count")} == {2}


def test_an_argument_goes_before_all_variables() -> None:
    with receiving() as wanted, receiving() as other:
        environ = {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": f"{other.url}/v1/traces", "OTEL_SERVICE_NAME": "other"}
        program(
            START + f"otel_ax.configure(endpoint={wanted.url!r}, service_name='mine')\nall_signals()",
            other.url,
            environ=environ,
        )
        assert (wanted.names(), other.requests) == (["work"], [])
        assert {resource["service.name"] for resource in wanted.resources()} == {"mine"}


def test_called_twice_it_is_one_handle_and_everything_is_sent_once() -> None:
    code = (
        "assert otel_ax.configure() is otel_ax.configure()\nall_signals()\nprint(otel_ax.flush(5), otel_ax.shutdown(5))"
    )
    with receiving() as receiver:
        done = program(START + code, receiver.url)
        assert done.out.split() == ["True", "True"]
        assert (receiver.names(), receiver.total("count"), len(receiver.logs())) == (["work"], 2, 1)


def test_after_shutdown_it_can_be_called_again() -> None:
    code = """
otel_ax.configure()
all_signals()
otel_ax.shutdown(5)
all_signals("lost")
otel_ax.configure()
all_signals("more")
"""
    with receiving() as receiver:
        done = program(START + code, receiver.url)
        assert done.status == 0
        assert receiver.names() == ["more", "work"]


STOCK: Final = """
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
provider = TracerProvider(resource=Resource.create({"service.name": "theirs"}))
trace.set_tracer_provider(provider)
metrics.set_meter_provider(MeterProvider([PeriodicExportingMetricReader(OTLPMetricExporter(METRICS))]))
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(TRACES)))
early = metrics.get_meter("early").create_counter("early")
otel_ax.configure(endpoint=OURS)
early.add(1)
with otel_ax.using(tenant="acme"):
    all_signals()
"""


def test_beside_an_sdk_that_sends_elsewhere_both_get_everything() -> None:
    with receiving() as ours, receiving() as theirs:
        where = f"OURS, TRACES, METRICS = {ours.url!r}, '{theirs.url}/v1/traces', '{theirs.url}/v1/metrics'\n"
        done = program(START + where.replace("127.0.0.1", "localhost", 1) + STOCK, "http://127.0.0.1:9")
        assert done.status == 0, done.err
        for receiver in (ours, theirs):
            assert receiver.names() == ["work"]
            assert told(receiver.spans()[0].attributes) == {"ax.tenant.id": "acme"}
            assert receiver.total("early") == 1
        assert {resource["service.name"] for resource in ours.resources()} >= {"theirs"}


def test_beside_an_sdk_that_sends_to_the_same_place_everything_is_sent_once() -> None:
    with receiving() as receiver:
        url = receiver.url
        where = f"OURS, TRACES, METRICS = {url!r}, '{url}/v1/traces', '{url}/v1/metrics'\n"
        done = program(START + where + STOCK, url)
        assert done.status == 0, done.err
        assert receiver.names() == ["work"]
        assert receiver.total("early") == 1


def test_the_rate_may_change_while_the_program_runs_and_calls_are_counted_all_the_same() -> None:
    code = """
otel_ax.configure()
tracer = trace.get_tracer("test")
call = {"gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.request.model": "gpt-4o",
        "gen_ai.usage.input_tokens": 1000, "gen_ai.usage.output_tokens": 10}
for ratio, name in ((1.0, "seen"), (0.0, "unseen")):
    assert otel_ax.set_sampling(ratio)
    with tracer.start_as_current_span(name, attributes=call):
        pass
print(json.dumps([otel_ax.spend("1h").calls, otel_ax.spend("1h").usd]))
"""
    with receiving() as receiver:
        done = program(START + code, receiver.url)
        assert receiver.names() == ["seen"]
        calls, usd = json.loads(done.out)
        assert (calls, usd > 0) == (2, True)
        assert receiver.total("ax.usage.tokens") == 2 * 1010


def test_a_run_is_seen_while_it_runs_and_a_short_span_only_once() -> None:
    code = """
handle = otel_ax.configure(pending=True)
tracer = trace.get_tracer("test")
with tracer.start_as_current_span("run"):
    with tracer.start_as_current_span("short"):
        pass
    handle.flush(5)
    os._exit(0)
"""
    with receiving() as receiver:
        program(START + code, receiver.url)
        assert receiver.names() == ["short"]
        assert receiver.names(pending=True) == ["run"]


def test_prompts_stay_here_unless_they_are_asked_for() -> None:
    code = """
otel_ax.configure(CONTENT)
said = {"gen_ai.operation.name": "chat", "gen_ai.input.messages": "[hi]"}
with trace.get_tracer("test").start_as_current_span("chat", attributes=said):
    pass
"""
    for argument, keys in (("", []), ("content=True", ["gen_ai.input.messages"])):
        with receiving() as receiver:
            program(START + code.replace("CONTENT", argument), receiver.url)
            (span,) = receiver.spans()
            assert [key for key in told(span.attributes) if key == "gen_ai.input.messages"] == keys


def test_importing_is_lazy_and_names_are_functions_whatever_was_imported_first() -> None:
    code = """
import sys
import otel_ax
assert not [name for name in sys.modules if name.startswith("opentelemetry")]
import otel_ax.configure, otel_ax.budget
from otel_ax import settings
assert callable(otel_ax.configure) and callable(otel_ax.budget) and settings.Settings
assert set(otel_ax.__all__) <= set(dir(otel_ax))
for name in otel_ax.__all__:
    assert getattr(otel_ax, name) is not None, name
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert otel_ax.__all__ == sorted(otel_ax.__all__)


@pytest.mark.parametrize(
    ("told_", "mend"),
    [
        ({"AX_KEEP_RATIO": "2"}, "from 0 to 1"),
        ({"AX_SLOW": "5 sec"}, "500ms, 2s, 5m"),
        ({"AX_PENDING": "maybe"}, "true or false"),
        ({"AX_QUEUE_BYTES": "8MB"}, "8MiB"),
    ],
)
def test_a_variable_of_ours_that_cannot_be_read_is_told_with_the_mend(told_: dict[str, str], mend: str) -> None:
    with pytest.raises(BadSettings, match=mend):
        read(told_)


def test_a_variable_of_opentelemetrys_that_cannot_be_read_is_not_heeded() -> None:
    assert read({"OTEL_BSP_SCHEDULE_DELAY": "soon", "OTEL_EXPORTER_OTLP_PROTOCOL": "smoke"}) == read({})


def test_settings_come_from_arguments_then_ours_then_opentelemetrys() -> None:
    environ = {"AX_SERVICE_NAME": "ax", "OTEL_SERVICE_NAME": "otel", "OTEL_BSP_MAX_QUEUE_SIZE": "600"}
    assert read(environ, service_name="told").service_name == "told"
    assert read(environ).service_name == "ax"
    assert read(environ).queue_size == 600
    assert read({}, pending=True).schedule_delay_s == 1.0
    assert read({"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}).endpoint == "http://localhost:4317"
    assert read({"OTEL_EXPORTER_OTLP_LOGS_PROTOCOL": "grpc"}).protocols == {"logs": GRPC}
    assert read({"OTEL_TRACES_EXPORTER": "console, otlp"}).exporters["traces"] == ("console", "otlp")
    with pytest.raises(BadSettings, match="batch_size"):
        read({}, queue_size=10)
