"""OpenTelemetry's instrumentors of LangChain and of OpenAI's client, both on: one call, two spans, one in the other."""

import cases
import tracing
from langchain.agents import create_agent
from langchain_openai import ChatOpenAI
from opentelemetry.instrumentation.genai.langchain import LangChainInstrumentor
from opentelemetry.instrumentation.genai.openai import OpenAIInstrumentor

OpenAIInstrumentor().instrument()
LangChainInstrumentor().instrument()
ChatOpenAI(model=cases.THINKING, max_retries=0).invoke("Cached, please.")
agent = create_agent(ChatOpenAI(model=cases.SMALL, max_retries=0), tools=[cases.get_weather], name="planner")
agent.invoke({"messages": [{"role": "user", "content": "Weather in Paris?"}]})
tracing.flush()
