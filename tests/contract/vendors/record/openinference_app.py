"""OpenInference (Arize Phoenix): the clients, and an agent of LangChain, whose model is not instrumented twice."""

import anthropic
import cases
import openai
import tracing
from langchain.agents import create_agent
from langchain_anthropic import ChatAnthropic
from langchain_openai import ChatOpenAI
from openinference.instrumentation import using_attributes
from openinference.instrumentation.anthropic import AnthropicInstrumentor
from openinference.instrumentation.langchain import LangChainInstrumentor
from openinference.instrumentation.openai import OpenAIInstrumentor

of_openai = OpenAIInstrumentor()
of_openai.instrument()
of_anthropic = AnthropicInstrumentor()
of_anthropic.instrument()
client = openai.OpenAI(max_retries=0)
with using_attributes(session_id=cases.CONVERSATION, user_id="user-1"):
    cases.cached(client)
cases.streamed(client)
cases.failing(client)
cases.embedded(client)
claude = anthropic.Anthropic(max_retries=0, open_telemetry=False)
cases.anthropic_cached(claude)
cases.anthropic_streamed(claude)

of_openai.uninstrument()
of_anthropic.uninstrument()
cases.silence(anthropic.Client)
LangChainInstrumentor().instrument()
model = ChatOpenAI(model=cases.SMALL, max_retries=0)
agent = create_agent(model, tools=[cases.get_weather], name="planner")
agent.invoke({"messages": [{"role": "user", "content": "Weather in Paris?"}]})
for case in ("Written", "Little"):
    ChatAnthropic(model=cases.CLAUDE, max_retries=0, max_tokens=1000).invoke(f"{case}, please.")
tracing.flush()
