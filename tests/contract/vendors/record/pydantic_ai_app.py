"""Pydantic AI, instrumented by Logfire, which sends to an endpoint of OTLP alone."""

import asyncio
from contextlib import suppress

import anthropic
import cases
import logfire
import openai
from pydantic_ai import Agent
from pydantic_ai.exceptions import ModelHTTPError
from pydantic_ai.models.anthropic import AnthropicModel
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.anthropic import AnthropicProvider
from pydantic_ai.providers.openai import OpenAIProvider

logfire.configure(send_to_logfire=False, console=False, service_name="pydantic_ai")
logfire.instrument_pydantic_ai()
provider = OpenAIProvider(openai_client=openai.AsyncOpenAI(max_retries=0))
small = OpenAIChatModel(cases.SMALL, provider=provider)


async def main() -> None:
    await Agent(OpenAIChatModel(cases.THINKING, provider=provider), name="thinker").run("Cached, please.")
    async with Agent(small, name="streamer").run_stream("Streamed, please.") as answer:
        async for _ in answer.stream_text():
            pass
    await Agent(small, name="planner", tools=[cases.get_weather]).run(
        "Weather in Paris?", conversation_id=cases.CONVERSATION
    )
    with suppress(ModelHTTPError):
        await Agent(small, name="unlucky").run("Failing, please.")
    client = anthropic.AsyncAnthropic(max_retries=0, open_telemetry=False)
    claude = AnthropicModel(cases.CLAUDE, provider=AnthropicProvider(anthropic_client=client))
    await Agent(claude, name="claude").run("Written, please.")
    await Agent(claude, name="claude").run("Little, please.")
    # The client's own instrumentation beside the framework's: two spans for one call.
    logfire.instrument_openai(openai.OpenAI)
    cases.cached(openai.OpenAI(max_retries=0))


asyncio.run(main())
logfire.force_flush()
