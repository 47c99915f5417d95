"""OpenTelemetry's own instrumentors of the GenAI conventions, newest names; agent, tool and workflow by util-genai."""

import os

os.environ["OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"] = "SPAN_ONLY"

import anthropic
import cases
import openai
import tracing
from opentelemetry.instrumentation.genai.anthropic import AnthropicInstrumentor
from opentelemetry.instrumentation.genai.openai import OpenAIInstrumentor
from opentelemetry.util.genai.handler import TelemetryHandler

OpenAIInstrumentor().instrument()
AnthropicInstrumentor().instrument()
client = openai.OpenAI(max_retries=0)
claude = anthropic.Anthropic(max_retries=0)
handler = TelemetryHandler()

cases.cached(client)
cases.streamed(client)
with (
    handler.workflow("trip", conversation_id=cases.CONVERSATION),
    handler.invoke_local_agent(agent_name="planner", conversation_id=cases.CONVERSATION),
):
    messages = cases.asks_for_tool(client)
    with handler.tool("get_weather", tool_type="function", tool_call_id="call_paris") as tool:
        tool.arguments = {"city": "Paris"}
        tool.tool_result = cases.get_weather("Paris")
    cases.answers_with_tool(client, messages)
    cases.anthropic_cached(claude)
cases.failing(client)
cases.embedded(client)
cases.anthropic_streamed(claude)
tracing.flush()
