"""The weather desk of `example_openai.py`, with LangChain.

In: `python example_langchain.py URL HOW`, where HOW is `instrumentor` or `decorators`. Out: the answer, and telemetry.
"""

import sys

from langchain_core.messages import HumanMessage
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI

import otel_ax

URL, HOW = sys.argv[1:3]
MODEL = "gpt-5"
BY_HAND = HOW == "decorators"


def same(function):
    return function


otel_ax.configure(service_name=f"langchain-{HOW}", instrument=[] if BY_HAND else ["langchain"])
model = ChatOpenAI(model=MODEL, base_url=f"{URL}/v1", api_key="sk-none", max_retries=0, stream_usage=True)
call = otel_ax.llm("openai", MODEL) if BY_HAND else same


@tool
@(otel_ax.tool if BY_HAND else same)
def weather(city: str) -> str:
    """The weather now."""
    return f"12 °C in {city}"


@call
def complete(messages, chat=model):
    return chat.invoke(messages)


@call
def streamed(messages):
    return model.stream(messages)


@otel_ax.agent("forecaster")
def forecast(question):
    messages = [HumanMessage(question)]
    while True:
        message = complete(messages, model.bind_tools([weather]))
        if not message.tool_calls:
            return message.content
        messages += [message, *(weather.invoke(asked) for asked in message.tool_calls)]


@otel_ax.step(retries=1)
def summarise(text):
    return complete(f"Shorten: {text}").content


@otel_ax.step
def tell(text):
    return "".join(chunk.content for chunk in streamed(text))


@otel_ax.workflow("weather desk")
def desk(question):
    return tell(summarise(forecast(question)))


with otel_ax.using(tenant="acme", user="ann", conversation="c1"):
    print(desk("What is the weather in Oslo?"))
otel_ax.shutdown()
