"""opentelemetry-instrumentation-openai-v2, the contrib package before the GenAI repository."""

import cases
import openai
import tracing
from opentelemetry.instrumentation.openai_v2 import OpenAIInstrumentor

OpenAIInstrumentor().instrument()
client = openai.OpenAI(max_retries=0)
cases.cached(client)
cases.streamed(client)
cases.answers_with_tool(client, cases.asks_for_tool(client))
cases.failing(client)
cases.embedded(client)
tracing.flush()
