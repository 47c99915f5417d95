"""What the vendors call things: each canonical attribute of a span, and the names that others have for it.

In: nothing. Out: data that `normalise` loops over. The first source that has a value for a span fills the canonical
attribute's column; what was sent stays in `attributes`. Raise `VERSION` with every change: segments that were written
with an older one are computed anew when they are merged.

Vendors: OpenTelemetry (old and new names), OpenInference (`llm.*`, `openinference.*`), OpenLLMetry (`traceloop.*`,
`llm.request.type`, `gen_ai.usage.prompt_tokens`), Vercel AI SDK (`ai.*`), LangSmith, Langfuse, Logfire and Pydantic AI,
Pipecat (`turn.*`, `metrics.*`), LiveKit (`lk.*`). Names read in their packages, 2026-11.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from exporter.model import INT, LOW, PROMOTED_SPAN, REAL, TEXT, Promoted
from otel_ax import semconv

VERSION: Final = 2

Names = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Source:
    """One name that an attribute has somewhere, and how its value is read.

    `names` says what its words mean (in lower case; a word that is not there is nothing), `stem` that it begins with a
    known provider (`openai.chat`), `scale` by what a number is multiplied, `path` where it is in a JSON object (places
    to try, `a.b` for b in a, `*` for the sum of all), `when` for spans of which operation or kind it holds.
    """

    attribute: str
    names: Names = field(default_factory=dict)
    stem: bool = False
    scale: float = 1.0
    path: tuple[str, ...] = ()
    when: str | None = None


def _same(*attributes: str) -> tuple[Source, ...]:
    return tuple(Source(attribute) for attribute in attributes)


# ── Words ─────────────────────────────────────────────────────────────────────────────────────────────────────────

PROVIDERS: Final[Names] = {
    "az.ai.inference": "azure.ai.inference",
    "az.ai.openai": "azure.ai.openai",
    "azure": "azure.ai.openai",
    "azure-openai": "azure.ai.openai",
    "azure_openai": "azure.ai.openai",
    "vertex_ai": "gcp.vertex_ai",
    "vertexai": "gcp.vertex_ai",
    "google.vertex": "gcp.vertex_ai",
    "google_vertexai": "gcp.vertex_ai",
    "google-vertex": "gcp.vertex_ai",
    "gemini": "gcp.gemini",
    "google": "gcp.gen_ai",
    "google-gla": "gcp.gemini",
    "google_genai": "gcp.gemini",
    "google.generative-ai": "gcp.gemini",
    "google generative ai": "gcp.gemini",
    "google.genai": "gcp.gemini",
    "xai": "x_ai",
    "x-ai": "x_ai",
    "mistral": "mistral_ai",
    "mistralai": "mistral_ai",
    "amazon-bedrock": "aws.bedrock",
    "amazon_bedrock": "aws.bedrock",
    "bedrock": "aws.bedrock",
    "bedrock_converse": "aws.bedrock",
    "aws": "aws.bedrock",
    "watsonx": "ibm.watsonx.ai",
    "moonshot": "moonshot_ai",
    "moonshotai": "moonshot_ai",
}
"""Providers under OpenTelemetry's names; one that is not here is itself, in lower case."""
KNOWN_PROVIDERS: Final = frozenset(
    {"openai", "anthropic", "cohere", "perplexity", "deepseek", "groq", *PROVIDERS, *PROVIDERS.values()}
)

OPERATIONS: Final[Names] = {
    "embedding": "embeddings",
    "completion": "text_completion",
    "speech_to_text": "stt",
    "transcription": "stt",
    "text_to_speech": "tts",
    "llm_response": "chat",
}
"""The same of operations."""

