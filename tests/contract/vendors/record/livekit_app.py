"""LiveKit's agents: one session without a room, asked in text, that answers in speech, calls a tool, and fails once."""

import asyncio
from contextlib import suppress

import cases
import tracing
from livekit import rtc
from livekit.agents import Agent, AgentSession, ChatContext, function_tool
from livekit.agents.telemetry import set_tracer_provider
from livekit.agents.types import APIConnectOptions
from livekit.agents.voice.agent_session import SessionConnectOptions
from livekit.agents.voice.io import AudioOutput, AudioOutputCapabilities
from livekit.plugins import anthropic, openai

set_tracer_provider(tracing.spans)


class Speaker(AudioOutput):
    """A loudspeaker: has played what it was given at once."""

    def __init__(self) -> None:
        super().__init__(label="speaker", capabilities=AudioOutputCapabilities(pause=False), sample_rate=24_000)
        self.seconds = 0.0

    async def capture_frame(self, frame: rtc.AudioFrame) -> None:
        await super().capture_frame(frame)
        self.seconds += frame.duration

    def flush(self) -> None:
        super().flush()
        if self.seconds:
            self.on_playback_finished(playback_position=self.seconds, interrupted=False)
            self.seconds = 0.0

    def clear_buffer(self) -> None:
        self.flush()


class Model(openai.LLM):
    """OpenAI's, as it is called where the stand-in is not."""

    provider = "api.openai.com"


class Voice(openai.TTS):
    """The same."""

    provider = "api.openai.com"


class Claude(anthropic.LLM):
    """The same, of Anthropic."""

    provider = "api.anthropic.com"


@function_tool
async def get_weather(city: str) -> str:
    """The weather in a city."""
    return cases.get_weather(city)


async def main() -> None:
    once = APIConnectOptions(max_retry=0)
    session = AgentSession(
        llm=Model(model=cases.SMALL, max_retries=0),
        tts=Voice(model="gpt-4o-mini-tts", voice="ash", response_format="pcm"),
        conn_options=SessionConnectOptions(llm_conn_options=once, tts_conn_options=once),
    )
    session.output.audio = Speaker()
    await session.start(Agent(instructions="Be brief.", tools=[get_weather]))
    for said in ("Streamed, please.", "Weather in Paris?", "Failing, please."):
        with suppress(Exception):
            await asyncio.wait_for(session.run(user_input=said), 10)
        await session.current_agent.update_chat_ctx(ChatContext.empty())
    await session.aclose()
    claude = Claude(model=cases.CLAUDE)
    for case in ("Written", "Little"):
        asked = ChatContext.empty()
        asked.add_message(role="user", content=f"{case}, please.")
        async with claude.chat(chat_ctx=asked) as answer:
            async for _ in answer:
                pass


asyncio.run(main())
tracing.flush()
