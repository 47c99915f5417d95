"""Attribute, event and metric names: OpenTelemetry's, as far as we treat them specially, and our own under `ax.*`.

Source: OpenTelemetry semantic conventions 1.44 and the GenAI conventions' own repository (Development). Names that are
Development are here and nowhere else, so that a renaming is one line. Loads nothing.
"""

from typing import Final

SERVICE_NAME: Final = "service.name"
ERROR_TYPE: Final = "error.type"
USER_ID: Final = "user.id"
SESSION_ID: Final = "session.id"

OPERATION_NAME: Final = "gen_ai.operation.name"
PROVIDER_NAME: Final = "gen_ai.provider.name"
REQUEST_MODEL: Final = "gen_ai.request.model"
RESPONSE_MODEL: Final = "gen_ai.response.model"
CONVERSATION_ID: Final = "gen_ai.conversation.id"
AGENT_NAME: Final = "gen_ai.agent.name"
AGENT_VERSION: Final = "gen_ai.agent.version"
WORKFLOW_NAME: Final = "gen_ai.workflow.name"
TOOL_NAME: Final = "gen_ai.tool.name"
TIME_TO_FIRST_CHUNK: Final = "gen_ai.response.time_to_first_chunk"
"""Seconds, a double."""
INPUT_TOKENS: Final = "gen_ai.usage.input_tokens"
"""Cached tokens are among them."""
OUTPUT_TOKENS: Final = "gen_ai.usage.output_tokens"
"""Reasoning tokens are among them."""
CACHE_READ_TOKENS: Final = "gen_ai.usage.cache_read.input_tokens"
CACHE_WRITE_TOKENS: Final = "gen_ai.usage.cache_write.input_tokens"
CACHE_CREATION_TOKENS: Final = "gen_ai.usage.cache_creation.input_tokens"
"""What `CACHE_WRITE_TOKENS` was called before."""
REASONING_TOKENS: Final = "gen_ai.usage.reasoning.output_tokens"
AUDIO_INPUT_TOKENS: Final = "gen_ai.usage.audio.input_tokens"
AUDIO_OUTPUT_TOKENS: Final = "gen_ai.usage.audio.output_tokens"

INFERENCE_OPERATIONS: Final = frozenset({"chat", "generate_content", "text_completion", "embeddings"})
"""Operations that use tokens: of nested ones only the innermost counts."""
SPEECH_OPERATIONS: Final = frozenset({"stt", "tts"})
"""Speech to text and text to speech, as Pipecat names them; the conventions have no name yet."""

TENANT_ID: Final = "ax.tenant.id"
"""Tenant on whose behalf a record was made; on a record or on its resource."""
METADATA_PREFIX: Final = "ax.metadata."
SPAN_PENDING: Final = "ax.span.pending"
"""True on the copy of a span that is sent when it starts."""

WORKFLOW_RUN_ID: Final = "ax.workflow.run.id"
WORKFLOW_STATUS: Final = "ax.workflow.status"
"""pending, running, completed, failed or cancelled."""
WORKFLOW_CURRENT_STEP: Final = "ax.workflow.current_step"
"""Key of the step that started last: where a run is, or where it ended."""
WORKFLOW_STEPS_TOTAL: Final = "ax.workflow.steps.total"
WORKFLOW_STEPS_COMPLETED: Final = "ax.workflow.steps.completed"
WORKFLOW_STEPS_FAILED: Final = "ax.workflow.steps.failed"
STEP_KEY: Final = "ax.step.key"
STEP_NAME: Final = "ax.step.name"
STEP_STATUS: Final = "ax.step.status"
STEP_RETRY_COUNT: Final = "ax.step.retry_count"
STEP_RETRY_EVENT: Final = "ax.step.retry"
"""Event on a step's span: an attempt failed, and another is made."""
STEP_INPUT_SIZE: Final = "ax.step.input.size"
"""Bytes, as JSON."""
STEP_OUTPUT_SIZE: Final = "ax.step.output.size"
"""Bytes, as JSON."""

STREAM_ABANDONED: Final = "ax.stream.abandoned"
"""True where nobody read an answer to its end; its tokens may be unknown."""

COST: Final = "ax.cost.usd"
"""What a call cost in US dollars, a double that is exact to the nano-dollar; absent where no price is known."""
COST_INPUT: Final = "ax.cost.input.usd"
COST_CACHE_READ: Final = "ax.cost.cache_read.usd"
COST_CACHE_WRITE: Final = "ax.cost.cache_write.usd"
COST_OUTPUT: Final = "ax.cost.output.usd"
COST_AUDIO_INPUT: Final = "ax.cost.audio_input.usd"
COST_AUDIO_OUTPUT: Final = "ax.cost.audio_output.usd"
COST_REASONING: Final = "ax.cost.reasoning.usd"
COST_SPEECH: Final = "ax.cost.speech.usd"
"""The buckets of `COST` are disjoint and add up to it."""
PRICE_VERSION: Final = "ax.cost.price.version"
"""Whose price it is, and which: `genai-prices 0.2.3`, `otel-ax 2026-11-21`, `user`."""
PRICE_DATE: Final = "ax.cost.price.date"
"""The day from which the price holds; where its table has none, the day (UTC) for which it was asked: `2026-11-21`."""
COST_UNPRICED: Final = "ax.cost.unpriced"
"""Why a call with usage has no price: `unknown model`, `unknown provider`, `no model`, `no rate`, `no price at that
time`; `nested` on a span around another call that tells the same usage. As a metric: how many, but for the nested."""
NESTED: Final = "nested"

