"""Pipecat: a pipeline of speech to text, a model and text to speech, without a microphone; two turns of one caller."""

import asyncio
import os

import cases
import tracing
from anthropic import AsyncAnthropic
from pipecat.frames.frames import (
    BotStartedSpeakingFrame,
    BotStoppedSpeakingFrame,
    EndFrame,
    Frame,
    InputAudioRawFrame,
    LLMContextFrame,
    TranscriptionFrame,
    TTSAudioRawFrame,
    TTSStoppedFrame,
    UserStartedSpeakingFrame,
    UserStoppedSpeakingFrame,
    VADUserStartedSpeakingFrame,
    VADUserStoppedSpeakingFrame,
)
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineParams, PipelineWorker
from pipecat.processors.aggregators.llm_context import LLMContext
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor
from pipecat.services.anthropic.llm import AnthropicLLMService
from pipecat.services.openai.llm import OpenAILLMService
from pipecat.services.openai.stt import OpenAISTTService
from pipecat.services.openai.tts import OpenAITTSService
from pipecat.workers.runner import WorkerRunner

URL = os.environ["OPENAI_BASE_URL"]
RATE = 24_000
HALF_A_SECOND = bytes(RATE)


class Asking(FrameProcessor):
    """What was heard becomes what the model is asked."""

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        await self.push_frame(frame, direction)
        if isinstance(frame, TranscriptionFrame):
            await self.push_frame(LLMContextFrame(LLMContext([{"role": "user", "content": frame.text}])))


class Speaker(FrameProcessor):
    """A loudspeaker: says when the bot speaks."""

    speaking = False

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        if isinstance(frame, TTSAudioRawFrame) and not self.speaking:
            self.speaking = True
            await self.broadcast_frame(BotStartedSpeakingFrame)
        if isinstance(frame, TTSStoppedFrame):
            self.speaking = False
            await self.broadcast_frame(BotStoppedSpeakingFrame)
        await self.push_frame(frame, direction)


async def main() -> None:
    hearing = OpenAISTTService(base_url=URL, settings=OpenAISTTService.Settings(model="gpt-4o-mini-transcribe"))
    model = OpenAILLMService(base_url=URL, settings=OpenAILLMService.Settings(model=cases.SMALL))
    voice = OpenAITTSService(base_url=URL, settings=OpenAITTSService.Settings(model="gpt-4o-mini-tts", voice="ash"))
    worker = PipelineWorker(
        Pipeline([hearing, Asking(), model, voice, Speaker()]),
        params=PipelineParams(
            enable_metrics=True, enable_usage_metrics=True, audio_in_sample_rate=RATE, audio_out_sample_rate=RATE
        ),
        enable_tracing=True,
        conversation_id=cases.CONVERSATION,
        cancel_on_idle_timeout=False,
    )
    started = asyncio.Event()

    @worker.event_handler("on_pipeline_started")
    async def _(*_: object) -> None:
        started.set()

    async def speak() -> None:
        await started.wait()
        turn = [
            UserStartedSpeakingFrame(),
            VADUserStartedSpeakingFrame(),
            InputAudioRawFrame(HALF_A_SECOND, RATE, 1),
            VADUserStoppedSpeakingFrame(),
            UserStoppedSpeakingFrame(),
        ]
        for frame in turn:
            await worker.queue_frame(frame)
            await asyncio.sleep(0.1)
        await asyncio.sleep(4)
        await worker.queue_frame(UserStartedSpeakingFrame())
        await worker.queue_frame(UserStoppedSpeakingFrame())
        await worker.queue_frame(LLMContextFrame(LLMContext([{"role": "user", "content": "Failing, please."}])))
        await asyncio.sleep(2)
        await worker.queue_frame(EndFrame())

    runner = WorkerRunner(handle_sigint=False)
    await runner.add_workers(worker)
    await asyncio.gather(runner.run(), speak())


async def ask_claude() -> None:
    """Two questions in writing, outside any turn."""
    claude = AsyncAnthropic(max_retries=0, open_telemetry=False)
    model = AnthropicLLMService(
        api_key="none", client=claude, settings=AnthropicLLMService.Settings(model=cases.CLAUDE, max_tokens=1000)
    )
    worker = PipelineWorker(
        Pipeline([model]),
        params=PipelineParams(enable_metrics=True, enable_usage_metrics=True),
        enable_tracing=True,
        conversation_id=cases.ANOTHER_CONVERSATION,
        cancel_on_idle_timeout=False,
    )
    started = asyncio.Event()

    @worker.event_handler("on_pipeline_started")
    async def _(*_: object) -> None:
        started.set()

    async def write() -> None:
        await started.wait()
        for case in ("Written", "Little"):
            await worker.queue_frame(LLMContextFrame(LLMContext([{"role": "user", "content": f"{case}, please."}])))
            await asyncio.sleep(2)
        await worker.queue_frame(EndFrame())

    runner = WorkerRunner(handle_sigint=False)
    await runner.add_workers(worker)
    await asyncio.gather(runner.run(), write())


asyncio.run(main())
asyncio.run(ask_claude())
tracing.flush()