_OPENINFERENCE: Final[Names] = {
    "llm": "chat",
    "embedding": "embeddings",
    "retriever": "retrieval",
    "tool": "execute_tool",
    "agent": "invoke_agent",
    "chain": "chain",
    "reranker": "rerank",
    "guardrail": "guardrail",
    "evaluator": "evaluator",
    "prompt": "prompt",
    "decision": "decision",
}
_LANGSMITH: Final[Names] = {
    "llm": "chat",
    "tool": "execute_tool",
    "retriever": "retrieval",
    "embedding": "embeddings",
    "chain": "chain",
    "prompt": "prompt",
    "parser": "parser",
}
_OPENLLMETRY: Final[Names] = {
    "chat": "chat",
    "completion": "text_completion",
    "embedding": "embeddings",
    "rerank": "rerank",
}
_TRACELOOP: Final[Names] = {"workflow": "invoke_workflow", "agent": "invoke_agent", "tool": "execute_tool"}
_LANGFUSE: Final[Names] = {
    "generation": "chat",
    "embedding": "embeddings",
    "tool": "execute_tool",
    "agent": "invoke_agent",
    "retriever": "retrieval",
    "chain": "chain",
    "guardrail": "guardrail",
    "evaluator": "evaluator",
}
# The outer spans run the loop over steps and tools and repeat the sum of what the inner ones used.
_VERCEL: Final[Names] = {
    "ai.generatetext": "invoke_agent",
    "ai.streamtext": "invoke_agent",
    "ai.generateobject": "invoke_agent",
    "ai.streamobject": "invoke_agent",
    "ai.generatetext.dogenerate": "chat",
    "ai.streamtext.dostream": "chat",
    "ai.generateobject.dogenerate": "chat",
    "ai.streamobject.dostream": "chat",
    "ai.embed": "embed",
    "ai.embedmany": "embed",
    "ai.embed.doembed": "embeddings",
    "ai.embedmany.doembed": "embeddings",
    "ai.toolcall": "execute_tool",
}

INHERITED: Final = (
    semconv.CONVERSATION_ID,
    semconv.SESSION_ID,
    semconv.USER_ID,
    semconv.AGENT_NAME,
    semconv.WORKFLOW_NAME,
    semconv.WORKFLOW_RUN_ID,
    semconv.STEP_KEY,
)
"""What a call has from the calls around it, which do not count, where it does not say it itself."""

AUDIO_CACHE_READ: Final = "gen_ai.usage.audio.cache_read.input_tokens"
"""Cached audio, which is part of both; only the price asks for it."""

COUNTED: Final = (
    semconv.INFERENCE_OPERATIONS | semconv.SPEECH_OPERATIONS | {"realtime_inference", "generate_live_content"}
)
"""Operations that call a model and are paid by what they use."""
OUTER: Final = frozenset({"execute_tool", "invoke_agent", "create_agent", "invoke_workflow"})
"""Operations inside which a call is a call of its own, whatever is around them."""

CHAIN: Final = "chain"
"""What OpenInference, LangSmith and Langfuse call any function; the one at the root is a workflow."""

# Usage as OpenAI's and Anthropic's own answers write it, and as Langfuse does.
_CACHE_READ: Final = (
    "prompt_tokens_details.cached_tokens",
    "input_tokens_details.cached_tokens",
    "cache_read_input_tokens",
    "input_cached_tokens",
    "input_cache_read",
)
_CACHE_WRITE: Final = ("cache_creation_input_tokens", "input_cache_creation")
_REASONING: Final = (
    "completion_tokens_details.reasoning_tokens",
    "output_tokens_details.reasoning_tokens",
    "output_reasoning_tokens",
)

# ── Sources ───────────────────────────────────────────────────────────────────────────────────────────────────────
# In the order in which they are asked. The canonical name itself stands where it is asked, first where it is not named.

