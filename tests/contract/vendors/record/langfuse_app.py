"""Langfuse's SDK, version 3: its drop-in for OpenAI's client, and its decorator."""

import os

os.environ |= {
    "LANGFUSE_HOST": os.environ["OTEL_EXPORTER_OTLP_ENDPOINT"],
    "LANGFUSE_PUBLIC_KEY": "none",
    "LANGFUSE_SECRET_KEY": "none",
}

import cases
from langfuse import get_client, observe, propagate_attributes
from langfuse.openai import openai

client = openai.OpenAI(max_retries=0)


@observe(name="get_weather", as_type="tool")
def get_weather(city: str) -> str:
    return cases.get_weather(city)


@observe(name="planner", as_type="agent")
def planner() -> None:
    messages = cases.asks_for_tool(client)
    get_weather("Paris")
    cases.answers_with_tool(client, messages)


@observe(name="trip")
def trip() -> None:
    with propagate_attributes(session_id=cases.CONVERSATION, user_id="user-1"):
        planner()


cases.cached(client)
cases.streamed(client)
cases.failing(client)
cases.embedded(client)
with get_client().start_as_current_generation(name="by hand", model=cases.CLAUDE) as generation:
    usage = {"input": 100, "cache_read_input_tokens": 2000, "cache_creation_input_tokens": 500, "output": 50}
    cost = {"input": 0.002775, "output": 0.00075}
    generation.update(output="Kept for later.", usage_details=usage, cost_details=cost)
trip()
get_client().flush()
