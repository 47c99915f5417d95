"""The calls that every program makes with the clients of OpenAI and Anthropic themselves, in this order.

In: clients whose base URL is the stand-in's. Out: nothing; a call that fails fails quietly.
"""

import os
from contextlib import suppress
from functools import partialmethod
from typing import Any, Final

import openai

CONVERSATION: Final = f"{os.environ['OTEL_SERVICE_NAME']}-1"
ANOTHER_CONVERSATION: Final = f"{os.environ['OTEL_SERVICE_NAME']}-2"
SMALL: Final = "gpt-4o-mini"
THINKING: Final = "gpt-5-mini"
CLAUDE: Final = "claude-sonnet-4-5"
TOOLS: Final = [
    {
        "type": "function",
        "function": {
            "name": "get_weather",
            "description": "The weather in a city.",
            "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
        },
    }
]


def get_weather(city: str) -> str:
    """The weather in a city."""
    return f"Rain in {city}, 18 °C."


def cached(client: openai.OpenAI) -> None:
    """Most of the prompt comes from the cache, and part of the answer is reasoning."""
    client.chat.completions.create(model=THINKING, messages=[{"role": "user", "content": "Cached, please."}])


def streamed(client: openai.OpenAI) -> None:
    """An answer in chunks."""
    messages: Any = [{"role": "user", "content": "Streamed, please."}]
    for _ in client.chat.completions.create(
        model=SMALL, messages=messages, stream=True, stream_options={"include_usage": True}
    ):
        pass


def asks_for_tool(client: openai.OpenAI) -> list[Any]:
    """An answer that calls the tool; the messages so far."""
    messages: list[Any] = [{"role": "user", "content": "Weather in Paris?"}]
    answer = client.chat.completions.create(model=SMALL, messages=messages, tools=TOOLS)
    messages.append(answer.choices[0].message.model_dump(exclude_none=True))
    return messages


def answers_with_tool(client: openai.OpenAI, messages: list[Any]) -> None:
    """The answer once the tool has run."""
    messages.append({"role": "tool", "tool_call_id": "call_paris", "content": get_weather("Paris")})
    client.chat.completions.create(model=SMALL, messages=messages, tools=TOOLS)


def failing(client: openai.OpenAI) -> None:
    """A call that is refused."""
    with suppress(openai.RateLimitError):
        client.chat.completions.create(model=SMALL, messages=[{"role": "user", "content": "Failing, please."}])


def embedded(client: openai.OpenAI) -> None:
    """An embedding."""
    client.embeddings.create(model="text-embedding-3-small", input="Rain", encoding_format="float")


def silence(client_class: type[Any]) -> None:
    """Clients that a framework makes have no spans of their own: nothing would tie them to the framework's."""
    client_class.__init__ = partialmethod(client_class.__init__, open_telemetry=False)  # type: ignore[misc]


def anthropic_cached(client: Any) -> None:
    """Two calls: one whose cached tokens are more than the rest of its input, one whose are less."""
    for case in ("Written", "Little"):
        message = {"role": "user", "content": f"{case}, please."}
        client.messages.create(model=CLAUDE, max_tokens=1000, messages=[message])


def anthropic_streamed(client: Any) -> None:
    """An answer in chunks."""
    message = {"role": "user", "content": "Streamed, please."}
    with client.messages.stream(model=CLAUDE, max_tokens=1000, messages=[message]) as stream:
        stream.until_done()
