"""Budgets before an instrumented client's calls: a span processor may not stop a call, a wrapper around it can.

In: a library of the table whose instrumentor is on. Out: its methods ask `adapter.gate()` first, which raises
`BudgetExceeded` where a budget was told to; nothing else changes, and without budgets a call costs a microsecond more.
"""

import importlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from wrapt import wrap_function_wrapper

from otel_ax import adapter
from otel_ax.errors import BudgetExceeded
from otel_ax.guard import guarded, report

__all__ = ["peel", "unwrap", "wrap"]


@dataclass(frozen=True, slots=True)
class _Gate:
    """Asks, then calls. An async method raises when it is called, a moment before it would be awaited."""

    provider: str | None

    def __call__(
        self, wrapped: Callable[..., Any], instance: Any, args: Sequence[Any], kwargs: Mapping[str, Any]
    ) -> Any:
        model = kwargs.get("model") or getattr(instance, "model_name", None)  # LangChain's models know their name
        try:
            adapter.gate(self.provider, model if isinstance(model, str) else None)
        except BudgetExceeded:
            raise
        except Exception as error:  # noqa: BLE001 (the promise)
            report("otel_ax: the budget could not be checked; the call is made", error)
        return wrapped(*args, **kwargs)


@guarded
def wrap(calls: Sequence[tuple[str, str]], provider: str | None) -> None:
    """Wraps each (module, method) that exists, once."""
    for module, method in calls:
        found = _found(module, method)
        if found is not None and not _is_gated(found):
            wrap_function_wrapper(module, method, _Gate(provider))


@guarded
def unwrap(calls: Sequence[tuple[str, str]]) -> None:
    """Takes our wrappers off. An instrumentor that goes off takes off the outermost one, whosoever it is."""
    _peel(calls, lambda wrapper: isinstance(wrapper, _Gate))


@guarded
def peel(calls: Sequence[tuple[str, str]], packages: Sequence[str]) -> None:
    """Takes off the outermost wrappers that are from these packages: some instrumentors leave theirs (Traceloop's)."""
    inside = tuple(f"{package}." for package in packages)
    _peel(calls, lambda wrapper: f"{getattr(wrapper, '__module__', '')}.".startswith(inside))


def _peel(calls: Sequence[tuple[str, str]], is_meant: Callable[[Any], bool]) -> None:
    for module, method in calls:
        owner, _, name = method.rpartition(".")
        while (wrapper := getattr(found := _found(module, method), "_self_wrapper", None)) and is_meant(wrapper):
            setattr(_found(module, owner), name, found.__wrapped__)


def _found(module: str, method: str) -> Any:
    try:
        found: Any = importlib.import_module(module)
    except ImportError:
        return None
    for part in method.split("."):
        found = getattr(found, part, None)
    return found


def _is_gated(found: Any) -> bool:
    """Whether one of the wrappers around a method is ours."""
    while found is not None:
        if isinstance(getattr(found, "_self_wrapper", None), _Gate):
            return True
        found = getattr(found, "__wrapped__", None)
    return False
