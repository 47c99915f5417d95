"""A weather desk: a workflow with steps and a retry, an agent with a tool, a streamed answer.

In: `python example_openai.py URL HOW`, where URL is the provider's and HOW is `instrumentor` or `decorators`. Out: the
answer, and its telemetry wherever OTEL_EXPORTER_OTLP_ENDPOINT says.
"""

import json
import sys

import openai

import otel_ax

URL, HOW = sys.argv[1:3]
MODEL = "gpt-5"
TOOLS = [{"type": "function", "function": {"name": "weather", "parameters": {"type": "object", "properties": {}}}}]

otel_ax.configure(service_name=f"openai-{HOW}", instrument=["openai"] if HOW == "instrumentor" else [])
client = openai.OpenAI(base_url=f"{URL}/v1", api_key="sk-none", max_retries=0)
call = otel_ax.llm("openai", MODEL) if HOW == "decorators" else lambda function: function


@call
def complete(messages, **more):
    return client.chat.completions.create(model=MODEL, messages=messages, **more)


@otel_ax.tool
def weather(city):
    return f"12 °C in {city}"


@otel_ax.agent("forecaster")
def forecast(question):
    messages = [{"role": "user", "content": question}]
    while True:
        message = complete(messages, tools=TOOLS).choices[0].message
        if not message.tool_calls:
            return message.content
        messages.append(message.model_dump(exclude_none=True))
        for asked in message.tool_calls:
            answer = weather(**json.loads(asked.function.arguments))
            messages.append({"role": "tool", "tool_call_id": asked.id, "content": answer})


@otel_ax.step(retries=1)
def summarise(text):
    return complete([{"role": "user", "content": f"Shorten: {text}"}]).choices[0].message.content


@otel_ax.step
def tell(text):
    chunks = complete([{"role": "user", "content": text}], stream=True, stream_options={"include_usage": True})
    return "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)


@otel_ax.workflow("weather desk")
def desk(question):
    return tell(summarise(forecast(question)))


with otel_ax.using(tenant="acme", user="ann", conversation="c1"):
    print(desk("What is the weather in Oslo?"))
otel_ax.shutdown()
