"""OpenLLMetry (Traceloop): its SDK's workflow, task, agent and tool around the instrumented clients."""

import os

import anthropic
import cases
import openai
from opentelemetry import trace
from traceloop.sdk import Traceloop
from traceloop.sdk.decorators import agent, task, tool, workflow
from traceloop.sdk.instruments import Instruments

Traceloop.init(
    app_name="openllmetry",
    api_endpoint=os.environ["OTEL_EXPORTER_OTLP_ENDPOINT"],
    instruments={Instruments.OPENAI, Instruments.ANTHROPIC},
    telemetry_enabled=False,
)
client = openai.OpenAI(max_retries=0)


@tool(name="get_weather")
def get_weather(city: str) -> str:
    return cases.get_weather(city)


@agent(name="planner")
def planner() -> None:
    messages = cases.asks_for_tool(client)
    get_weather("Paris")
    cases.answers_with_tool(client, messages)


@task(name="plan")
def plan() -> None:
    planner()


@workflow(name="trip")
def trip() -> None:
    Traceloop.set_association_properties({"session_id": cases.CONVERSATION, "user_id": "user-1"})
    plan()


cases.cached(client)
cases.streamed(client)
cases.failing(client)
cases.embedded(client)
claude = anthropic.Anthropic(max_retries=0, open_telemetry=False)
cases.anthropic_cached(claude)
cases.anthropic_streamed(claude)
trip()
trace.get_tracer_provider().shutdown()
