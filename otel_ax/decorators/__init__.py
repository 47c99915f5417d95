"""Functions and blocks that tell what they do.

In: `@llm`, `@agent`, `@tool`, `@workflow`, `@step`, or the same as `with` blocks. Out: spans, by `adapter`.
"""

from otel_ax.decorators.agent import agent
from otel_ax.decorators.llm import llm
from otel_ax.decorators.step import step
from otel_ax.decorators.tool import tool
from otel_ax.decorators.workflow import workflow

__all__ = ["agent", "llm", "step", "tool", "workflow"]
