"""Whom a span is for: tenant, user, conversation, workflow run, agent, metadata and budgets, by where it starts.

In: a span that starts. Out: the same with the attributes of its scope, where it does not say otherwise itself.
"""

from collections.abc import Mapping
from typing import Any

from opentelemetry.context import Context
from opentelemetry.sdk.trace import Span

from otel_ax import context as contexts
from otel_ax.budget import budgets_around
from otel_ax.context import Scope
from otel_ax.ledger import BUDGETS

__all__ = ["Enrich"]


class Enrich:
    """Writes the scope of the context to each span as it starts."""

    def __init__(self) -> None:
        self._last: tuple[Scope, Mapping[str, Any]] = (Scope(), {})

    def __call__(self, span: Span, parent_context: Context | None) -> None:
        """What the span already says stays."""
        told = self._told(contexts.current(parent_context))
        if around := budgets_around(parent_context):
            told = {**told, BUDGETS: around}
        if told and not _written(span, told):
            said = span.attributes or {}
            span.set_attributes({name: value for name, value in told.items() if name not in said})

    def _told(self, scope: Scope) -> Mapping[str, Any]:
        # Spans in a row are mostly of one scope. The pair is replaced whole, so that threads need no lock.
        last = self._last
        if last[0] is not scope:
            last = self._last = (scope, scope.attributes())
        return last[1]


def _written(span: Span, told: Mapping[str, Any]) -> bool:
    """Writes into the span's own dictionary where none of its limits could matter: 1 µs instead of 8.

    False where that is not so, or where this SDK has no such dictionary.
    """
    attributes: Any = span._attributes  # noqa: SLF001
    kept = getattr(attributes, "_dict", None)
    if type(kept) is not dict or attributes.max_value_len is not None:
        return False
    with attributes._lock:  # noqa: SLF001
        if attributes.maxlen is not None and len(kept) + len(told) > attributes.maxlen:
            return False
        for name, value in told.items():
            kept.setdefault(name, value)
    return True