SOURCES: Final[Mapping[str, tuple[Source, ...]]] = {
    semconv.OPERATION_NAME: (
        # LangSmith's exporter writes `embeddings` for a retriever and its own words for the rest.
        Source("langsmith.span.kind", _LANGSMITH),
        Source(semconv.OPERATION_NAME),
        Source("openinference.span.kind", _OPENINFERENCE),
        Source("llm.request.type", _OPENLLMETRY),
        Source("traceloop.span.kind", _TRACELOOP),
        Source("ai.operationId", _VERCEL),
        Source("langfuse.observation.type", _LANGFUSE),
    ),
    semconv.KIND: (
        Source("traceloop.span.kind", {"workflow": "workflow", "task": "step"}),
        Source("langfuse.observation.type", {"workflow": "workflow"}),
    ),
    semconv.PROVIDER_NAME: (
        Source("gen_ai.system", stem=True),
        Source("llm.provider"),
        Source("llm.system"),
        Source("ai.model.provider", stem=True),
        Source("langsmith.metadata.ls_provider"),
        Source("lk.tts_metrics", path=("metadata.model_provider",)),
    ),
    semconv.REQUEST_MODEL: (
        Source("llm.request.model_name"),
        Source("llm.invocation_parameters", path=("model", "model_name")),
        *_same(
            "llm.model_name",
            "embedding.model_name",
            "reranker.model_name",
            "llm.request.model",
            "ai.model.id",
            "langsmith.metadata.ls_model_name",
            "langfuse.observation.model.name",
        ),
        Source("lk.tts_metrics", path=("metadata.model_name",)),
    ),
    semconv.RESPONSE_MODEL: _same(
        "llm.response.model_name", "llm.response.model", "ai.response.model", "llm.model_name"
    ),
    "gen_ai.response.id": _same("ai.response.id", "llm.response.id"),
    semconv.INPUT_TOKENS: (
        *_same(
            "gen_ai.usage.prompt_tokens",
            "llm.token_count.prompt",
            "llm.usage.prompt_tokens",
            "ai.usage.inputTokens",
            "ai.usage.promptTokens",
            "ai.usage.tokens",
        ),
        Source("langfuse.observation.usage_details", path=("input", "prompt_tokens", "input_tokens")),
    ),
    semconv.OUTPUT_TOKENS: (
        *_same(
            "gen_ai.usage.completion_tokens",
            "llm.token_count.completion",
            "llm.usage.completion_tokens",
            "ai.usage.outputTokens",
            "ai.usage.completionTokens",
        ),
        Source("langfuse.observation.usage_details", path=("output", "completion_tokens", "output_tokens")),
    ),
    semconv.CACHE_READ_TOKENS: (
        *_same(
            "gen_ai.usage.cache_read_input_tokens",
            "gen_ai.usage.cached_tokens",
            "gen_ai.usage.details.cache_read_tokens",
            "gen_ai.usage.input_cached_tokens",
            "llm.token_count.prompt_details.cache_read",
            "llm.token_count.prompt_details.cache_input",
            "ai.usage.cachedInputTokens",
            "ai.usage.inputTokenDetails.cacheReadTokens",
        ),
        Source("gen_ai.usage.input_token_details", path=("cache_read",)),
        Source("langsmith.metadata.usage_metadata", path=("input_token_details.cache_read",)),
        Source("gen_ai.usage.raw", path=_CACHE_READ),
        Source("langfuse.observation.usage_details", path=_CACHE_READ),
        Source(
            "ai.response.providerMetadata",
            path=("openai.cachedPromptTokens", "anthropic.usage.cache_read_input_tokens"),
        ),
    ),
    semconv.CACHE_WRITE_TOKENS: (
        *_same(
            semconv.CACHE_CREATION_TOKENS,
            "gen_ai.usage.cache_creation_input_tokens",
            "gen_ai.usage.cache_write_input_tokens",
            "gen_ai.usage.details.cache_write_tokens",
            "llm.token_count.prompt_details.cache_write",
            "ai.usage.inputTokenDetails.cacheWriteTokens",
        ),
        Source("gen_ai.usage.input_token_details", path=("cache_creation",)),
        Source("langsmith.metadata.usage_metadata", path=("input_token_details.cache_creation",)),
        Source("gen_ai.usage.raw", path=_CACHE_WRITE),
        Source("langfuse.observation.usage_details", path=_CACHE_WRITE),
        Source("ai.response.providerMetadata", path=("anthropic.usage.cache_creation_input_tokens",)),
    ),
    semconv.REASONING_TOKENS: (
        *_same(
            "gen_ai.usage.reasoning_tokens",
            "gen_ai.usage.thoughts_tokens",
            "gen_ai.usage.details.reasoning_tokens",
            "llm.usage.reasoning_tokens",
            "llm.token_count.completion_details.reasoning",
            "llm.token_count.reasoning_tokens",
            "ai.usage.reasoningTokens",
            "ai.usage.outputTokenDetails.reasoningTokens",
        ),
        Source("gen_ai.usage.output_token_details", path=("reasoning",)),
        Source("langsmith.metadata.usage_metadata", path=("output_token_details.reasoning",)),
        Source("gen_ai.usage.raw", path=_REASONING),
        Source("langfuse.observation.usage_details", path=_REASONING),
    ),
    semconv.AUDIO_INPUT_TOKENS: (
        *_same(
            "gen_ai.usage.input_audio_tokens",
            "gen_ai.usage.details.input_audio_tokens",
            "llm.token_count.prompt_details.audio",
        ),
        Source("gen_ai.usage.input_token_details", path=("audio",)),
        Source("langsmith.metadata.usage_metadata", path=("input_token_details.audio",)),
        Source("gen_ai.usage.raw", path=("prompt_tokens_details.audio_tokens",)),
        Source("langfuse.observation.usage_details", path=("prompt_tokens_details.audio_tokens", "input_audio_tokens")),
    ),
    semconv.AUDIO_OUTPUT_TOKENS: (
        *_same(
            "gen_ai.usage.output_audio_tokens",
            "gen_ai.usage.details.output_audio_tokens",
            "llm.token_count.completion_details.audio",
        ),
        Source("gen_ai.usage.output_token_details", path=("audio",)),
        Source("langsmith.metadata.usage_metadata", path=("output_token_details.audio",)),
        Source("gen_ai.usage.raw", path=("completion_tokens_details.audio_tokens",)),
        Source(
            "langfuse.observation.usage_details",
            path=("completion_tokens_details.audio_tokens", "output_audio_tokens"),
        ),
    ),
    semconv.TIME_TO_FIRST_CHUNK: (
        Source("ai.response.msToFirstChunk", scale=1e-3),
        Source("ai.stream.msToFirstChunk", scale=1e-3),
        *_same(
            "gen_ai.client.operation.time_to_first_chunk",
            "metrics.ttfb",
            "lk.response.ttft",
            "lk.response.ttfb",
            semconv.SPEECH_TIME_TO_FIRST_BYTE,
        ),
        Source("lk.tts_metrics", path=("ttfb",)),
    ),
    semconv.CONVERSATION_ID: _same(
        "langfuse.session.id",
        "traceloop.association.properties.session_id",
        "traceloop.association.properties.conversation_id",
        "langsmith.metadata.session_id",
        "langsmith.metadata.thread_id",
        "langsmith.metadata.conversation_id",
        "ai.telemetry.metadata.sessionId",
        "conversation.id",
        "lk.job_id",
    ),
    semconv.USER_ID: _same(
        "langfuse.user.id",
        "gen_ai.user",
        "llm.user",
        "traceloop.association.properties.user_id",
        "langsmith.metadata.user_id",
        "ai.telemetry.metadata.userId",
        "enduser.id",
    ),
    semconv.AGENT_NAME: (
        *_same("agent.name", "agent_name", "lk.agent_name", "lk.agent_label"),
        Source("traceloop.entity.name", when="invoke_agent"),
        Source("ai.telemetry.functionId", when="invoke_agent"),
    ),
    semconv.TOOL_NAME: (
        *_same("tool.name", "ai.toolCall.name", "lk.function_tool.name"),
        Source("traceloop.entity.name", when="execute_tool"),
    ),
    semconv.WORKFLOW_NAME: (
        *_same("traceloop.workflow.name"),
        Source("traceloop.entity.name", when="invoke_workflow"),
    ),
    semconv.STEP_KEY: (
        Source("traceloop.entity.name", when="step"),
        Source("graph.node.id"),
        Source("langsmith.metadata.langgraph_node"),
        Source("metadata", path=("langgraph_node",)),
    ),
    semconv.COST: (
        *_same("operation.cost", "gen_ai.usage.cost", "gen_ai.usage.cost.amount", "llm.cost.total"),
        Source("langfuse.observation.cost_details", path=("total", "*")),
    ),
    semconv.SPEECH_CHARACTERS: (
        Source("metrics.character_count"),
        Source("lk.tts_metrics", path=("characters_count",)),
    ),
}

