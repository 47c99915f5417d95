"""`ax run -- CMD` and `opentelemetry-instrument CMD`: a program that knows nothing of us is seen, and not disturbed."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from exporter import figures
from tests.running import AX
from tests.sdk.receiving import ROOT, Receiver, environment, receiving, told
from tests.sdk.rivals import VALUE, installed
from tests.sdk.standin.server import StandIn, standing_in

APP = """
import logging, sys, openai
client = openai.OpenAI(base_url=sys.argv[1] + "/v1", api_key="sk-none", max_retries=0)
client.chat.completions.create(model="gpt-5", messages=[{"role": "user", "content": "hello"}])
logging.getLogger("app").warning("asked once")
print("done")
sys.exit(3)
"""
PROVIDERS = "from opentelemetry import trace; print(type(trace.get_tracer_provider()).__name__)"
INSTRUMENT = (sys.executable, "-c", "from opentelemetry.instrumentation.auto_instrumentation import run; run()")
QUICK = {"OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": "anthropic,langchain"}
"""Those that are not used here, and take two seconds to load."""
DISTRO = """
from opentelemetry import trace
from opentelemetry.instrumentation.distro import BaseDistro
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider

class House(BaseDistro):
    def _configure(self, **kwargs):
        trace.set_tracer_provider(TracerProvider(resource=Resource({"service.name": "of the house"})))
"""
DECLARED = """
file_format: "1.0"
resource:
  attributes:
    - {name: service.name, value: declared}
tracer_provider:
  processors:
    - batch: {exporter: {console: {}}}
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An import path on which otel-ax is installed, with the entry points of pyproject.toml."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    folder = installed(tmp_path_factory.mktemp("site"), "otel-ax", project["entry-points"])
    (folder / "app.py").write_text(APP)
    return folder


@pytest.fixture
def provider() -> Iterator[StandIn]:
    with standing_in() as started:
        yield started


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as started:
        yield started


def run(*command: str, site: Path, endpoint: str, **variables: str) -> "subprocess.CompletedProcess[str]":
    environ = environment(endpoint) | QUICK | {"PYTHONPATH": os.pathsep.join([str(site), str(ROOT)]), **variables}
    return subprocess.run(command, cwd=site, env=environ, capture_output=True, text=True, timeout=90, check=False)


def ax_run(*command: str, site: Path, endpoint: str, **variables: str) -> "subprocess.CompletedProcess[str]":
    return run(*AX, "run", "--", *command, site=site, endpoint=endpoint, **variables)


def told_once(receiver: Receiver, done: "subprocess.CompletedProcess[str]") -> None:
    """One call, by our pipeline: it has a price."""
    assert (done.stdout, done.returncode) == ("done\n", 3), done.stderr
    (span,) = receiver.spans()
    attributes = told(span.attributes)
    assert (span.name, attributes["gen_ai.usage.input_tokens"]) == ("chat gpt-5", 1200)
    assert attributes["ax.cost.usd"] == pytest.approx(0.004275)
    assert [log.body.string_value for log in receiver.logs()] == ["asked once"]


@pytest.mark.parametrize("twice", [False, True])
def test_ax_run_tells_a_python_program_once(site: Path, provider: StandIn, receiver: Receiver, *, twice: bool) -> None:
    again = (*INSTRUMENT,) if twice else ()
    done = ax_run(*again, sys.executable, "app.py", provider.url, site=site, endpoint=receiver.url)
    told_once(receiver, done)
    assert {resource["service.name"] for resource in receiver.resources()} == {"app"}
    assert len(receiver.spans(pending=True)) <= 1


def test_opentelemetry_instrument_brings_us_in_beside_the_stock_distribution(
    site: Path, provider: StandIn, receiver: Receiver
) -> None:
    variables = {"OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf", "OTEL_SERVICE_NAME": "stock"}
    done = run(*INSTRUMENT, sys.executable, "app.py", provider.url, site=site, endpoint=receiver.url, **variables)
    told_once(receiver, done)


