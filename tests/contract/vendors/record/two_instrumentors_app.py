"""Two on one library: OpenLLMetry, and Anthropic's own client, whose spans are its siblings, in traces of their own."""

import anthropic
import cases
import tracing
from opentelemetry.instrumentation.anthropic import AnthropicInstrumentor

AnthropicInstrumentor().instrument()
claude = anthropic.Anthropic(max_retries=0)
cases.anthropic_cached(claude)
cases.anthropic_streamed(claude)
tracing.flush()
