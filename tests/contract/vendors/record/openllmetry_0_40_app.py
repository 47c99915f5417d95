"""OpenLLMetry's instrumentors of 2025, before they took the names of the conventions."""

import anthropic
import cases
import openai
import tracing
from opentelemetry.instrumentation.anthropic import AnthropicInstrumentor
from opentelemetry.instrumentation.openai import OpenAIInstrumentor

OpenAIInstrumentor().instrument()
AnthropicInstrumentor().instrument()
client = openai.OpenAI(max_retries=0)
cases.cached(client)
cases.streamed(client)
cases.answers_with_tool(client, cases.asks_for_tool(client))
cases.failing(client)
cases.embedded(client)
claude = anthropic.Anthropic(max_retries=0)
cases.anthropic_cached(claude)
cases.anthropic_streamed(claude)
tracing.flush()
