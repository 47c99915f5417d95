"""Which published instrumentor makes which library tell. Data only; a new one is one entry.

Source: github.com/open-telemetry/opentelemetry-python-genai, `pyproject.toml` of each package. Rivals (openai-v2,
Traceloop's, OpenInference's) register under the same names in the entry-point group `opentelemetry_instrumentor`, so
they need no list of their own: whatever has one of a library's `names` and is not its `instrumentor` is a rival.
"""

from dataclasses import dataclass
from typing import Final

__all__ = ["LIBRARIES", "Library"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Library:
    """A library and who instruments it."""

    package: str
    """The library's distribution: `pip install …`."""
    distribution: str
    """The instrumentor's distribution."""
    instrumentor: str
    """Its class, `module:class`."""
    names: tuple[str, ...]
    """Entry points' names for this library, in lower case without `-` and `_`."""
    calls: tuple[tuple[str, str], ...] = ()
    """(module, method) that spend money: budgets are checked before them."""
    provider: str | None = None
    """Who is paid for them, as `gen_ai.provider.name` has it."""
    own: tuple[str, str] | None = None
    """(variable, value) that keeps the library from telling the same calls itself, unless the variable is set."""


_GENAI: Final = "opentelemetry.instrumentation.genai"

LIBRARIES: Final[dict[str, Library]] = {
    "openai": Library(
        package="openai",
        distribution="opentelemetry-instrumentation-genai-openai",
        instrumentor=f"{_GENAI}.openai:OpenAIInstrumentor",
        names=("openai", "openaiv2"),
        provider="openai",
        calls=(
            ("openai.resources.chat.completions", "Completions.create"),
            ("openai.resources.chat.completions", "AsyncCompletions.create"),
            ("openai.resources.chat.completions", "Completions.parse"),
            ("openai.resources.chat.completions", "AsyncCompletions.parse"),
            ("openai.resources.responses.responses", "Responses.create"),
            ("openai.resources.responses.responses", "AsyncResponses.create"),
            ("openai.resources.responses.responses", "Responses.parse"),
            ("openai.resources.responses.responses", "AsyncResponses.parse"),
            ("openai.resources.completions", "Completions.create"),
            ("openai.resources.completions", "AsyncCompletions.create"),
            ("openai.resources.embeddings", "Embeddings.create"),
            ("openai.resources.embeddings", "AsyncEmbeddings.create"),
        ),
    ),
    "anthropic": Library(
        package="anthropic",
        distribution="opentelemetry-instrumentation-genai-anthropic",
        instrumentor=f"{_GENAI}.anthropic:AnthropicInstrumentor",
        names=("anthropic",),
        provider="anthropic",
        own=("ANTHROPIC_OPEN_TELEMETRY", "false"),
        calls=(
            ("anthropic.resources.messages", "Messages.create"),
            ("anthropic.resources.messages", "AsyncMessages.create"),
            ("anthropic.resources.messages", "Messages.stream"),
            ("anthropic.resources.messages", "AsyncMessages.stream"),
        ),
    ),
    "langchain": Library(
        package="langchain",
        distribution="opentelemetry-instrumentation-genai-langchain",
        instrumentor=f"{_GENAI}.langchain:LangChainInstrumentor",
        names=("langchain",),
        calls=(
            ("langchain_core.language_models.chat_models", "BaseChatModel.generate"),
            ("langchain_core.language_models.chat_models", "BaseChatModel.agenerate"),
        ),
    ),
    "google-genai": Library(
        package="google-genai",
        distribution="opentelemetry-instrumentation-google-genai",
        instrumentor="opentelemetry.instrumentation.google_genai:GoogleGenAiSdkInstrumentor",
        names=("googlegenai", "googlegenerativeai"),
        provider="gcp.gemini",
        calls=(
            ("google.genai.models", "Models.generate_content"),
            ("google.genai.models", "Models.generate_content_stream"),
            ("google.genai.models", "AsyncModels.generate_content"),
            ("google.genai.models", "AsyncModels.generate_content_stream"),
        ),
    ),
    "openai-agents": Library(
        package="openai-agents",
        distribution="opentelemetry-instrumentation-genai-openai-agents",
        instrumentor=f"{_GENAI}.openai_agents:OpenAIAgentsInstrumentor",
        names=("openaiagents",),
    ),
    "bedrock": Library(
        package="boto3",
        distribution="opentelemetry-instrumentation-genai-bedrock",
        instrumentor=f"{_GENAI}.bedrock:BedrockInstrumentor",
        names=("bedrock",),
    ),
    "llama-index": Library(
        package="llama-index-core",
        distribution="opentelemetry-instrumentation-genai-llama-index",
        instrumentor=f"{_GENAI}.llama_index:LlamaIndexInstrumentor",
        names=("llamaindex",),
    ),
    "agno": Library(
        package="agno",
        distribution="opentelemetry-instrumentation-genai-agno",
        instrumentor=f"{_GENAI}.agno:AgnoInstrumentor",
        names=("agno",),
    ),
    "dspy": Library(
        package="dspy",
        distribution="opentelemetry-instrumentation-genai-dspy",
        instrumentor=f"{_GENAI}.dspy:DSPyInstrumentor",
        names=("dspy",),
    ),
    "portkey": Library(
        package="portkey-ai",
        distribution="opentelemetry-instrumentation-genai-portkey",
        instrumentor=f"{_GENAI}.portkey:PortkeyInstrumentor",
        names=("portkey",),
    ),
    "qwen-agent": Library(
        package="qwen-agent",
        distribution="opentelemetry-instrumentation-genai-qwen-agent",
        instrumentor=f"{_GENAI}.qwen_agent:QwenAgentInstrumentor",
        names=("qwenagent",),
    ),
    "smolagents": Library(
        package="smolagents",
        distribution="opentelemetry-instrumentation-genai-smolagents",
        instrumentor=f"{_GENAI}.smolagents:SmolagentsInstrumentor",
        names=("smolagents",),
    ),
    "litellm": Library(
        package="litellm",
        distribution="openinference-instrumentation-litellm",
        instrumentor="openinference.instrumentation.litellm:LiteLLMInstrumentor",
        names=("litellm",),
    ),
}
"""By the name that `instrument(...)` takes."""
