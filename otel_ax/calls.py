"""What a span is to us: which operation, whose model, and whether its usage is its own or that of a span within it.

In: the attributes of ended spans, children before their parents. Out: names, and `Nesting.is_counted`. Loads no
OpenTelemetry.
"""

from collections import OrderedDict
from collections.abc import Mapping
from typing import Any, Final

from otel_ax import semconv
from otel_ax.prices import has_usage

__all__ = ["Nesting", "is_call", "model_of", "operation_of", "own", "plain", "provider_of"]

_KINDS: Final = {
    "LLM": "chat",
    "EMBEDDING": "embeddings",
    "TOOL": "execute_tool",
    "AGENT": "invoke_agent",
    "RETRIEVER": "retrieval",
    "chat": "chat",
    "completion": "text_completion",
    "embedding": "embeddings",
    "workflow": "invoke_workflow",
    "agent": "invoke_agent",
    "tool": "execute_tool",
}
_KIND_KEYS: Final = ("openinference.span.kind", "llm.request.type", "traceloop.span.kind")
_PROVIDER_KEYS: Final = (semconv.PROVIDER_NAME, "gen_ai.system", "llm.provider", "llm.system")
_MODEL_KEYS: Final = (
    semconv.RESPONSE_MODEL,
    "llm.response.model_name",
    semconv.REQUEST_MODEL,
    "llm.request.model_name",
    "llm.model_name",
    "embedding.model_name",
)
_USING: Final = semconv.INFERENCE_OPERATIONS | semconv.SPEECH_OPERATIONS
_OUTER: Final = frozenset({"execute_tool", "invoke_agent", "create_agent", "invoke_workflow"})
"""Operations whose inner calls are calls of their own, whatever is around."""


def plain(attributes: Mapping[str, Any] | None) -> dict[str, Any]:
    """A span's attributes as a dict of ours, ten times as fast to read as the SDK's; its `copy` makes one."""
    copy = getattr(attributes, "copy", None)
    return copy() if copy is not None else dict(attributes or {})


def own(span: Any) -> Mapping[str, Any]:
    """The span's own dictionary, to read without a copy: one name of any span, or all of one that has ended."""
    kept = getattr(getattr(span, "_attributes", None), "_dict", None)
    return kept if type(kept) is dict else plain(span.attributes)


def operation_of(attributes: Mapping[str, Any]) -> str | None:
    """`gen_ai.operation.name`, or what OpenInference and OpenLLMetry say in its place, or `ax.kind`."""
    named = attributes.get(semconv.OPERATION_NAME)
    if isinstance(named, str):
        return named
    for key in _KIND_KEYS:
        kind = attributes.get(key)
        if isinstance(kind, str) and kind in _KINDS:
            return _KINDS[kind]
    kind = attributes.get(semconv.KIND)
    return kind if isinstance(kind, str) else None


def is_call(attributes: Mapping[str, Any]) -> bool:
    """Whether a span is a call that is paid by what it uses: inference, embeddings, speech."""
    return operation_of(attributes) in _USING


def provider_of(attributes: Mapping[str, Any]) -> str | None:
    """Who serves the model."""
    return _first(attributes, _PROVIDER_KEYS)


def model_of(attributes: Mapping[str, Any]) -> str | None:
    """The model that answered, else the one that was asked."""
    return _first(attributes, _MODEL_KEYS)


def _first(attributes: Mapping[str, Any], keys: tuple[str, ...]) -> str | None:
    return next((value for key in keys if isinstance(value := attributes.get(key), str) and value), None)


class Nesting:
    """Tells wrappers from calls: of inference spans within each other only the innermost counts.

    A framework's span around a client's, or two instrumentors on one library, tell the same tokens twice. Spans end
    from within, so a call marks the spans around it, up to the tool, agent or workflow that it was made for; a call
    that is marked when it ends was a wrapper. Bounded: the oldest marks are forgotten, and their wrappers then count.
    """

    def __init__(self, most: int = 65_536) -> None:
        self._most = most
        self._marked: OrderedDict[tuple[int, int], None] = OrderedDict()

    def is_counted(self, ids: tuple[int, int], parent: tuple[int, int] | None, attributes: Mapping[str, Any]) -> bool:
        """Whether an ended span, named by trace and span id, is a call whose usage is its own.

        Call it for all spans, in the order in which they ended: those between wrapper and call pass the mark on.
        """
        was_marked = self._marked.pop(ids, self) is None
        if not was_marked and not attributes:
            return False
        operation = operation_of(attributes)
        uses = operation in _USING
        # A call that tells no usage hides none: a stream, say, of which only the span around it knows the tokens.
        tells = uses and has_usage(attributes)
        if parent is not None and (tells or (was_marked and operation not in _OUTER)):
            self._marked[parent] = None
            if len(self._marked) > self._most:
                self._marked.popitem(last=False)
        return uses and not was_marked