def test_a_rival_beside_ours_goes_off(site: Path, tmp_path: Path, provider: StandIn, receiver: Receiver) -> None:
    installed(tmp_path, "rival", {"opentelemetry_instrumentor": {"openai": VALUE}})
    path = os.pathsep.join([str(tmp_path), str(site), str(ROOT)])
    done = ax_run(sys.executable, str(site / "app.py"), provider.url, site=site, endpoint=receiver.url, PYTHONPATH=path)
    told_once(receiver, done)
    assert "had two instrumentors" in done.stderr


def test_we_survive_a_users_own_distribution(site: Path, tmp_path: Path, provider: StandIn, receiver: Receiver) -> None:
    installed(tmp_path, "house", {"opentelemetry_distro": {"house": "house:House"}})
    (tmp_path / "house.py").write_text(DISTRO)
    path = os.pathsep.join([str(tmp_path), str(site), str(ROOT)])
    variables = {"OTEL_PYTHON_DISTRO": "house", "OTEL_PYTHON_CONFIGURATOR": "none", "PYTHONPATH": path}
    done = ax_run(sys.executable, "app.py", provider.url, site=site, endpoint=receiver.url, **variables)
    told_once(receiver, done)
    assert "of the house" in {resource["service.name"] for resource in receiver.resources()}


def test_we_survive_declarative_configuration(
    site: Path, tmp_path: Path, provider: StandIn, receiver: Receiver
) -> None:
    (tmp_path / "otel.yaml").write_text(DECLARED)
    variables = {"OTEL_CONFIG_FILE": str(tmp_path / "otel.yaml")}
    done = ax_run(sys.executable, "app.py", provider.url, site=site, endpoint=receiver.url, **variables)
    assert done.returncode == 3, done.stderr
    (span,) = receiver.spans()
    assert "ax.cost.usd" in told(span.attributes)
    assert "declared" in {resource["service.name"] for resource in receiver.resources()}


def test_disabled_leaves_us_out(site: Path, provider: StandIn, receiver: Receiver) -> None:
    done = ax_run(sys.executable, "app.py", provider.url, site=site, endpoint=receiver.url, AX_DISABLED="true")
    assert (done.stdout, done.returncode) == ("done\n", 3)
    assert all("ax.cost.usd" not in told(span.attributes) for span in receiver.spans())


def test_installed_alone_we_do_nothing(site: Path) -> None:
    done = run(sys.executable, "-c", PROVIDERS, site=site, endpoint="http://127.0.0.1:9")
    assert (done.stdout, done.stderr) == ("ProxyTracerProvider\n", "")


def test_signals_reach_the_program_and_its_exit_code_comes_back(site: Path, receiver: Receiver) -> None:
    program = "import signal, sys\nsignal.signal(15, lambda *_: sys.exit(42))\nprint('up', flush=True)\nsignal.pause()"
    environ = environment(receiver.url) | QUICK | {"PYTHONPATH": os.pathsep.join([str(site), str(ROOT)])}
    command = [*AX, "run", "--", sys.executable, "-c", program]
    with subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "up\n"
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 42


def test_what_is_set_stays_and_the_rest_is_filled_in(site: Path, receiver: Receiver) -> None:
    show = "env | grep -E '^(AX_|OTEL_[ETLMS])' | sort"
    done = ax_run("sh", "-c", show, site=site, endpoint=receiver.url, AX_PENDING="false", OTEL_METRICS_EXPORTER="none")
    assert done.stdout.splitlines() == [
        "AX_PENDING=false",
        f"OTEL_EXPORTER_OTLP_ENDPOINT={receiver.url}",
        "OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf",
        "OTEL_LOGS_EXPORTER=otlp",
        "OTEL_METRICS_EXPORTER=none",
        "OTEL_SERVICE_NAME=sh",
        "OTEL_TRACES_EXPORTER=otlp",
    ]