TOTALS: Final = (
    *_same("gen_ai.usage.total_tokens", "llm.usage.total_tokens", "llm.token_count.total"),
    Source("langfuse.observation.usage_details", path=("total_tokens", "total")),
)
"""Input and output together: tells whether cached tokens are among the input. Vercel's sums whatever it was given."""

# ── Spans that only their names tell ──────────────────────────────────────────────────────────────────────────────

OF_NAMES: Final[Mapping[str, Mapping[str, Names]]] = {
    "pipecat.turn": {
        "conversation": {semconv.KIND: "voice_call"},
        "turn": {semconv.KIND: "voice_turn"},
    },
    "livekit-agents": {
        "agent_session": {semconv.KIND: "voice_call"},
        "agent_turn": {semconv.KIND: "voice_turn"},
        "tts_request": {semconv.OPERATION_NAME: "tts"},
        "function_tool": {semconv.OPERATION_NAME: "execute_tool"},
    },
}
"""Scope, span name, and what such a span is where its attributes do not say it."""

FIRST_CHUNK_EVENTS: Final = frozenset(
    {"First Token Stream Event", "gen_ai.content.completion.chunk", "llm.content.completion.chunk"}
)
"""Events at whose first one the answer began (OpenInference, OpenLLMetry)."""
BEGAN_AT: Final = "langfuse.observation.completion_start_time"
"""When the answer began, ISO 8601 in JSON."""

