"""Eighteen names that people ask by, and the stored metrics that they mean: `workflow.step.duration` and such.

In: a name. Out: a metric's name, and the filter of its points. The SDK records them under these names
(`otel_ax.instruments.CATALOGUE`; a test holds both equal); any other name is a metric's own.
"""

from typing import Final

from otel_ax import semconv

_OPERATIONS: Final = semconv.OPERATION_DURATION

KNOWN: Final[dict[str, tuple[str, str | None]]] = {
    "workflow.execution.duration": (_OPERATIONS, "operation = invoke_workflow"),
    "workflow.execution.count": ("ax.workflow.executions", None),
    "workflow.step.duration": (_OPERATIONS, "operation = step"),
    "workflow.step.count": ("ax.workflow.steps", None),
    "queue.length": ("ax.queue.length", None),
    "queue.wait_time": ("ax.queue.wait.duration", None),
    "worker_pool.utilization": ("ax.worker_pool.utilization", None),
    "worker_pool.count": ("ax.worker_pool.workers", None),
    "cache.size": ("ax.cache.size", None),
    "database.query.duration": ("db.client.operation.duration", None),
    "database.query.count": ("ax.database.queries", None),
    "api.request.duration": ("http.client.request.duration", None),
    "api.request.count": ("ax.api.requests", None),
    "quota.usage": ("ax.quota.usage", None),
    "system.cpu.usage": ("process.cpu.utilization", None),
    "system.memory.usage": ("process.memory.usage", None),
    "system.disk.usage": ("system.filesystem.utilization", None),
}
MEASURED: Final = {"cache.hit_rate": "cache_hit_rate"}
"""Those that are a measure of ours."""


def known_as(name: str) -> tuple[str, str | None]:
    """The metric that a name means, and the filter of its points."""
    return KNOWN.get(name, (name, None))
