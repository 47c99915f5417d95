"""Who is recorded: packages, as pip or npm takes them, and what the recording is to show.

In: nothing. Out: `VENDORS`; each has a program beside this file, NAME_app.py or NAME_app.mjs.
"""

from dataclasses import dataclass
from typing import Final, Literal


@dataclass(frozen=True, slots=True)
class Vendor:
    """One recording; `packages` with spaces between."""

    shows: str
    packages: str
    runtime: Literal["python", "node"] = "python"

    def program(self, name: str) -> str:
        """The file that is run."""
        return f"{name}_app.{'py' if self.runtime == 'python' else 'mjs'}"


PYTHON_SDK: Final = "opentelemetry-sdk==1.45.2 opentelemetry-exporter-otlp-proto-http==1.45.2"
_NODE_SDK: Final = "@opentelemetry/api@1 @opentelemetry/sdk-trace-node@2 @opentelemetry/exporter-trace-otlp-http@0"
_GENAI: Final = "opentelemetry-instrumentation-genai"

VENDORS: Final = {
    "otel_genai": Vendor(
        "the GenAI conventions as OpenTelemetry's own instrumentors write them, and Anthropic's client inside them",
        f"{_GENAI}-openai==1.3b0 {_GENAI}-anthropic==1.3b0 openai anthropic",
    ),
    "otel_langchain": Vendor(
        "OpenTelemetry's instrumentors of LangChain and of the client under it, both on",
        f"{_GENAI}-langchain==1.3b0 {_GENAI}-openai==1.3b0 openai langchain langchain-openai",
    ),
    "openai_v2": Vendor(
        "what contrib's package for OpenAI writes, which bootstrap still installs",
        "opentelemetry-instrumentation-openai-v2>=2.4b0 opentelemetry-util-genai<1 openai<3",
    ),
    "openinference": Vendor(
        "OpenInference around the clients, and around an agent of LangChain",
        "openinference-instrumentation-openai openinference-instrumentation-anthropic"
        " openinference-instrumentation-langchain openai anthropic langchain langchain-openai langchain-anthropic",
    ),
    "openllmetry": Vendor(
        "Traceloop's SDK: workflow, task, agent and tool around instrumented clients",
        "traceloop-sdk opentelemetry-instrumentation-openai opentelemetry-instrumentation-anthropic"
        " openai anthropic httpx",
    ),
    "openllmetry_0_40": Vendor(
        "OpenLLMetry of 2025: gen_ai.prompt.N, gen_ai.usage.prompt_tokens, llm.request.type",
        "opentelemetry-instrumentation-openai==0.40.14 opentelemetry-instrumentation-anthropic==0.40.14"
        " openai<2 anthropic<0.60",
    ),
    "two_instrumentors": Vendor(
        "two on one library, OpenLLMetry and Anthropic's client, whose spans are not inside one another",
        "opentelemetry-instrumentation-anthropic openai anthropic",
    ),
    "langsmith": Vendor(
        "LangSmith's runs as spans: wrapped client, decorators, an agent of LangChain",
        "langsmith[otel] openai langchain langchain-openai langchain-anthropic",
    ),
    "langfuse": Vendor(
        "Langfuse's drop-in for OpenAI's client, its decorators, and a generation with usage and cost by hand",
        "langfuse>=3,<4 openai",
    ),
    "pydantic_ai": Vendor(
        "agents of Pydantic AI under Logfire, and Logfire's own instrumentation of OpenAI's client",
        "logfire pydantic-ai-slim[openai,anthropic]",
    ),
    "pipecat": Vendor(
        "conversations of Pipecat: turns with speech to text, model and text to speech; counts of Anthropic's shape",
        "pipecat-ai[tracing] openai anthropic",
    ),
    "livekit": Vendor(
        "a session of LiveKit's agents: turns with model, tool and text to speech",
        "livekit-agents livekit-plugins-openai livekit-plugins-anthropic",
    ),
    "vercel": Vendor(
        "Vercel's AI SDK 7 with its package for OpenTelemetry: outer spans that sum up, steps, calls, tools",
        f"ai@7 @ai-sdk/otel@1 @ai-sdk/openai@4 @ai-sdk/anthropic@4 {_NODE_SDK}",
        runtime="node",
    ),
    "vercel_5": Vendor(
        "Vercel's AI SDK 5: names under ai.*, outer spans that sum up, counts of Anthropic's shape",
        f"ai@5 @ai-sdk/openai@2 @ai-sdk/anthropic@2 {_NODE_SDK}",
        runtime="node",
    ),
}