EXCLUSIVE: Final = frozenset({("ai", "anthropic"), ("pipecat", "anthropic")})
"""Scope and provider of producers whose input tokens leave the cached ones out."""

# ── Where canonical attributes are kept ───────────────────────────────────────────────────────────────────────────

COLUMNS: Final[Mapping[str, str]] = {
    semconv.KIND: "ax_kind",
    semconv.WORKFLOW_RUN_ID: "workflow_run_id",
    semconv.STEP_KEY: "step_key",
    semconv.AUDIO_INPUT_TOKENS: "gen_ai_usage_audio_input_tokens",
    semconv.AUDIO_OUTPUT_TOKENS: "gen_ai_usage_audio_output_tokens",
    semconv.SPEECH_SECONDS: "speech_seconds",
    semconv.SPEECH_CHARACTERS: "speech_characters",
}
"""Columns of canonical attributes that are not promoted, beside them in `model.UNDERSTOOD`."""

CANONICAL: Final[Promoted] = {
    **PROMOTED_SPAN,
    semconv.KIND: LOW,
    semconv.WORKFLOW_RUN_ID: TEXT,
    semconv.STEP_KEY: LOW,
    semconv.AUDIO_INPUT_TOKENS: INT,
    semconv.AUDIO_OUTPUT_TOKENS: INT,
    semconv.SPEECH_SECONDS: REAL,
    semconv.SPEECH_CHARACTERS: INT,
    semconv.COST: REAL,
    AUDIO_CACHE_READ: INT,
}
"""All that `normalise` reads of a span, with their types."""
