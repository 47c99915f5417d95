"""One application, with the real packages of OpenAI, Anthropic and LangChain.

What is stored is the same whether their published instrumentors tell it or our decorators do, and it is valid OTLP for
any receiver.
"""

import re
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import pytest

from tests.running import Server, running, until
from tests.sdk.receiving import ROOT, Receiver, environment, receiving, told
from tests.sdk.standin.server import standing_in

LIBRARIES: Final = ("openai", "anthropic", "langchain")
WAYS: Final = ("instrumentor", "decorators")
ANSWER: Final = "It is 12 °C in Oslo.\n"
CALLS: Final = """
SELECT attributes['gen_ai.provider.name'] AS provider,
       attributes['gen_ai.request.model'] AS model,
       status_code = 'ERROR' AS failed,
       attributes['gen_ai.usage.input_tokens']::BIGINT AS input,
       attributes['gen_ai.usage.output_tokens']::BIGINT AS output,
       attributes['gen_ai.usage.cache_read.input_tokens']::BIGINT AS cached,
       attributes['gen_ai.usage.reasoning.output_tokens']::BIGINT AS reasoning,
       round(attributes['ax.cost.usd']::DOUBLE * 1e9)::BIGINT AS nano_usd,
       attributes['gen_ai.agent.name'] AS agent,
       attributes['ax.step.key'] AS step,
       attributes['ax.tenant.id'] AS tenant
FROM spans AS call
WHERE service_name = ? AND attributes['gen_ai.operation.name'] = 'chat'
  AND NOT EXISTS (
      FROM spans AS inner_one
      WHERE inner_one.parent_span_id = call.span_id AND inner_one.attributes['gen_ai.operation.name'] = 'chat'
  )
ORDER BY start_time_unix_nano
"""
"""Calls of models; of two spans within each other the innermost is the call (Anthropic's client tells its own)."""
CONVENTIONAL: Final = re.compile(r"(gen_ai|server|error|user|openai|anthropic|http|url|exception|ax)\.[a-z0-9_.]+")


def run(library: str, how: str, endpoint: str) -> None:
    """The application against a stand-in of its provider, which fails once: the retry's reason."""
    with standing_in(errors={3: 500}) as provider:
        command = [sys.executable, f"tests/sdk/example_{library}.py", provider.url, how]
        environ = environment(endpoint)
        done = subprocess.run(command, env=environ, cwd=ROOT, capture_output=True, text=True, timeout=90, check=False)
        assert (done.stdout, done.returncode) == (ANSWER, 0), done.stderr
        assert len(provider.requests) == 5


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("examples") / "data") as started:
        yield started


def stored(server: Server, service: str) -> list[tuple[Any, ...]]:
    run_of = "SELECT count(*) FROM spans WHERE service_name = ? AND name = 'invoke_workflow weather desk'"
    until(lambda: server.sql(run_of, service)[0][0] == 1, f"the run of {service}")
    return server.sql(CALLS, service)


@pytest.mark.parametrize(
    "library", [pytest.param(one, marks=pytest.mark.slow) if one != "openai" else one for one in LIBRARIES]
)
def test_instrumentor_and_decorators_tell_the_same_calls_tokens_and_cost(server: Server, library: str) -> None:
    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda how: run(library, how, server.http), WAYS))
    by_instrumentor, by_hand = (stored(server, f"{library}-{how}") for how in WAYS)
    assert by_instrumentor == by_hand
    assert [(call[2], call[3], call[4], call[5]) for call in by_hand] == [
        (False, 1200, 300, 200),
        (False, 1200, 300, 200),
        (True, None, None, None),
        (False, 1200, 300, 200),
        (False, 1200, 300, 200),
    ]
    assert [(call[8], call[9], call[10]) for call in by_hand] == [
        ("forecaster", None, "acme"),
        ("forecaster", None, "acme"),
        (None, "summarise", "acme"),
        (None, "summarise", "acme"),
        (None, "tell", "acme"),
    ]
    costs = {call[7] for call in by_hand if not call[2]}
    assert len(costs) == 1
    assert min(costs) > 1_000_000  # nano-dollars
    steps = (
        "SELECT attributes['ax.step.retry_count']::INT FROM spans WHERE service_name = ? AND name = 'step summarise'"
    )
    assert [server.sql(steps, f"{library}-{how}") for how in WAYS] == [[(1,)], [(1,)]]


@pytest.mark.parametrize("how", WAYS)
def test_any_receiver_gets_valid_otlp_with_conventional_names(how: str) -> None:
    with receiving() as plain:
        run("openai", how, plain.url)
        assert plain.names() == [
            *["chat gpt-5"] * 5,
            "execute_tool weather",
            "invoke_agent forecaster",
            "invoke_workflow weather desk",
            "step summarise",
            "step tell",
        ]
        _assert_valid(plain)


def _assert_valid(plain: Receiver) -> None:
    spans = plain.spans()
    ids = {span.span_id for span in spans}
    assert {len(span.trace_id) for span in spans} == {16}
    assert {len(span_id) for span_id in ids} == {8}
    assert len({span.trace_id for span in spans}) == 1
    assert len(ids) == len(spans)
    assert [span.name for span in spans if span.parent_span_id not in ids] == ["invoke_workflow weather desk"]
    for span in spans:
        assert 0 < span.start_time_unix_nano <= span.end_time_unix_nano
        assert [key for key in told(span.attributes) if not CONVENTIONAL.fullmatch(key)] == []
        operation = told(span.attributes).get("gen_ai.operation.name")
        assert span.name.startswith(operation or "step ")
        assert span.kind == (3 if operation == "chat" else 1)
        assert not any("messages" in key or "prompt" in key for key in told(span.attributes))
    assert {log.event_name for log in plain.logs()} == {
        "ax.workflow.started",
        "ax.workflow.completed",
        "ax.step.started",
        "ax.step.completed",
    }
    (tokens,) = plain.metrics("gen_ai.client.token.usage")
    assert tokens.unit == "{token}"
    assert {resource["service.name"] for resource in plain.resources()} < {"openai-instrumentor", "openai-decorators"}
