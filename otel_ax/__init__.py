"""OpenTelemetry for LLM applications, agents, workflows and voice agents.

    import otel_ax

    otel_ax.configure(service_name="desk")

    @otel_ax.workflow
    def answer(question): ...

Nothing loads before it is used: a name of here imports its module when it is first asked for (PEP 562).
"""

import sys
from importlib import import_module
from types import MappingProxyType, ModuleType
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from otel_ax.budget import Budget as Budget
    from otel_ax.budget import budget as budget
    from otel_ax.budget import spend as spend
    from otel_ax.configure import Handle as Handle
    from otel_ax.configure import configure as configure
    from otel_ax.configure import flush as flush
    from otel_ax.configure import set_sampling as set_sampling
    from otel_ax.configure import shutdown as shutdown
    from otel_ax.context import Scope as Scope
    from otel_ax.context import using as using
    from otel_ax.decorators.agent import agent as agent
    from otel_ax.decorators.llm import llm as llm
    from otel_ax.decorators.step import step as step
    from otel_ax.decorators.tool import tool as tool
    from otel_ax.decorators.workflow import workflow as workflow
    from otel_ax.errors import BadSettings as BadSettings
    from otel_ax.errors import BudgetExceeded as BudgetExceeded
    from otel_ax.errors import OtelAxError as OtelAxError
    from otel_ax.events import Event as Event
    from otel_ax.events import on as on
    from otel_ax.instrumentors import instrument as instrument
    from otel_ax.instruments import api_request as api_request
    from otel_ax.instruments import cache_event as cache_event
    from otel_ax.instruments import cache_size as cache_size
    from otel_ax.instruments import circuit_breaker as circuit_breaker
    from otel_ax.instruments import database_pool as database_pool
    from otel_ax.instruments import database_query as database_query
    from otel_ax.instruments import provider_up as provider_up
    from otel_ax.instruments import queue as queue
    from otel_ax.instruments import queue_wait as queue_wait
    from otel_ax.instruments import quota as quota
    from otel_ax.instruments import rate_limit_event as rate_limit_event
    from otel_ax.instruments import record_metric as record_metric
    from otel_ax.instruments import worker_pool as worker_pool
    from otel_ax.logs import structlog_processor as structlog_processor
    from otel_ax.readers.process import watch_event_loop as watch_event_loop
    from otel_ax.readers.snapshot import SnapshotReader as SnapshotReader
    from otel_ax.voice import VoiceCall as VoiceCall
    from otel_ax.voice import VoiceTurn as VoiceTurn
    from otel_ax.voice import voice_call as voice_call
    from otel_ax.voice import voice_turn as voice_turn

__version__ = "0.1.0"

_NAMES: Final = MappingProxyType(
    {
        "BadSettings": "otel_ax.errors",
        "Budget": "otel_ax.budget",
        "BudgetExceeded": "otel_ax.errors",
        "Event": "otel_ax.events",
        "Handle": "otel_ax.configure",
        "OtelAxError": "otel_ax.errors",
        "Scope": "otel_ax.context",
        "SnapshotReader": "otel_ax.readers.snapshot",
        "VoiceCall": "otel_ax.voice",
        "VoiceTurn": "otel_ax.voice",
        "agent": "otel_ax.decorators.agent",
        "api_request": "otel_ax.instruments",
        "budget": "otel_ax.budget",
        "cache_event": "otel_ax.instruments",
        "cache_size": "otel_ax.instruments",
        "circuit_breaker": "otel_ax.instruments",
        "configure": "otel_ax.configure",
        "database_pool": "otel_ax.instruments",
        "database_query": "otel_ax.instruments",
        "flush": "otel_ax.configure",
        "instrument": "otel_ax.instrumentors",
        "llm": "otel_ax.decorators.llm",
        "on": "otel_ax.events",
        "provider_up": "otel_ax.instruments",
        "queue": "otel_ax.instruments",
        "queue_wait": "otel_ax.instruments",
        "quota": "otel_ax.instruments",
        "rate_limit_event": "otel_ax.instruments",
        "record_metric": "otel_ax.instruments",
        "set_sampling": "otel_ax.configure",
        "shutdown": "otel_ax.configure",
        "spend": "otel_ax.budget",
        "step": "otel_ax.decorators.step",
        "structlog_processor": "otel_ax.logs",
        "tool": "otel_ax.decorators.tool",
        "using": "otel_ax.context",
        "voice_call": "otel_ax.voice",
        "voice_turn": "otel_ax.voice",
        "watch_event_loop": "otel_ax.readers.process",
        "worker_pool": "otel_ax.instruments",
        "workflow": "otel_ax.decorators.workflow",
    }
)

__all__ = [
    "BadSettings",
    "Budget",
    "BudgetExceeded",
    "Event",
    "Handle",
    "OtelAxError",
    "Scope",
    "SnapshotReader",
    "VoiceCall",
    "VoiceTurn",
    "agent",
    "api_request",
    "budget",
    "cache_event",
    "cache_size",
    "circuit_breaker",
    "configure",
    "database_pool",
    "database_query",
    "flush",
    "instrument",
    "llm",
    "on",
    "provider_up",
    "queue",
    "queue_wait",
    "quota",
    "rate_limit_event",
    "record_metric",
    "set_sampling",
    "shutdown",
    "spend",
    "step",
    "structlog_processor",
    "tool",
    "using",
    "voice_call",
    "voice_turn",
    "watch_event_loop",
    "worker_pool",
    "workflow",
]


def __getattr__(name: str) -> Any:
    module = _NAMES.get(name)
    if module is None:
        raise AttributeError(f"module 'otel_ax' has no attribute {name!r}")
    value = getattr(import_module(module), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


class _Package(ModuleType):
    """`otel_ax.configure` is the function, also after somebody has imported the module of that name."""

    def __setattr__(self, name: str, value: object) -> None:
        if not (isinstance(value, ModuleType) and name in _NAMES):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package
