"""LangSmith with LANGSMITH_OTEL_ENABLED: its wrapper of OpenAI's client, its decorators, and an agent of LangChain."""

import os

os.environ |= {
    "LANGSMITH_TRACING": "true",
    "LANGSMITH_OTEL_ENABLED": "true",
    "LANGSMITH_OTEL_ONLY": "true",
    "LANGSMITH_PROJECT": "recording",
    "LANGSMITH_API_KEY": "none",
    "LANGSMITH_ENDPOINT": os.environ["OTEL_EXPORTER_OTLP_ENDPOINT"],
}

import anthropic
import cases
import openai
import tracing
from langchain.agents import create_agent
from langchain_anthropic import ChatAnthropic
from langchain_core.tracers.langchain import wait_for_all_tracers
from langchain_openai import ChatOpenAI
from langsmith import traceable
from langsmith.run_trees import get_cached_client
from langsmith.wrappers import wrap_openai

client = wrap_openai(openai.OpenAI(max_retries=0))


@traceable(run_type="tool")
def get_weather(city: str) -> str:
    return cases.get_weather(city)


@traceable(run_type="retriever")
def look_up(query: str) -> list[dict[str, str]]:
    return [{"page_content": f"Rain in {query}.", "type": "Document"}]


@traceable(run_type="prompt")
def write_prompt(city: str) -> str:
    return f"Weather in {city}?"


@traceable(run_type="chain", metadata={"session_id": cases.CONVERSATION})
def trip() -> None:
    look_up("Paris")
    write_prompt("Paris")
    messages = cases.asks_for_tool(client)
    get_weather("Paris")
    cases.answers_with_tool(client, messages)


cases.cached(client)
cases.streamed(client)
cases.failing(client)
trip()
model = ChatOpenAI(model=cases.SMALL, max_retries=0)
agent = create_agent(model, tools=[cases.get_weather], name="planner")
agent.invoke(
    {"messages": [{"role": "user", "content": "Weather in Paris?"}]},
    config={"metadata": {"thread_id": cases.ANOTHER_CONVERSATION}},
)
cases.silence(anthropic.Client)
for case in ("Written", "Little"):
    ChatAnthropic(model=cases.CLAUDE, max_retries=0, max_tokens=1000).invoke(f"{case}, please.")
wait_for_all_tracers()
get_cached_client().flush()
tracing.flush()