OPERATION_DURATION: Final = "ax.operation.duration"
"""Seconds; of spans with `gen_ai.operation.name`, or `ax.kind` in its place."""
OPERATION_ERRORS: Final = "ax.operation.errors"
USAGE_TOKENS: Final = "ax.usage.tokens"
USAGE_COST: Final = "ax.usage.cost"
"""US dollars."""
TOKEN_TYPE: Final = "ax.token.type"  # noqa: S105 (no password)
"""input, cache_read, cache_write, output or reasoning: disjoint, unlike `gen_ai.token.type`."""

CACHE_NAME: Final = "ax.cache.name"
CACHE_OUTCOME: Final = "ax.cache.outcome"
"""hit, miss or store."""
CACHE_KEY: Final = "ax.cache.key"
CACHE_REQUESTS: Final = "ax.cache.requests"
CACHE_SAVED_COST: Final = "ax.cache.saved.cost"
"""US dollars."""
CACHE_SAVED_TOKENS: Final = "ax.cache.saved.tokens"
CACHE_SIZE: Final = "ax.cache.size"
RATE_LIMIT_TYPE: Final = "ax.rate_limit.type"
RATE_LIMIT_OUTCOME: Final = "ax.rate_limit.outcome"
"""allowed or denied."""
RATE_LIMIT_KEY: Final = "ax.rate_limit.key"
RATE_LIMIT_REMAINING: Final = "ax.rate_limit.remaining"
RATE_LIMIT_REQUESTS: Final = "ax.rate_limit.requests"
BREAKER_NAME: Final = "ax.circuit_breaker.name"
BREAKER_STATE: Final = "ax.circuit_breaker.state"
"""As a metric: 0 closed, 1 half open, 2 open; as an attribute of an event: the word."""
PROVIDER_UP: Final = "ax.provider.up"
"""1 or 0."""
QUEUE_NAME: Final = "ax.queue.name"
QUEUE_LENGTH: Final = "ax.queue.length"
QUEUE_WAIT: Final = "ax.queue.wait.duration"
"""Seconds."""
POOL_NAME: Final = "ax.worker_pool.name"
POOL_WORKERS: Final = "ax.worker_pool.workers"
POOL_UTILIZATION: Final = "ax.worker_pool.utilization"
"""The share of workers that work."""
QUOTA_NAME: Final = "ax.quota.name"
QUOTA_USAGE: Final = "ax.quota.usage"
"""The share that is used."""
QUOTA_LIMIT: Final = "ax.quota.limit"
DATABASE_QUERIES: Final = "ax.database.queries"
API_REQUESTS: Final = "ax.api.requests"
WORKFLOW_EXECUTIONS: Final = "ax.workflow.executions"
WORKFLOW_STEPS: Final = "ax.workflow.steps"
BUDGET_NAMES: Final = "ax.budget.names"
"""The budgets around a span when it started: an array."""
PROCESS_MEMORY_UTILIZATION: Final = "ax.process.memory.utilization"
"""The share of the container's memory, or the machine's."""
PROCESS_LOOP_LAG: Final = "ax.process.event_loop.lag"
"""Seconds."""
PROCESS_CALLS_ACTIVE: Final = "ax.process.calls.active"

SPEECH_SECONDS: Final = "ax.speech.audio.seconds"
"""Audio that was transcribed or spoken."""
SPEECH_CHARACTERS: Final = "ax.speech.characters"
"""Characters that were spoken."""
SPEECH_TIME_TO_FIRST_BYTE: Final = "ax.speech.time_to_first_byte"
"""Seconds."""

VOICE_TURN_NUMBER: Final = "ax.voice.turn.number"
VOICE_CALL_ID: Final = "ax.voice.call.id"
VOICE_CALL_TURNS: Final = "ax.voice.call.turns"
"""How many turns a call had."""
VOICE_CALL_INTERRUPTIONS: Final = "ax.voice.call.interruptions"
"""In how many turns the user cut in."""
VOICE_OBJECTIVE: Final = "ax.voice.objective"
VOICE_OUTCOME: Final = "ax.voice.outcome"
VOICE_FAILURE_REASON: Final = "ax.voice.failure_reason"
VOICE_INTERRUPTED: Final = "ax.voice.interrupted"
VOICE_HEARD_SILENCE: Final = "ax.voice.heard_silence"
"""Seconds from the last audio of the user to the first of the agent."""
VOICE_STT_LATENCY: Final = "ax.voice.stt.latency"
"""Seconds from the last audio of the user to its final transcript."""
VOICE_LLM_LATENCY: Final = "ax.voice.llm.time_to_first_token"
"""Seconds."""
VOICE_TTS_LATENCY: Final = "ax.voice.tts.time_to_first_byte"
"""Seconds."""

WORKFLOW_EVENTS: Final = ("workflow.started", "workflow.completed", "workflow.failed", "workflow.cancelled")
STEP_EVENTS: Final = ("step.started", "step.completed", "step.failed")
EVENT_PREFIX: Final = "ax."
"""Before those names, where they are log events."""

KIND: Final = "ax.kind"
"""What of ours a span is, where `gen_ai.operation.name` has no word: workflow, step, voice_turn, voice_call."""

PROMPT_KEYS: Final = frozenset(
    {
        "gen_ai.input.messages",
        "gen_ai.output.messages",
        "gen_ai.system_instructions",
        "gen_ai.tool.call.arguments",
        "gen_ai.tool.call.result",
        "gen_ai.tool.definitions",
        "gen_ai.prompt",
        "gen_ai.completion",
        "input.value",
        "output.value",
        "ai.prompt",
        "ai.prompt.messages",
        "ai.response.text",
        "traceloop.entity.input",
        "traceloop.entity.output",
        "langfuse.observation.input",
        "langfuse.observation.output",
    }
)
"""Attributes that hold prompts and completions, which may be longer than others."""