def test_a_server_on_the_data_directory_is_found_and_the_service_is_the_scripts_name(
    site: Path, tmp_path: Path
) -> None:
    figures.path_of(tmp_path, "server").parent.mkdir(parents=True, exist_ok=True)
    figures.path_of(tmp_path, "server").write_text(
        json.dumps({"pid": os.getpid(), **{name: ["127.0.0.1:9"] for name in ("grpc", "http", "ui")}})
    )
    environ = environment("") | {"PYTHONPATH": str(ROOT)}
    del environ["OTEL_EXPORTER_OTLP_ENDPOINT"]
    show = 'echo "$OTEL_EXPORTER_OTLP_ENDPOINT $OTEL_SERVICE_NAME"'
    command = [*AX, "run", "--data", str(tmp_path), "sh", "-c", show, "worker.py"]
    done = subprocess.run(command, cwd=site, env=environ, capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout == "http://127.0.0.1:9 worker\n"


@pytest.fixture
def node(tmp_path: Path) -> Path:
    """A folder with a program `node` that shows what it was given."""
    program = tmp_path / "node"
    program.write_text('#!/bin/sh\necho "$NODE_OPTIONS|$OTEL_EXPORTER_OTLP_ENDPOINT|$OTEL_SERVICE_NAME|$*"\nexit 9\n')
    program.chmod(0o755)
    return tmp_path


def test_node_programs_get_their_standard_variables(node: Path, receiver: Receiver) -> None:
    (node / "node_modules/@opentelemetry/auto-instrumentations-node").mkdir(parents=True)
    path = f"{node}:{os.environ['PATH']}"
    done = ax_run("node", "server.js", site=node, endpoint=receiver.url, PATH=path, NODE_OPTIONS="--trace-warnings")
    register = "--trace-warnings --require @opentelemetry/auto-instrumentations-node/register"
    assert (done.stdout, done.returncode) == (f"{register}|{receiver.url}|server|server.js\n", 9)
    again = ax_run("node", "server.js", site=node, endpoint=receiver.url, PATH=path, NODE_OPTIONS=register)
    assert again.stdout.partition("|")[0] == register


def test_node_without_the_package_runs_and_the_command_is_told(node: Path, receiver: Receiver) -> None:
    done = ax_run("node", "a.js", site=node, endpoint=receiver.url, PATH=f"{node}:{os.environ['PATH']}")
    assert (done.stdout.partition("|")[0], done.returncode) == ("", 9)
    assert "npm install @opentelemetry/api @opentelemetry/auto-instrumentations-node" in done.stderr


@pytest.mark.skipif(shutil.which("node") is None, reason="Node is not there")
def test_real_node_loads_what_it_is_told_to(tmp_path: Path, receiver: Receiver) -> None:
    package = tmp_path / "node_modules/@opentelemetry/auto-instrumentations-node"
    package.mkdir(parents=True)
    (package / "register.js").write_text("console.log('registered')")
    (tmp_path / "server.js").write_text("console.log('served'); process.exitCode = 4")
    done = ax_run("node", "server.js", site=tmp_path, endpoint=receiver.url)
    assert (done.stdout, done.returncode) == ("registered\nserved\n", 4)


def test_where_nothing_listens_it_is_told_and_the_program_runs(site: Path) -> None:
    done = ax_run("sh", "-c", "echo ran", site=site, endpoint="http://127.0.0.1:9")
    assert (done.stdout, done.returncode) == ("ran\n", 0)
    assert done.stderr == "ax: nothing listens at http://127.0.0.1:9; start a server with `ax serve`\n"


def test_a_command_that_is_not_there_is_told(site: Path) -> None:
    done = ax_run("no-such-command", site=site, endpoint="http://127.0.0.1:9")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("ax: there is no command 'no-such-command'")


def test_help_teaches(site: Path) -> None:
    shown = run(*AX, "run", "--help", site=site, endpoint="http://127.0.0.1:9").stdout
    assert "ax run -- python app.py" in shown
    assert "npm install @opentelemetry/api" in shown
