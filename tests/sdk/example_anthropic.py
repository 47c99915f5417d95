"""The weather desk of `example_openai.py`, with Anthropic's client.

In: `python example_anthropic.py URL HOW`, where HOW is `instrumentor` or `decorators`. Out: the answer, and telemetry.
"""

import sys

import anthropic

import otel_ax

URL, HOW = sys.argv[1:3]
ASKED = {"model": "claude-sonnet-5", "max_tokens": 500}
TOOLS = [{"name": "weather", "description": "The weather now", "input_schema": {"type": "object", "properties": {}}}]

otel_ax.configure(service_name=f"anthropic-{HOW}", instrument=["anthropic"] if HOW == "instrumentor" else [])
client = anthropic.Anthropic(base_url=URL, api_key="sk-none", max_retries=0)
call = otel_ax.llm("anthropic", "claude-sonnet-5") if HOW == "decorators" else lambda function: function


@call
def complete(messages, **more):
    return client.messages.create(messages=messages, **ASKED, **more)


@otel_ax.tool
def weather(city):
    return f"12 °C in {city}"


@otel_ax.agent("forecaster")
def forecast(question):
    messages = [{"role": "user", "content": question}]
    while True:
        message = complete(messages, tools=TOOLS)
        asked = [block for block in message.content if block.type == "tool_use"]
        if not asked:
            return message.content[0].text
        messages.append({"role": "assistant", "content": message.content})
        answers = [{"type": "tool_result", "tool_use_id": one.id, "content": weather(**one.input)} for one in asked]
        messages.append({"role": "user", "content": answers})


@otel_ax.step(retries=1)
def summarise(text):
    return complete([{"role": "user", "content": f"Shorten: {text}"}]).content[0].text


@otel_ax.step
def tell(text):
    events = complete([{"role": "user", "content": text}], stream=True)
    return "".join(event.delta.text for event in events if event.type == "content_block_delta")


@otel_ax.workflow("weather desk")
def desk(question):
    return tell(summarise(forecast(question)))


with otel_ax.using(tenant="acme", user="ann", conversation="c1"):
    print(desk("What is the weather in Oslo?"))
otel_ax.shutdown()
