"""Attribute names: OpenTelemetry's, as far as we treat them specially, and our own under `ax.*`.

Source: OpenTelemetry semantic conventions 1.44 and the GenAI conventions' own repository (Development).
"""

from typing import Final

SERVICE_NAME: Final = "service.name"
TENANT_ID: Final = "ax.tenant.id"
"""Tenant on whose behalf a record was made; on a record or on its resource."""
SPAN_PENDING: Final = "ax.span.pending"
"""True on the copy of a span that is sent when it starts."""

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
